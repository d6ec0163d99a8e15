import { beforeEach, describe, expect, it, vi } from 'vitest';
import { passes, type GuestPass } from './seat';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const time = (at: number) => new Date(at).toISOString();
const pass = (at: number): GuestPass => ({
  token: 't',
  name: 'Ann',
  expires_at: time(at + 12 * HOUR),
  key: 'k',
  kept_until: time(at + 30 * DAY),
});

describe('who a guest is', () => {
  beforeEach(() => localStorage.clear());

  it('is kept after the token has ended, for all tabs', () => {
    passes.keep('demo', pass(0));
    expect(passes.of('demo', HOUR)?.name).toBe('Ann');
    expect(passes.of('demo', DAY)).toBeNull();
    expect(passes.kept('demo', 29 * DAY)?.key).toBe('k');
    expect(passes.kept('demo', 30 * DAY)).toBeNull();
    expect(passes.kept('other', HOUR)).toBeNull();
  });

  it('is kept anew by a visit on another day', () => {
    passes.keep('demo', pass(0));
    expect(passes.isDue('demo', HOUR)).toBe(false);
    expect(passes.isDue('demo', 2 * DAY)).toBe(true);
    passes.keep('demo', { ...pass(0), key: null, kept_until: null });
    expect(passes.isDue('demo', 2 * DAY)).toBe(false);
  });

  it('follows the conference to another ID and is forgotten', () => {
    const now = Date.now();
    passes.keep('demo', pass(now));
    passes.follow('demo', 'weekly');
    expect(passes.of('weekly')?.token).toBe('t');
    passes.forget('weekly');
    expect(passes.kept('weekly')).toBeNull();
  });

  it('is known to the page where the browser keeps nothing', () => {
    const full = vi.spyOn(Storage.prototype, 'setItem').mockImplementation(() => {
      throw new DOMException('full', 'QuotaExceededError');
    });
    passes.keep('demo', pass(0));
    full.mockRestore();
    expect(passes.of('demo', HOUR)?.token).toBe('t');
    passes.forget('demo');
    expect(passes.of('demo', HOUR)).toBeNull();
  });
});
