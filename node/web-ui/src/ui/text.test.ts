import { afterEach, describe, expect, it } from 'vitest';
import { Problem } from '../api/problem';
import i18n from '../i18n';
import { choose } from '../i18n/choose';
import { bytes, duration, fieldErrors, problemText, relativeTime } from './text';

afterEach(() => i18n.changeLanguage('en'));

describe('words', () => {
  it('say what happened in the language of the reader', async () => {
    const problem = new Problem('wrong-credentials', 401, 'User ID or password wrong');
    expect(problemText(problem)).toBe('The user ID or the password is wrong.');
    await i18n.changeLanguage('fr');
    expect(problemText(problem)).toBe('L’identifiant ou le mot de passe est incorrect.');
  });

  it('fall back to the server’s own for a code of a newer server', () => {
    expect(problemText(new Problem('brand-new', 409, 'The moon is full.'))).toBe('The moon is full.');
  });

  it('say when a locked account opens', () => {
    const until = '2030-01-02T03:04:05.000Z';
    expect(problemText(new Problem('account-locked', 403, '', [], null, { until }))).toMatch(
      /until Jan \d, 2030/,
    );
  });

  it('name the fields that were refused, and give each its reason', () => {
    const problem = new Problem('invalid-field', 422, '', [{ field: 'email', reason: 'is used already' }]);
    expect(problemText(problem)).toContain('Email: is used already');
    expect(fieldErrors(problem)).toEqual({ email: 'is used already' });
  });

  it('give lengths by their two largest units', () => {
    expect(duration(93_784)).toBe('1 day 2 hours');
    expect(duration(0)).toBe('0 seconds');
  });

  it('give sizes with a unit that suits', () => {
    expect(bytes(999)).toBe('999 byte');
    expect(bytes(42_500_000_000)).toBe('43 GB');
  });

  it('give times from where the reader is', () => {
    const now = Date.parse('2030-01-01T12:00:00Z');
    expect(relativeTime('2030-01-01T11:58:00Z', now)).toBe('2 minutes ago');
    expect(relativeTime('2030-01-04T12:00:00Z', now)).toBe('in 3 days');
  });

  it('come in the best language that is there', () => {
    expect(choose(['de-CH', 'fr-CH', 'en'], ['en', 'fr'])).toBe('fr');
    expect(choose(['xx'], ['en', 'fr'])).toBe('en');
  });
});
