import type { Participant } from './messages';
import { perConference } from './perConference';

/** The order in which somebody wants to see people, for each conference; kept in this browser. */

const MOST_PEOPLE = 200;

/** Accounts are known again by their ID, guests by what they are called. */
export const personKey = ({ user, name }: Participant) => (user ? `user:${user}` : `name:${name}`);

const kept = perConference<string[]>('plenary.order');
const none: string[] = [];

export const orders = {
  ...kept,
  of: (cid: string): string[] => kept.of(cid) ?? none,
  keep: (cid: string, people: readonly Participant[]) =>
    kept.keep(cid, people.slice(0, MOST_PEOPLE).map(personKey)),
};

/** Those who were put into an order first, the others after them as they came. */
export function inOwnOrder(people: readonly Participant[], keys: readonly string[]): Participant[] {
  if (keys.length === 0) return [...people];
  const place = new Map(keys.map((key, at) => [key, at]));
  const at = (one: Participant) => place.get(personKey(one)) ?? Infinity;
  return people
    .map((one, index) => ({ one, index }))
    .sort((a, b) => {
      const [first, second] = [at(a.one), at(b.one)];
      return first === second ? a.index - b.index : first - second;
    })
    .map(({ one }) => one);
}

/** With `id` so many places further. */
export function moved<T extends { id: string }>(people: readonly T[], id: string, by: number): T[] {
  const from = people.findIndex((one) => one.id === id);
  if (from < 0) return [...people];
  const next = [...people];
  const [one] = next.splice(from, 1);
  next.splice(Math.max(0, Math.min(next.length, from + by)), 0, one!);
  return next;
}
