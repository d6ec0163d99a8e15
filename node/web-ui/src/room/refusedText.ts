import i18n from '../i18n';
import type { MeetingState } from '../meeting/state';
import { textOf } from '../ui/text';

/** Codes of which only the server knows what is in the way. */
const TOLD = ['conflict'];

/** Why something was not done: the server says it in English, the page in the reader's language by its code. */
export function deniedText({ code, detail }: MeetingState['denied']): string {
  if (code === null || (detail && i18n.language.startsWith('en'))) return detail;
  const text = textOf(`meeting:denied.${code}`, '');
  if (!text) return detail;
  return TOLD.includes(code) ? `${text} ${detail}`.trim() : text;
}
