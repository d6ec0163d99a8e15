import { describe, expect, it } from 'vitest';
import { queryOf } from './eventQuery';

describe('the filter of events', () => {
  it('covers the last day whole, in the zone of the reader', () => {
    const { from, until } = queryOf({ from: '2030-02-28', until: '2030-02-28' });
    expect(new Date(from!)).toEqual(new Date(2030, 1, 28));
    expect(new Date(until!)).toEqual(new Date(2030, 2, 1));
  });

  it('leaves out what is no day', () => {
    expect(queryOf({ from: 'yesterday', until: '' })).toEqual({ from: undefined, until: undefined });
  });
});
