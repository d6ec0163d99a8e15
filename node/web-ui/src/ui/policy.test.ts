import { describe, expect, it } from 'vitest';
import { meets } from './policy';

const strict = { min_length: 8, mixed_case: true, digits: true, specials: true };

describe('the password policy', () => {
  it.each([
    ['Sécurité-1', true],
    ['Straße_99', true],
    ['short-1A', true],
    ['Short1-', false],
    ['no-upper-1', false],
    ['NO-LOWER-1', false],
    ['No-Digit-', false],
    ['NoSpecial1', false],
    [`Aa1-${'x'.repeat(61)}`, false],
  ])('%s: %s', (password, expected) => {
    expect(meets(strict, password)).toBe(expected);
  });

  it('counts characters, not their bytes', () => {
    expect(
      meets({ ...strict, min_length: 4, mixed_case: false, digits: false, specials: false }, '👍👍👍👍'),
    ).toBe(true);
  });
});
