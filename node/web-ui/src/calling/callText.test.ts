import { describe, expect, it } from 'vitest';
import { lasted, missed } from './callText';

describe('a call', () => {
  it('is missed by who was called and never by who called', () => {
    for (const outcome of ['missed', 'cancelled', 'busy', 'unreachable'] as const) {
      expect(missed({ direction: 'incoming', outcome })).toBe(true);
      expect(missed({ direction: 'outgoing', outcome })).toBe(false);
    }
    for (const outcome of ['talked', 'declined', 'widened'] as const) {
      expect(missed({ direction: 'incoming', outcome })).toBe(false);
    }
  });

  it('lasted as long as people say', () => {
    const of = (seconds: number) => {
      const from = '2030-01-31T12:00:00.000Z';
      const to = new Date(Date.parse(from) + seconds * 1_000).toISOString();
      return lasted({ answered_at: from, ended_at: to }, 'en');
    };
    expect(of(0)).toBe('1 sec');
    expect(of(65)).toBe('1 min 5 sec');
    expect(of(120)).toBe('2 min');
    expect(of(3_725)).toBe('1 hr 2 min');
  });
});
