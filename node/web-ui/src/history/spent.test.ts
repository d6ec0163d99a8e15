import { describe, expect, it } from 'vitest';
import { lengthOf, secondsOf } from './spent';

const at = (time: string) => `2026-03-01T${time}Z`;

describe('time spent in a meeting', () => {
  it('is that of all visits, up to now where somebody is still there', () => {
    const stays = [
      { came_at: at('10:00:00'), left_at: at('10:00:30') },
      { came_at: at('10:05:00'), left_at: null },
    ];
    expect(secondsOf(stays, Date.parse(at('10:06:00')))).toBe(90);
    expect(secondsOf([])).toBe(0);
  });

  it('is never negative, whatever the clocks say', () => {
    expect(secondsOf([{ came_at: at('10:00:00'), left_at: null }], Date.parse(at('09:59:00')))).toBe(0);
  });

  it('is told by its two largest units', () => {
    expect(lengthOf(at('10:00:00'), at('11:05:20'))).toBe('1 hour 5 minutes');
  });
});
