import type { ChatLine, EndedReason, Participant, RefusedCode, SlotQuality } from './messages';

/** What is known of the meeting, as one value that never changes, and how messages make the next one of it. */

export type Phase = 'joining' | 'in' | 'reconnecting' | 'over';
export type OverReason = EndedReason | 'left' | 'signed-out' | 'defect' | RefusedCode;

export interface MeetingState {
  phase: Phase;
  over: OverReason | null;
  /** What the server says to it. */
  detail: string;
  room: { cid: string; name: string };
  me: string | null;
  participants: ReadonlyMap<string, Participant>;
  /** The loudest first. */
  speaking: readonly string[];
  chat: readonly ChatLine[];
  kbps: number | null;
  /** By mid. */
  quality: ReadonlyMap<string, SlotQuality>;
  /** Pictures and sound cannot pass, although messages can. */
  mediaBroken: boolean;
  /** Grows with each change of who is seen where. */
  pictures: number;
}

export function emptyMeeting(cid: string): MeetingState {
  return {
    phase: 'joining',
    over: null,
    detail: '',
    room: { cid, name: cid },
    me: null,
    participants: new Map(),
    speaking: [],
    chat: [],
    kbps: null,
    quality: new Map(),
    mediaBroken: false,
    pictures: 0,
  };
}

export function withRoster(
  known: ReadonlyMap<string, Participant>,
  changed: Participant[],
  gone: string[],
): ReadonlyMap<string, Participant> {
  const next = new Map(known);
  for (const one of changed) next.set(one.id, one);
  for (const id of gone) next.delete(id);
  return next;
}

/** IDs rise, and a line may come twice: in the history and by itself. */
export function withLines(known: readonly ChatLine[], more: ChatLine[]): readonly ChatLine[] {
  const all = new Map([...known, ...more].map((line) => [line.id, line]));
  const before = (a: string, b: string) => a.length - b.length || (a < b ? -1 : a > b ? 1 : 0);
  return [...all.values()].sort((a, b) => before(a.id, b.id));
}

export function withQuality(
  known: ReadonlyMap<string, SlotQuality>,
  slots: SlotQuality[],
): ReadonlyMap<string, SlotQuality> {
  const next = new Map(known);
  for (const slot of slots) next.set(slot.mid, slot);
  return next;
}

/** Hands in the order in which they were raised, then who is there, in the order of names. */
export function inOrderOfHands(people: Iterable<Participant>): Participant[] {
  return [...people].sort((a, b) => {
    if (a.hand !== null || b.hand !== null) return (a.hand ?? Infinity) - (b.hand ?? Infinity);
    return a.name.localeCompare(b.name) || a.joined_at - b.joined_at;
  });
}

/** Places on the stage are given by coming: nobody moves because somebody else speaks. */
export function inOrderOfComing(people: Iterable<Participant>): Participant[] {
  return [...people].sort((a, b) => a.joined_at - b.joined_at || (a.id < b.id ? -1 : 1));
}
