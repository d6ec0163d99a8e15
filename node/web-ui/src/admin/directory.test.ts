import { expect, test } from 'vitest';
import type { Directory } from '../api/types';
import en from '../i18n/locales/en/admin.json';
import fr from '../i18n/locales/fr/admin.json';
import { CODES, directoryTone, keyOf } from './directory';

const directory = (change: Partial<Directory>): Directory => ({
  stage: 'on',
  addresses: [],
  share: { kinds: [], groups: null, hidden: [], fields: [] },
  since: null,
  by: null,
  name: null,
  connected: false,
  trouble: null,
  servers: [],
  left_out: null,
  revision: '1',
  ...change,
});

test('what the Directory refuses is worse than that it does not answer', () => {
  expect(directoryTone(directory({ connected: true }))).toBe('good');
  expect(directoryTone(directory({ trouble: { code: null, detail: 'nobody answers' } }))).toBe('warn');
  expect(directoryTone(directory({ trouble: { code: 'key_wrong', detail: 'another secret' } }))).toBe('bad');
  expect(directoryTone(directory({ stage: 'off' }))).toBe('quiet');
  expect(directoryTone(directory({ stage: 'leaving' }))).toBe('note');
});

test('each refusal has a text', () => {
  for (const texts of [en, fr] as Record<string, string>[]) {
    const known = Object.keys(texts).filter((key) => key.startsWith('directory.code.'));
    expect(known.sort()).toEqual(CODES.map((code) => `directory.code.${code}`).sort());
  }
});

test('a key that was replaced is not shown any more', () => {
  const shown = { key: 'abc', since: '2026-01-01T00:00:00Z' };
  expect(keyOf(shown, { since: '2026-01-01T00:00:00Z' })).toBe('abc');
  expect(keyOf(shown, { since: '2026-01-02T00:00:00Z' })).toBeUndefined();
  expect(keyOf(undefined, { since: null })).toBeUndefined();
});
