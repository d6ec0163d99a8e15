/** Days of a calendar by the clock of the reader, written YYYY-MM-DD. */

export type CalendarView = 'week' | 'month';

const two = (number: number) => String(number).padStart(2, '0');

export const dayOf = (at: Date): string =>
  `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;

/** Midnight of a day; the given one where the text is none. */
export function dateOf(day: string | undefined, otherwise = new Date()): Date {
  const parts = /^(\d{4})-(\d{2})-(\d{2})$/
    .exec(day ?? '')
    ?.slice(1)
    .map(Number);
  const [year, month, date] = parts ?? [
    otherwise.getFullYear(),
    otherwise.getMonth() + 1,
    otherwise.getDate(),
  ];
  return new Date(year!, month! - 1, date);
}

/** So many days later; clocks that change make no difference. */
export function plusDays(day: string, days: number): string {
  const at = dateOf(day);
  return dayOf(new Date(at.getFullYear(), at.getMonth(), at.getDate() + days));
}

/** The same day of another month, or its last one. */
export function plusMonths(day: string, months: number): string {
  const at = dateOf(day);
  const last = new Date(at.getFullYear(), at.getMonth() + months + 1, 0);
  return dayOf(new Date(last.getFullYear(), last.getMonth(), Math.min(at.getDate(), last.getDate())));
}

/** 1 for Monday to 7 for Sunday: the day on which weeks begin where this language is spoken. */
export function firstWeekday(language: string): number {
  const locale = new Intl.Locale(language) as Intl.Locale & {
    getWeekInfo?: () => { firstDay: number };
    weekInfo?: { firstDay: number };
  };
  return (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay ?? 1;
}

/** The weeks that are shown, each with its seven days. */
export function weeksOf(day: string, view: CalendarView, first: number): string[][] {
  const at = dateOf(day);
  const begin = view === 'week' ? at : new Date(at.getFullYear(), at.getMonth(), 1);
  const end = view === 'week' ? at : new Date(at.getFullYear(), at.getMonth() + 1, 0);
  const since = (begin.getDay() - first + 7) % 7;
  const start = plusDays(dayOf(begin), -since);
  const weeks: string[][] = [];
  for (let from = start; from <= dayOf(end); from = plusDays(from, 7))
    weeks.push(Array.from({ length: 7 }, (_, place) => plusDays(from, place)));
  return weeks;
}

/** What takes place on each day, by when it begins. */
export function byDay<T extends { start: string }>(entries: readonly T[]): Map<string, T[]> {
  const days = new Map<string, T[]>();
  for (const entry of entries) {
    const day = dayOf(new Date(entry.start));
    days.set(day, [...(days.get(day) ?? []), entry]);
  }
  return days;
}
