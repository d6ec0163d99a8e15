import { describe, expect, it } from 'vitest';
import { leftText } from './when';

describe('the time until a meeting begins', () => {
  it('is told in the two largest units', () => {
    expect(leftText(30_000, 'en')).toBe('1 minute');
    expect(leftText(125 * 60_000, 'en')).toBe('2 hours 5 minutes');
    expect(leftText(120 * 60_000, 'fr')).toBe('2\u00a0heures');
    expect(leftText(26 * 3_600_000, 'en')).toBe('1 day 2 hours');
  });
});
