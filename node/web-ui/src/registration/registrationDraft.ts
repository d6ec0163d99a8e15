import type {
  ConferenceRegistration,
  DoorRegistration,
  NewRegistrant,
  RegistrationField,
} from '../api/types';

/** What the forms of registration hold, and what the server is told of it. */

export const STANDARD = ['email', 'phone', 'organisation', 'job_title'] as const;
export type Standard = (typeof STANDARD)[number];
export const FIELDS = 10;

/** As a conference has it that never had one. */
export function noRegistration(): ConferenceRegistration {
  return {
    on: false,
    email: 'required',
    phone: 'off',
    organisation: 'off',
    job_title: 'off',
    fields: [],
    opens_at: null,
    closes: 'by_hand',
    closes_at: null,
    closed: false,
    limit: 0,
    others: false,
    consent: '',
  };
}

export function newField(): RegistrationField {
  return { label: '', kind: 'text', choices: [], required: false };
}

/** A time as `<input type="datetime-local">` has it, by the clock of this device. */
export function localOf(time: string | null | undefined): string {
  if (!time) return '';
  const at = new Date(time);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day}T${two(at.getHours())}:${two(at.getMinutes())}`;
}

export function timeOf(local: string): string | null {
  const at = new Date(local);
  return local && !Number.isNaN(at.getTime()) ? at.toISOString() : null;
}

/** One choice in each line. */
export function choicesOf(lines: string): string[] {
  const texts = lines.split('\n').map((line) => line.trim());
  return [...new Set(texts.filter(Boolean))];
}

/** What somebody types who registers. */
export interface RegistrantValues extends Record<Standard, string> {
  name: string;
  answers: Record<number, string>;
  consents: boolean;
}

export function emptyRegistrant(name: string): RegistrantValues {
  return { name, email: '', phone: '', organisation: '', job_title: '', answers: {}, consents: false };
}

/** Fields that must be filled in and are not, by the names that the server has for them. */
export function missing(form: DoorRegistration, values: RegistrantValues): string[] {
  const standard = STANDARD.filter((field) => form[field] === 'required' && !values[field].trim());
  const own = form.fields.filter((field) => field.required && !(values.answers[field.id!] ?? '').trim());
  return [
    ...(values.name.trim() ? [] : ['name']),
    ...standard,
    ...own.map((field) => `answers.${field.id}`),
    ...(form.consent && !values.consents ? ['consent'] : []),
  ];
}

/** What is asked, and nothing else. */
export function registrantOf(form: DoorRegistration, values: RegistrantValues): NewRegistrant {
  const standard = STANDARD.filter((field) => form[field] !== 'off');
  const answers = form.fields.map((field) => ({ field: field.id!, value: values.answers[field.id!] ?? '' }));
  return {
    name: values.name.trim(),
    ...Object.fromEntries(standard.map((field) => [field, values[field].trim()])),
    answers: answers.filter(({ value }) => value.trim() !== ''),
    consents: values.consents,
  };
}
