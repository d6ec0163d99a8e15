import type { AgreedDocument } from '../api/types';
import type { Seat } from './messages';

/** What a page that is loaded again needs to come back to its place, of which each tab has its own; and who a guest is. */

const KEPT_MS = 60_000;
/** A guest is kept for 30 days after a visit; one of the same day is no other one. */
const DUE_MS = 29 * 24 * 3_600_000;

interface Kept {
  seat: Seat;
  at: number;
}

/** Who a guest is; all tabs of a browser have the same one. */
export interface GuestPass {
  token: string;
  name: string;
  expires_at: string;
  /** Brings the guest back after the token has ended. */
  key?: string | null;
  kept_until?: string | null;
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

/** Of a browser that keeps nothing: for as long as the page is there. */
const unkept = new Map<string, GuestPass>();

function readPass(cid: string): GuestPass | null {
  try {
    const kept = JSON.parse(localStorage.getItem(guestKey(cid)) ?? 'null') as GuestPass | null;
    // Pages of before kept it for one tab.
    return kept ?? unkept.get(cid) ?? read<GuestPass>(guestKey(cid));
  } catch {
    return unkept.get(cid) ?? null;
  }
}

const isAhead = (time: string | null | undefined, now: number) => !!time && Date.parse(time) > now;

export const passes = {
  /** As long as its token is worth something. */
  of(cid: string, now = Date.now()): GuestPass | null {
    const pass = readPass(cid);
    return pass && isAhead(pass.expires_at, now) ? pass : null;
  },
  /** As long as the guest can come back, by the token or by the key. */
  kept(cid: string, now = Date.now()): GuestPass | null {
    const pass = readPass(cid);
    return pass && (isAhead(pass.expires_at, now) || (pass.key && isAhead(pass.kept_until, now)))
      ? pass
      : null;
  },
  /** The key is to be used for a visit, so that the guest is kept from now on. */
  isDue(cid: string, now = Date.now()): boolean {
    const { key, kept_until } = passes.kept(cid, now) ?? {};
    return !!key && !!kept_until && Date.parse(kept_until) - now < DUE_MS;
  },
  keep(cid: string, pass: GuestPass) {
    try {
      localStorage.setItem(guestKey(cid), JSON.stringify(pass));
    } catch {
      unkept.set(cid, pass);
    }
  },
  forget(cid: string) {
    unkept.delete(cid);
    try {
      localStorage.removeItem(guestKey(cid));
      sessionStorage.removeItem(guestKey(cid));
    } catch {
      // Nothing was kept.
    }
  },
  /** The conference is found by another ID now. */
  follow(before: string, now: string) {
    const pass = passes.kept(before);
    if (pass) passes.keep(now, pass);
  },
};
