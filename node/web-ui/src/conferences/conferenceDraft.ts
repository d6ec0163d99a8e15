import type { Conference, ConferencePatch, ConferenceSettings, NewConference } from '../api/types';

/** What the form holds: everything as one types it. */

export interface ConferenceValues {
  cid: string;
  name: string;
  description: string;
  owner: string;
  access: Conference['access'];
  mode: ConferenceSettings['mode'];
  podium_places: number;
  pin: string;
  waiting_room: ConferenceSettings['waiting_room'];
  uninvited: boolean;
  browser: boolean;
  programs: boolean;
  muted_on_entry: boolean;
  camera_off_on_entry: boolean;
  moderators: string[];
  invited: string[];
  place: string;
  participant_limit: number;
  guest_limit: number;
}

/** As the server makes them where nothing is said. */
export function valuesOf(conference?: Conference): ConferenceValues {
  const settings = conference?.settings;
  return {
    cid: conference?.cid ?? '',
    name: conference?.name ?? '',
    description: conference?.description ?? '',
    owner: conference?.owner ?? '',
    access: conference?.access ?? 'internal',
    mode: settings?.mode ?? 'all_on_screen',
    podium_places: settings?.podium_places ?? 6,
    pin: settings?.pin ?? '',
    waiting_room: settings?.waiting_room ?? 'off',
    uninvited: settings?.uninvited ?? true,
    browser: settings?.browser ?? true,
    programs: settings?.programs ?? true,
    muted_on_entry: settings?.muted_on_entry ?? false,
    camera_off_on_entry: settings?.camera_off_on_entry ?? false,
    moderators: settings?.moderators ?? [],
    invited: settings?.invited ?? [],
    place: settings?.place ?? '',
    participant_limit: settings?.participant_limit ?? 0,
    guest_limit: settings?.guest_limit ?? 0,
  };
}

const OUTER = ['name', 'description', 'owner', 'access'] as const;

function changed(now: ConferenceValues, before: ConferenceValues) {
  const differs = (field: keyof ConferenceValues) =>
    JSON.stringify(now[field]) !== JSON.stringify(before[field]);
  const fields = (Object.keys(now) as (keyof ConferenceValues)[]).filter(differs);
  const outer = fields.filter((field) => (OUTER as readonly string[]).includes(field));
  const inner = fields.filter((field) => field !== 'cid' && !outer.includes(field));
  const pick = (some: (keyof ConferenceValues)[]) =>
    Object.fromEntries(some.map((field) => [field, now[field]]));
  return { outer: pick(outer), inner: pick(inner) };
}

/** Only what is another than before; null if nothing is. */
export function patchOf(now: ConferenceValues, before: ConferenceValues): ConferencePatch | null {
  const { outer, inner } = changed(now, before);
  if (Object.keys(outer).length + Object.keys(inner).length === 0) return null;
  return { ...outer, ...(Object.keys(inner).length > 0 ? { settings: inner } : {}) };
}

export function newOf(now: ConferenceValues): NewConference {
  const { inner } = changed(now, valuesOf());
  return {
    cid: now.cid.trim(),
    name: now.name.trim(),
    description: now.description,
    access: now.access,
    ...(now.owner.trim() ? { owner: now.owner.trim() } : {}),
    ...(Object.keys(inner).length > 0 ? { settings: inner } : {}),
  };
}

/** Six digits that nobody guesses. */
export function randomPin(): string {
  const [number] = crypto.getRandomValues(new Uint32Array(1));
  return String(number! % 1_000_000).padStart(6, '0');
}

/** A name as an address can have it. */
export function cidFrom(name: string): string {
  const plain = name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 48);
}
