import type {
  Conference,
  ConferenceDefaults,
  ConferencePatch,
  ConferenceRegistration,
  ConferenceSchedule,
  ConferenceSettings,
  NewConference,
} from '../api/types';
import { noRegistration } from '../registration/registrationDraft';

/** What the form holds: everything as one types it. */

export interface ConferenceValues {
  /** The ID stays, the server makes one up, or it is `cid`. */
  id_by: 'stays' | 'made_up' | 'own';
  cid: string;
  name: string;
  description: string;
  owner: string;
  access: Conference['access'];
  mode: ConferenceSettings['mode'];
  podium_places: number;
  pin: string;
  waiting_room: ConferenceSettings['waiting_room'];
  begins_locked: boolean;
  uninvited: boolean;
  browser: boolean;
  programs: boolean;
  muted_on_entry: boolean;
  camera_off_on_entry: boolean;
  moderators: string[];
  invited: string[];
  lecturers: string[];
  call_at_start: boolean;
  place: string;
  participant_limit: number;
  guest_limit: number;
  quality: ConferenceSettings['quality'];
  guests: ConferenceSettings['guests'];
  registration: ConferenceRegistration;
  launch: Conference['launch'];
  date: string;
  time: string;
  zone: string;
  /** 0: its end is not planned. */
  duration_minutes: number;
  /** Empty: it takes place once. */
  weekdays: ConferenceSchedule['weekdays'];
  ends: 'never' | 'until' | 'count';
  until: string;
  count: number;
}

/** Of a conference; or of a new one as the server makes them where nothing is said. */
export function valuesOf(conference?: Conference, usual?: ConferenceDefaults): ConferenceValues {
  return {
    id_by: conference ? 'stays' : 'made_up',
    cid: conference?.cid ?? '',
    ...setupOf(conference, usual),
    owner: conference?.owner ?? '',
    ...whenOf(conference?.schedule ?? null),
  };
}

/** The same, and somebody is invited; whoever is it anyway stays so. */
export function inviting(values: ConferenceValues, person: string | undefined): ConferenceValues {
  const { invited, moderators } = values;
  if (!person || invited.includes(person) || moderators.includes(person)) return values;
  return { ...values, invited: [...invited, person] };
}

/** What a template keeps, too; when it takes place aside. */
export function setupOf(
  conference?: Pick<Conference, 'name' | 'description' | 'access' | 'settings' | 'launch'>,
  usual?: ConferenceDefaults,
) {
  const settings = conference?.settings ?? usual;
  const own = conference?.settings;
  return {
    name: conference?.name ?? '',
    description: conference?.description ?? '',
    access: conference?.access ?? usual?.access ?? 'internal',
    mode: own?.mode ?? 'all_on_screen',
    podium_places: own?.podium_places ?? 6,
    pin: own?.pin ?? '',
    waiting_room: settings?.waiting_room ?? 'off',
    begins_locked: own?.begins_locked ?? false,
    uninvited: settings?.uninvited ?? true,
    browser: own?.browser ?? true,
    programs: own?.programs ?? true,
    muted_on_entry: settings?.muted_on_entry ?? false,
    camera_off_on_entry: settings?.camera_off_on_entry ?? false,
    moderators: own?.moderators ?? [],
    invited: own?.invited ?? [],
    lecturers: own?.lecturers ?? [],
    call_at_start: own?.call_at_start ?? true,
    place: own?.place ?? '',
    participant_limit: own?.participant_limit ?? 0,
    guest_limit: own?.guest_limit ?? 0,
    quality: own?.quality ?? { camera_height: 0, camera_fps: 0, content_height: 0, content_fps: 0 },
    guests: settings?.guests ?? { chat: true, audio: true, video: true },
    registration: own?.registration ?? noRegistration(),
    launch: conference?.launch ?? 'virtual_room',
  };
}

/** A schedule as one types it; without one, the next full hour. */
export function whenOf(schedule: ConferenceSchedule | null) {
  const soon = nextHour(new Date());
  return {
    date: schedule?.date ?? soon.date,
    time: schedule?.time ?? soon.time,
    zone: schedule?.zone ?? ownZone(),
    duration_minutes: schedule ? (schedule.duration_minutes ?? 0) : 60,
    weekdays: schedule?.weekdays ?? [],
    ends: schedule?.until ? ('until' as const) : schedule?.count ? ('count' as const) : ('never' as const),
    until: schedule?.until ?? '',
    count: schedule?.count ?? 10,
  };
}

