import type { Participant } from './messages';
import { personKey } from './order';
import { perConference } from './perConference';

/** Whom somebody wants to see large, for each conference; kept in this browser. */

export interface Pin {
  /** Their place, which they keep over reloads and lost nodes. */
  id: string;
  /** Who they are, for when they have come anew. */
  person: string;
}

export const pins = perConference<Pin>('plenary.pin');

/** Who is meant of those who are there; a place that is not known may be told of yet. */
export function pinnedOf(
  pin: Pin | undefined,
  participants: ReadonlyMap<string, Participant>,
): string | null {
  if (!pin || participants.has(pin.id)) return pin?.id ?? null;
  const again = [...participants.values()].find((one) => !one.waiting && personKey(one) === pin.person);
  return again?.id ?? pin.id;
}
