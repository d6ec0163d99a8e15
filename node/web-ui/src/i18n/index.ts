import i18n from 'i18next';
import { initReactI18next } from 'react-i18next';
import type admin from './locales/en/admin.json';
import type common from './locales/en/common.json';
import type meeting from './locales/en/meeting.json';
import { choose } from './choose';

/**
 * Texts live in `locales/LANGUAGE/{common,admin,meeting,widget}.json`; a new folder there is a new language: nothing else
 * has to be told. `common` is what everyone needs, `admin` comes with the control panel,
 * `meeting` with the room, `widget` is all that the widget has.
 */
declare module 'i18next' {
  interface CustomTypeOptions {
    defaultNS: 'common';
    keySeparator: false;
    nsSeparator: ':';
    resources: { common: typeof common; admin: typeof admin; meeting: typeof meeting };
    enableSelector: false;
  }
}

const KEY = 'plenary.language';
const files = import.meta.glob<{ default: Record<string, string> }>('./locales/*/*.json');

export const languages = [...new Set(Object.keys(files).map((path) => path.split('/')[2]!))].sort();

/** Chosen before here, else what the browser asks for (it is what it sends as Accept-Language). */
function wanted(): string[] {
  const chosen = new URLSearchParams(location.search).get('lang') ?? localStorage.getItem(KEY);
  return [...(chosen ? [chosen] : []), ...navigator.languages];
}

const backend = {
  type: 'backend' as const,
  init() {},
  read(language: string, space: string, done: (error: unknown, texts: unknown) => void) {
    const load = files[`./locales/${language}/${space}.json`];
    if (!load) return done(new Error(`no texts for ${language}/${space}`), null);
    load().then(
      (texts) => done(null, texts.default),
      (error) => done(error, null),
    );
  },
};

export async function initI18n(language = choose(wanted(), languages)) {
  i18n.on('languageChanged', (now) => {
    document.documentElement.lang = now;
    document.documentElement.dir = i18n.dir(now);
  });
  await i18n
    .use(backend)
    .use(initReactI18next)
    .init({
      lng: language,
      fallbackLng: 'en',
      supportedLngs: languages,
      ns: ['common'],
      defaultNS: 'common',
      keySeparator: false,
      interpolation: { escapeValue: false },
      react: { useSuspense: true },
    });
}

export async function speak(language: string) {
  localStorage.setItem(KEY, language);
  await i18n.changeLanguage(language);
}

/** A language's name in itself: "français". */
export function nameOf(language: string): string {
  const name = new Intl.DisplayNames([language], { type: 'language' }).of(language) ?? language;
  return name.charAt(0).toLocaleUpperCase(language) + name.slice(1);
}

export default i18n;
