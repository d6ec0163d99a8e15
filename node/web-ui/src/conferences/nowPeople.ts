import type { Participant } from '../api/types';

/** Hands in the order in which they were raised, then who is there, in the order of names. */
export function inOrder(people: readonly Participant[]): Participant[] {
  const at = ({ hand }: Participant) => (hand === null ? Infinity : Date.parse(hand));
  return [...people].sort((a, b) => {
    if (a.hand !== null || b.hand !== null) return at(a) - at(b);
    return a.name.localeCompare(b.name) || Date.parse(a.joined_at) - Date.parse(b.joined_at);
  });
}

const fold = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** Those of whom name or account have this. */
export function found(people: readonly Participant[], text: string): readonly Participant[] {
  const wanted = fold(text.trim());
  return people.filter(({ name, user }) => fold(name).includes(wanted) || !!user?.includes(wanted));
}
