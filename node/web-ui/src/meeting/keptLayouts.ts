import type { ConferenceSettings } from '../api/types';
import type { KeptLayout, Layout } from './messages';

/**
 * Layouts that a conference keeps by name (CONF-11). They outlive meetings: people are in them by their accounts, and who has
 * none cannot be kept.
 */

export type Stored = ConferenceSettings['layouts'][number];

/** The account of a participant, as `user` or `user@server`; null: a guest, or gone. */
export type AccountOf = (participant: string) => string | null;

/** As the REST interface takes it; places of who has no account become automatic. */
export function stored(name: string, layout: Layout, accountOf: AccountOf): Stored {
  const slots = layout.slots ?? [];
  const people = slots.flatMap((slot, at) => {
    const user = slot.kind === 'person' ? accountOf(slot.participant) : null;
    return user === null ? [] : [{ place: at + 1, user }];
  });
  return {
    name: name.trim(),
    arrangement: layout.arrangement,
    locked: layout.locked,
    slots: slots.map(({ kind }) => (kind === 'person' ? 'automatic' : kind)),
    shuffle_s: layout.shuffle_s ?? null,
    names_hidden: layout.names_hidden ?? false,
    people,
  };
}

const fold = (name: string) => name.trim().toLocaleLowerCase();

/** With one more, or with another one of that name. */
export const withKept = (all: readonly Stored[], one: Stored): Stored[] => [
  ...all.filter(({ name }) => fold(name) !== fold(one.name)),
  one,
];

export const withoutKept = (all: readonly Stored[], name: string): Stored[] =>
  all.filter((one) => one.name !== name);

/** Whether everybody looks at this one now, as it is kept. */
export function isShown({ name, layout }: KeptLayout, now: Layout | null): boolean {
  const text = (one: Layout) => JSON.stringify(stored('', one, () => null));
  return now?.kept === name && text(layout) === text(now);
}
