/** When something begins, and how long that is, in the reader's language. */

const DAY_MS = 86_400_000;

/** With the year only if it is another one. */
export function startText(start: number, language: string): string {
  const other = new Date(start).getFullYear() !== new Date().getFullYear();
  const format = new Intl.DateTimeFormat(language, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: other ? 'numeric' : undefined,
    hour: '2-digit',
    minute: '2-digit',
    timeZoneName: 'short',
  });
  return format.format(start);
}

/** The two largest units that count. */
export function leftText(left: number, language: string): string {
  const minutes = Math.max(1, Math.ceil(left / 60_000));
  const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
  const parts: [number, string][] =
    left >= DAY_MS
      ? [
          [days, 'day'],
          [hours, 'hour'],
        ]
      : [
          [hours, 'hour'],
          [minutes % 60, 'minute'],
        ];
  const shown = parts.filter(([number]) => number > 0);
  const unit = ([number, unit]: [number, string]) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'long' }).format(number);
  return shown.map(unit).join(' ');
}