const WHEN = [
  'launch',
  'date',
  'time',
  'zone',
  'duration_minutes',
  'weekdays',
  'ends',
  'until',
  'count',
] as const;

/** What the server is told of when it takes place. */
function launchOf(now: ConferenceValues): Pick<NewConference, 'launch' | 'schedule'> {
  if (now.launch !== 'scheduled') return { launch: now.launch };
  const weekly = now.weekdays.length > 0;
  const schedule: ConferenceSchedule = {
    date: now.date,
    time: now.time,
    zone: now.zone,
    duration_minutes: now.duration_minutes || null,
    weekdays: now.weekdays,
    until: weekly && now.ends === 'until' ? now.until : null,
    count: weekly && now.ends === 'count' ? now.count : null,
  };
  return { launch: 'scheduled', schedule };
}

const OUTER = ['name', 'description', 'owner', 'access'] as const;

/** Into a public conference come guests, whom nobody invites: so may all others. What was chosen before comes back with `internal`. */
function settled(values: ConferenceValues): ConferenceValues {
  return values.access === 'public' ? { ...values, uninvited: true } : values;
}

export function changed(chosen: ConferenceValues, before: ConferenceValues) {
  const now = settled(chosen);
  const differs = (field: keyof ConferenceValues) =>
    JSON.stringify(now[field]) !== JSON.stringify(before[field]);
  // Guests who do not come need not register; how they would stays as it is.
  const counts = (field: string) => field !== 'registration' || now.access === 'public';
  const fields = (Object.keys(now) as (keyof ConferenceValues)[]).filter(counts).filter(differs);
  const outer = fields.filter((field) => (OUTER as readonly string[]).includes(field));
  const when = fields.filter((field) => (WHEN as readonly string[]).includes(field));
  const inner = fields.filter(
    (field) => field !== 'cid' && field !== 'id_by' && !outer.includes(field) && !when.includes(field),
  );
  const pick = (some: (keyof ConferenceValues)[]) =>
    Object.fromEntries(some.map((field) => [field, now[field]]));
  // Days and times count only where they are asked for.
  const planned = now.launch === 'scheduled' ? when.length > 0 : when.includes('launch');
  // The server makes one up where none is said.
  const own = now.id_by === 'own' && now.cid.trim() !== before.cid;
  const id = now.id_by === 'made_up' ? { cid: '' } : own ? { cid: now.cid.trim() } : {};
  return {
    outer: { ...pick(outer), ...id, ...(planned ? launchOf(now) : {}) },
    inner: pick(inner),
  };
}

/** Only what is another than before; null if nothing is. */
export function patchOf(now: ConferenceValues, before: ConferenceValues): ConferencePatch | null {
  const { outer, inner } = changed(now, before);
  if (Object.keys(outer).length + Object.keys(inner).length === 0) return null;
  return { ...outer, ...(Object.keys(inner).length > 0 ? { settings: inner } : {}) };
}

/** What is as in `before` the server fills in. */
export function newOf(now: ConferenceValues, before = valuesOf()): NewConference {
  const { inner } = changed(now, before);
  const when = now.launch === 'virtual_room' ? {} : launchOf(now);
  return {
    ...(now.id_by === 'own' ? { cid: now.cid.trim() } : {}),
    name: now.name.trim(),
    description: now.description,
    access: now.access,
    ...when,
    ...(now.owner.trim() ? { owner: now.owner.trim() } : {}),
    ...(Object.keys(inner).length > 0 ? { settings: inner } : {}),
  };
}

/** The zone of this device. */
export function ownZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone || 'UTC';
}

/** The first full hour after `now`, by the clock of this device. */
export function nextHour(now: Date): { date: string; time: string } {
  const at = new Date(now.getTime());
  at.setHours(at.getHours() + 1, 0, 0, 0);
  const two = (number: number) => String(number).padStart(2, '0');
  return {
    date: `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`,
    time: `${two(at.getHours())}:00`,
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
