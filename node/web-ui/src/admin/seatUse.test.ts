import { describe, expect, it } from 'vitest';
import { seatTone, shareOf } from './seatUse';

describe('use of seats', () => {
  it('warns from nine tenths on and tells when nobody new gets one', () => {
    const tone = (taken: number, total: number) => seatTone({ taken, total });
    expect([tone(0, 10), tone(8, 10), tone(9, 10), tone(10, 10), tone(11, 10)]).toEqual([
      'good',
      'good',
      'warn',
      'bad',
      'bad',
    ]);
    expect([tone(0, 0), tone(1, 2), tone(0, 1), tone(1, 1), tone(1, 0)]).toEqual([
      'quiet',
      'good',
      'good',
      'bad',
      'bad',
    ]);
  });

  it('fills a bar and no more', () => {
    expect(shareOf(5, { taken: 5, total: 20 })).toBe(25);
    expect(shareOf(30, { taken: 30, total: 20 })).toBe(100);
    expect(shareOf(10, { taken: 30, total: 20 })).toBeCloseTo(33.3, 1);
    expect(shareOf(0, { taken: 0, total: 0 })).toBe(0);
  });
});
