import type { NewTemplate, Template, TemplatePatch } from '../api/types';
import { changed, setupOf, valuesOf, whenOf, type ConferenceValues } from './conferenceDraft';

/** Templates in the form of conferences: the same without an address, an owner and days. */

/** A new conference as the template sets it up, on the next day that there is. */
export function valuesFrom(template: Template): ConferenceValues {
  const setup = setupOf(template);
  const soon = whenOf(null);
  const hours = template.schedule;
  // Fields of a new form have no numbers yet.
  const fields = setup.registration.fields?.map((field) => ({ ...field, id: null }));
  return {
    ...valuesOf(),
    ...setup,
    registration: { ...setup.registration, fields },
    ...(hours && {
      date: dayFor(hours.time, new Date()) ?? soon.date,
      time: hours.time,
      zone: hours.zone,
      duration_minutes: hours.duration_minutes ?? 0,
      weekdays: hours.weekdays,
    }),
  };
}

/** The template as its own form shows it: fields keep their numbers. */
export function templateValues(template: Template): ConferenceValues {
  return { ...valuesFrom(template), registration: setupOf(template).registration };
}

/** Today, or tomorrow where the time has passed by the clock of this device. */
export function dayFor(time: string, now: Date): string | null {
  const [hours, minutes] = time.split(':').map(Number);
  if (hours === undefined || minutes === undefined) return null;
  const at = new Date(now.getTime());
  at.setHours(hours, minutes, 0, 0);
  if (at <= now) at.setDate(at.getDate() + 1);
  const two = (number: number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

function hoursOf(now: ConferenceValues): Pick<NewTemplate, 'launch' | 'schedule'> {
  if (now.launch !== 'scheduled') return { launch: now.launch };
  const { time, zone, weekdays } = now;
  const schedule = { time, zone, duration_minutes: now.duration_minutes || null, weekdays };
  return { launch: 'scheduled', schedule };
}

/** How often it is repeated and from which day is not kept. */
const HOURS = ['launch', 'time', 'zone', 'duration_minutes', 'weekdays'] as const;

function withoutNumbers(values: ConferenceValues): ConferenceValues {
  const fields = values.registration.fields?.map((field) => ({ ...field, id: null }));
  return { ...values, registration: { ...values.registration, fields } };
}

export function newTemplateOf(now: ConferenceValues, for_all = false): NewTemplate {
  const { inner } = changed(withoutNumbers(now), valuesOf());
  return {
    name: now.name.trim(),
    description: now.description,
    access: now.access,
    ...(for_all ? { for_all } : {}),
    ...(now.launch === 'virtual_room' ? {} : hoursOf(now)),
    ...(Object.keys(inner).length > 0 ? { settings: inner } : {}),
  };
}

/** Only what is another than before; null if nothing is. */
export function templatePatchOf(now: ConferenceValues, before: ConferenceValues): TemplatePatch | null {
  const { outer, inner } = changed(now, before);
  const { name, description, access } = outer as Partial<ConferenceValues>;
  const differs = HOURS.some((field) => JSON.stringify(now[field]) !== JSON.stringify(before[field]));
  const counts = now.launch === 'scheduled' ? differs : now.launch !== before.launch;
  const patch: TemplatePatch = {
    ...(name === undefined ? {} : { name }),
    ...(description === undefined ? {} : { description }),
    ...(access === undefined ? {} : { access }),
    ...(counts ? hoursOf(now) : {}),
    ...(Object.keys(inner).length > 0 ? { settings: inner } : {}),
  };
  return Object.keys(patch).length > 0 ? patch : null;
}
