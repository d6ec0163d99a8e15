import { choose } from '../i18n/choose';
import type english from '../i18n/locales/en/widget.json';

/** The texts of the widget, by the languages of the browser; small, as it stands on pages of others. */

export type Key = keyof typeof english;
export type Text = (key: Key, values?: Record<string, string>) => string;

const files = import.meta.glob<{ default: Record<Key, string> }>('../i18n/locales/*/widget.json');
const fileOf = (language: string) => `../i18n/locales/${language}/widget.json`;
const languages = Object.keys(files).map((path) => path.split('/')[3]!);

export async function textsFor(wanted: readonly string[]): Promise<{ language: string; t: Text }> {
  const language = choose(wanted, languages);
  const texts = (await files[fileOf(language)]!()).default;
  const t: Text = (key, values = {}) =>
    texts[key].replace(/\{\{(\w+)\}\}/g, (_, name: string) => values[name] ?? '');
  return { language, t };
}
