import i18n from 'i18next';
import { afterEach, expect, it, vi } from 'vitest';
import { deniedText } from './refusedText';

afterEach(() => vi.restoreAllMocks());

it('says in the language of the page why something was not done', () => {
  i18n.addResourceBundle('fr', 'meeting', {
    'denied.full': 'Il n’y a plus de place.',
    'denied.conflict': 'Pas maintenant.',
  });
  const denied = (code: 'full' | 'conflict' | 'no-pro-seat') => ({ code, detail: 'all are taken', count: 1 });
  vi.spyOn(i18n, 'language', 'get').mockReturnValue('en');
  expect(deniedText(denied('full'))).toBe('all are taken');
  vi.spyOn(i18n, 'language', 'get').mockReturnValue('fr');
  vi.spyOn(i18n, 'exists').mockImplementation((key) => /full|conflict/.test(String(key)));
  vi.spyOn(i18n, 't').mockImplementation(((key: string) =>
    key.endsWith('full') ? 'Il n’y a plus de place.' : 'Pas maintenant.') as never);
  expect(deniedText(denied('full'))).toBe('Il n’y a plus de place.');
  expect(deniedText(denied('conflict'))).toBe('Pas maintenant. all are taken');
  expect(deniedText(denied('no-pro-seat'))).toBe('all are taken');
});
