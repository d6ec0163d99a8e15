import type { Borrower, LicenseManager } from '../api/types';
import type { Tone } from '../ui/Status';

/** How urgent it is to look at the License Manager. */
export function managerTone(manager: LicenseManager): Tone {
  if (manager.alarm === 'over' || manager.refusal) return 'bad';
  if (manager.alarm === 'short' || !manager.replica) return 'warn';
  return manager.stage === 'lent' ? 'good' : 'note';
}

export const kinds = ['pro', 'online', 'guest', 'gateway'] as const;
export type Kind = (typeof kinds)[number];

/** Seats that a server could give back. */
export function idle(server: Borrower, kind: Kind): number {
  return Math.max(0, server.leased[kind] - Math.max(server.used[kind], server.wanted[kind]));
}

/** What is to be said of a server that borrows, and how urgent it is. */
export function borrowerTone(server: Borrower): {
  tone: Tone;
  name: 'left' | 'uncovered' | 'silent' | 'connected' | 'idle';
} {
  if (!server.expected) return { tone: 'quiet', name: 'left' };
  if (!server.covered) return { tone: 'bad', name: 'uncovered' };
  if (server.silent_s !== null) return { tone: 'good', name: 'connected' };
  return server.left_s === null ? { tone: 'quiet', name: 'idle' } : { tone: 'warn', name: 'silent' };
}

/** A line of steps, from times and numbers, over the whole width. */
export function historyPath(points: [number, number][], most: number, wide: number, high: number): string {
  const from = points.at(0)?.[0] ?? 0;
  const span = Math.max(1, (points.at(-1)?.[0] ?? 0) - from);
  const round = (value: number) => Math.round(value * 10) / 10;
  let path = '';
  for (const [at, value] of points) {
    const [x, y] = [round((wide * (at - from)) / span), round(high - (high * value) / most)];
    path += path === '' ? `M${x} ${y}` : `H${x}V${y}`;
  }
  return path;
}
