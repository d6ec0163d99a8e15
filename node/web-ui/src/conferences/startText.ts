/** When something begins, with the year only if it is another one. */
export function startText(start: string, language: string): string {
  const at = new Date(start);
  const other = at.getFullYear() !== new Date().getFullYear();
  const format = new Intl.DateTimeFormat(language, {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    year: other ? 'numeric' : undefined,
    hour: '2-digit',
    minute: '2-digit',
  });
  return format.format(at);
}
