import type { ChatLine } from './messages';

/** Where a text stands in lines of the chat. Capitals and accents do not matter. */

const folded = (character: string) => character.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** From where to where each place goes at which it is found; none of them overlap. */
export function placesIn(text: string, sought: string): [number, number][] {
  const find = [...sought.trim()].map(folded).join('');
  if (find === '') return [];
  let plain = '';
  // For each unit of the folded text, where its character begins and ends in the text.
  const of: [number, number][] = [];
  let at = 0;
  for (const character of text) {
    const fold = folded(character);
    plain += fold;
    for (let unit = 0; unit < fold.length; unit += 1) of.push([at, at + character.length]);
    at += character.length;
  }
  const places: [number, number][] = [];
  for (let from = plain.indexOf(find); from >= 0; from = plain.indexOf(find, from + find.length)) {
    places.push([of[from]![0], of[from + find.length - 1]![1]]);
  }
  return places;
}

/** Lines that have it in their text or are by somebody of that name, in their order. */
export const found = (chat: readonly ChatLine[], sought: string): ChatLine[] =>
  sought.trim() === ''
    ? []
    : chat.filter(
        ({ text, name, deleted }) =>
          !deleted && (placesIn(text, sought).length > 0 || placesIn(name, sought).length > 0),
      );

/** A text in parts: every second one is what was sought. */
export function splitByFound(text: string, sought: string): string[] {
  const parts: string[] = [];
  let at = 0;
  for (const [from, until] of placesIn(text, sought)) {
    parts.push(text.slice(at, from), text.slice(from, until));
    at = until;
  }
  return [...parts, text.slice(at)];
}
