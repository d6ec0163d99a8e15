import { expect, test } from 'vitest';
import type { Directory } from '../api/types';
import { directoryTone } from './directory';

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
