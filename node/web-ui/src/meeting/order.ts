import type { Participant } from './messages';

/** The order in which somebody wants to see people, for each conference; kept in this browser. */

const KEY = 'plenary.order';
const MOST_CONFERENCES = 20;
const MOST_PEOPLE = 200;

type Orders = Record<string, string[]>;

/** Accounts are known again by their ID, guests by what they are called. */
export const personKey = ({ user, name }: Participant) => (user ? `user:${user}` : `name:${name}`);

function read(): Orders {
  try {
    return (JSON.parse(localStorage.getItem(KEY) ?? '{}') ?? {}) as Orders;
  } catch {
    return {};
  }
}

let kept: Orders | null = null;
const others = (cid: string): Orders =>
  Object.fromEntries(Object.entries(kept ?? read()).filter(([of]) => of !== cid));
const listeners = new Set<() => void>();
const none: string[] = [];

export const orders = {
  of(cid: string): string[] {
    kept ??= read();
    return kept[cid] ?? none;
  },
  keep(cid: string, people: readonly Participant[]) {
    const latest = Object.entries(others(cid)).slice(-(MOST_CONFERENCES - 1));
    kept = { ...Object.fromEntries(latest), [cid]: people.slice(0, MOST_PEOPLE).map(personKey) };
    write(kept);
  },
  forget(cid: string) {
    kept = others(cid);
    write(kept);
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};

function write(orders: Orders) {
  try {
    localStorage.setItem(KEY, JSON.stringify(orders));
  } catch {
    // Then it is kept for as long as the page is open.
  }
  listeners.forEach((listener) => listener());
}

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
