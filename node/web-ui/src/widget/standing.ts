import type { Door } from '../api/types';

/** What the widget says of a conference. */

export type Standing =
  | { state: 'looking' }
  /** There is none, or strangers may not know of it: they are not told which. */
  | { state: 'gone' }
  | { state: 'failed' }
  | { state: 'always' | 'now' | 'over'; door: Door }
  /** `start`: null if a moderator starts it. */
  | { state: 'later'; door: Door; start: number | null };

/** How it stands by what its door says. */
export function standingOf(door: Door): Standing {
  if (door.launch === 'virtual_room') return { state: 'always', door };
  if (door.open) return { state: 'now', door };
  if (door.next) return { state: 'later', door, start: Date.parse(door.next.start) };
  return door.launch === 'scheduled' ? { state: 'over', door } : { state: 'later', door, start: null };
}

const NEAR_MS = 120_000;

/** How long until the next look, in milliseconds: more often while it may begin. `spread` is below 1. */
export function lookAgainMs(standing: Standing, now: number, spread: number): number {
  const near =
    standing.state === 'later' && standing.start !== null && Math.abs(standing.start - now) < NEAR_MS;
  return Math.round((near ? 5_000 : 30_000) * (1 + spread / 2));
}

/** The conference that the address of the widget names: `/w/weekly-review`. */
export function cidIn(path: string): string | null {
  const found = /^\/w\/([^/]+)\/?$/.exec(path)?.[1];
  if (found === undefined) return null;
  try {
    return decodeURIComponent(found);
  } catch {
    return null;
  }
}
