import type { Call } from '../api/types';

/** Who was called did not get to hear of it, or not in time. */
export function missed({ direction, outcome }: Pick<Call, 'direction' | 'outcome'>): boolean {
  return (
    direction === 'incoming' &&
    (outcome === 'missed' || outcome === 'cancelled' || outcome === 'busy' || outcome === 'unreachable')
  );
}

/** The conference of another server that a call string names; null for anything else. */
export function roomAway(call: string): string | null {
  return /^\\c\\([^@]+@[^@]+)$/i.exec(call)?.[1]?.toLowerCase() ?? null;
}

/** Whether the two of a call meet in this room. */
export function leadsTo({ enter, into }: Pick<Call, 'enter' | 'into'>, room: string): boolean {
  return into === null && enter === room;
}

/** Who is of another server is told by their ID, whatever they are called; null for who is of the own one. */
export function idOf({ with: other }: Pick<Call, 'with'>): string | null {
  return other.id.includes('@') && other.id !== other.display_name ? other.id : null;
}

/** How long they talked: "1 min 5 sec". */
export function lasted(
  { answered_at, ended_at }: Pick<Call, 'answered_at' | 'ended_at'>,
  language: string,
): string {
  const ms = answered_at && ended_at ? Date.parse(ended_at) - Date.parse(answered_at) : 0;
  const seconds = Math.max(1, Math.round(ms / 1_000));
  const parts: [number, string][] = [
    [Math.floor(seconds / 3_600), 'hour'],
    [Math.floor(seconds / 60) % 60, 'minute'],
    [seconds % 60, 'second'],
  ];
  const unit = ([number, unit]: [number, string]) =>
    new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(number);
  const shown = parts.filter(([number]) => number > 0);
  return shown.slice(0, 2).map(unit).join(' ');
}
