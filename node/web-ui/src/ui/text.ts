import { useTranslation } from 'react-i18next';
import { asProblem, type Problem } from '../api/problem';
import i18n from '../i18n';

/** A text whose key is only known at run time, or `fallback`. */
export function textOf(key: string, fallback: string, values: Record<string, unknown> = {}): string {
  return i18n.exists(key, values) ? String(i18n.t(key as never, values)) : fallback;
}

/** Codes whose details say more than their texts: what is in the way, which servers, which day. */
const TOLD = [
  'conflict',
  'licence-other-servers',
  'licence-not-yet-valid',
  'licence-expired',
  'licence-manager-refused',
  'licence-manager-unreachable',
];

/** What happened and what to do, in the reader's language where the code is known. */
export function problemText(error: unknown): string {
  const problem: Problem = asProblem(error);
  const until = typeof problem.extra.until === 'string' ? exactTime(problem.extra.until) : '';
  const code = problem.code === 'account-locked' && until ? 'account-locked-until' : problem.code;
  const text = textOf(`problem.${code}`, problem.detail || textOf('problem.unknown', ''), { until });
  const why = TOLD.includes(problem.code) ? problem.detail : '';
  const fields = problem.fields.map((one) => `${textOf(`field.${one.field}`, one.field)}: ${one.reason}`);
  return [text, why, ...fields].filter(Boolean).join(' ');
}

/** Fields of a form that the server refused, with its reasons. */
export function fieldErrors(error: unknown): Record<string, string> {
  const problem = asProblem(error);
  return Object.fromEntries(problem.fields.map((one) => [one.field, one.reason]));
}

export function exactTime(at: string | number | Date): string {
  return new Intl.DateTimeFormat(i18n.language, { dateStyle: 'medium', timeStyle: 'medium' }).format(
    new Date(at),
  );
}

/** The day, and from when on. */
export function dayOf(at: number): string {
  return new Intl.DateTimeFormat(i18n.language, { dateStyle: 'full', timeStyle: 'short' }).format(at);
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [
  ['second', 60],
  ['minute', 60],
  ['hour', 24],
  ['day', 30],
  ['month', 12],
  ['year', Infinity],
];

export function relativeTime(at: string, now = Date.now()): string {
  let value = (Date.parse(at) - now) / 1000;
  const format = new Intl.RelativeTimeFormat(i18n.language, { numeric: 'auto' });
  for (const [unit, size] of steps) {
    if (Math.abs(value) < size) return format.format(Math.round(value), unit);
    value /= size;
  }
  return exactTime(at);
}

const lengths: [string, number][] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
];

/** "3 days 4 hours": the two largest units. */
export function duration(seconds: number): string {
  let rest = Math.round(seconds);
  const parts: string[] = [];
  for (const [unit, size] of lengths) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || (size === 1 && parts.length === 0)) parts.push(quantity(count, unit, 0));
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

export function quantity(value: number, unit: string, digits = 1): string {
  return new Intl.NumberFormat(i18n.language, {
    style: 'unit',
    unit,
    unitDisplay: unit === 'millisecond' ? 'short' : unit.endsWith('byte') ? 'short' : 'long',
    maximumFractionDigits: digits,
  }).format(value);
}

export function bytes(value: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'];
  let place = 0;
  while (value >= 1000 && place < units.length - 1) {
    value /= 1000;
    place += 1;
  }
  return quantity(value, units[place]!, value < 10 ? 1 : 0);
}

/** `share` of a whole, 0 to 1, in percent. */
export function percent(share: number): string {
  return new Intl.NumberFormat(i18n.language, { style: 'percent', maximumFractionDigits: 0 }).format(share);
}

export function number(value: number): string {
  return new Intl.NumberFormat(i18n.language).format(value);
}

/** `t` of the control panel's texts, which also finds the common ones. */
export function useAdminText() {
  return useTranslation(['admin', 'common']);
}
