import type { AgreedDocument } from '../api/types';
import type { Seat } from './messages';

/** What a page that is loaded again needs to come back to its place; each tab has its own. */

const KEPT_MS = 60_000;

interface Kept {
  seat: Seat;
  at: number;
}

export interface GuestPass {
  token: string;
  name: string;
  expires_at: string;
  /** Versions of the server's documents that were agreed to for it. */
  agreed?: AgreedDocument[];
}

const seatKey = (cid: string) => `plenary.seat.${cid}`;
const guestKey = (cid: string) => `plenary.guest.${cid}`;

function read<T>(key: string): T | null {
  try {
    return JSON.parse(sessionStorage.getItem(key) ?? 'null') as T | null;
  } catch {
    return null;
  }
}

export const seats = {
  /** As long as the server keeps the place. */
  of(cid: string, now = Date.now()): Seat | null {
    const kept = read<Kept>(seatKey(cid));
    return kept && now - kept.at < KEPT_MS ? kept.seat : null;
  },
  keep(cid: string, seat: Seat | null, now = Date.now()) {
    if (seat) sessionStorage.setItem(seatKey(cid), JSON.stringify({ seat, at: now } satisfies Kept));
    else sessionStorage.removeItem(seatKey(cid));
  },
  /** Still there: the time that the place is kept counts from now. */
  touch(cid: string, now = Date.now()) {
    const kept = read<Kept>(seatKey(cid));
    if (kept) seats.keep(cid, kept.seat, now);
  },
};

export const passes = {
  of(cid: string, now = Date.now()): GuestPass | null {
    const pass = read<GuestPass>(guestKey(cid));
    return pass && Date.parse(pass.expires_at) > now ? pass : null;
  },
  keep(cid: string, pass: GuestPass) {
    sessionStorage.setItem(guestKey(cid), JSON.stringify(pass));
  },
  /** The conference is found by another ID now. */
  follow(before: string, now: string) {
    const pass = passes.of(before);
    if (pass) passes.keep(now, pass);
  },
};
