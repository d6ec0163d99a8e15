import type { ConferenceSettings } from '../api/types';
import type { KeptLayout, Layout } from './messages';

/** Layouts that a conference keeps by name (CONF-11): they outlive meetings, so that they name nobody who is in one. */

type Stored = ConferenceSettings['layouts'][number];

/** As the REST interface takes it; places of people become automatic. */
export function stored({ name, layout }: KeptLayout): Stored {
  const slots = (layout.slots ?? []).map(({ kind }) => (kind === 'person' ? 'automatic' : kind));
  return {
    name,
    arrangement: layout.arrangement,
    locked: layout.locked,
    slots,
    shuffle_s: layout.shuffle_s ?? null,
    names_hidden: layout.names_hidden ?? false,
  };
}

const fold = (name: string) => name.trim().toLocaleLowerCase();

/** With one more, or with another one of that name. */
export function withKept(all: readonly KeptLayout[], name: string, layout: Layout): KeptLayout[] {
  const others = all.filter((one) => fold(one.name) !== fold(name));
  return [...others, { name: name.trim(), layout: { ...layout, pinned: null } }];
}

export const withoutKept = (all: readonly KeptLayout[], name: string): KeptLayout[] =>
  all.filter((one) => one.name !== name);

/** Whether everybody looks at this one now. */
export function isShown({ layout }: KeptLayout, now: Layout | null): boolean {
  if (!now || now.pinned) return false;
  const text = (one: Layout) => JSON.stringify(stored({ name: '', layout: one }));
  return text(layout) === text(now) && !(now.slots ?? []).some(({ kind }) => kind === 'person');
}
