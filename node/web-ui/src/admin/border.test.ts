import { describe, expect, it } from 'vitest';
import type { BorderController } from '../api/types';
import { isNarrow, refusedInAll, standing } from './border';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function controller(change: Partial<BorderController>, tunnel: Partial<BorderController['tunnel']> = {}) {
  return {
    stage: 'enrolled',
    token_expires_at: null,
    ...change,
    tunnel: { up_since: null, refused: [], ...tunnel },
  } as unknown as BorderController;
}

describe('a Border Controller', () => {
  it('is up while there is a tunnel', () => {
    expect(standing(controller({}, { up_since: '2026-03-01T11:00:00Z' }), NOW)).toBe('up');
    expect(standing(controller({}), NOW)).toBe('down');
  });

  it('waits for its token to be used as long as that is good', () => {
    const invited = (ends: string) => controller({ stage: 'invited', token_expires_at: ends });
    expect(standing(invited('2026-03-01T12:00:01Z'), NOW)).toBe('waiting');
    expect(standing(invited('2026-03-01T12:00:00Z'), NOW)).toBe('expired');
  });

  it('has a narrow path where media are to be cut, and none as long as nobody knows', () => {
    const path = (mtu_bytes: number | null) => controller({}, { mtu_bytes, mtu_wanted_bytes: 1259 });
    expect([1258, 1259, 1452, null].map((mtu) => isNarrow(path(mtu)))).toEqual([true, false, false, false]);
  });

  it('has refused as many as for all reasons together', () => {
    const refused = [
      { reason: 'denied', count: 2 },
      { reason: 'too_fast', count: 5 },
    ];
    expect(refusedInAll(controller({}, { refused }))).toBe(7);
  });
});
