import { duration } from '../ui/text';

interface Stay {
  came_at: string;
  left_at: string | null;
}

/** Seconds that somebody was there in all, up to `now` if they still are. */
export function secondsOf(stays: Stay[], now = Date.now()): number {
  const ms = (stay: Stay) => (stay.left_at ? Date.parse(stay.left_at) : now) - Date.parse(stay.came_at);
  return Math.max(0, Math.round(stays.reduce((sum, stay) => sum + ms(stay), 0) / 1_000));
}

/** How long it was: "1 hour 5 minutes". */
export function lengthOf(from: string, until: string | null, now = Date.now()): string {
  return duration(secondsOf([{ came_at: from, left_at: until }], now));
}
