import type {
  CalledPerson,
  ChatLine,
  Counts,
  EndedReason,
  InvitedPerson,
  Layout,
  Listed,
  NewLine,
  Participant,
  RefusedCode,
  RefusedFacts,
  RemovedPeople,
  RoomFacts,
  SlotQuality,
  Writing,
  Watchers,
} from './messages';

/** What is known of the meeting, as one value that never changes, and how messages make the next one of it. */

export type Phase = 'joining' | 'pin' | 'waiting' | 'in' | 'reconnecting' | 'over';
export type OverReason = EndedReason | 'left' | 'signed-out' | 'defect' | RefusedCode;

/** A line that one has written and does not see yet. */
export interface Sending extends NewLine {
  key: string;
  /** Why it is no line; null: it is being sent. */
  failed: string | null;
}

export interface MeetingState {
  phase: Phase;
  over: OverReason | null;
  /** What the server says to it. */
  detail: string;
  /** What of the last refusal is said in the words of the page; null: it has a PIN and none was given. */
  facts: RefusedFacts | null;
  room: RoomFacts;
  me: string | null;
  /** Of many only those who come first, oneself, and those one follows. */
  participants: ReadonlyMap<string, Participant>;
  /** How many there are in all. */
  counts: Counts;
  /** The page of the list of people that came last. */
  listed: Listed | null;
  /** Who was called and is not in; moderators hear of them. */
  called: readonly CalledPerson[];
  /** Who watches by a program; moderators hear of them. */
  watchers: Watchers;
  /** Whom moderators removed from this run; they hear of them. */
  removed: RemovedPeople;
  /** Who is invited to the podium: to moderators all who were and are not on it, to others they themselves. */
  invitations: readonly InvitedPerson[];
  /** What a moderator has one alone look at, before what everybody does. */
  ownLayout: Layout | null;
  /** The loudest first. */
  speaking: readonly string[];
  chat: readonly ChatLine[];
  /** What one has written and does not see there yet. */
  sending: readonly Sending[];
  /** When the run began that goes on; null: a node of before does not say. */
  run: number | null;
  /** There may be lines before these, which can be asked for. */
  earlier: boolean;
  /** Who is writing a line; also oneself. */
  writing: Writing;
  /** How far others have read, each person once; only who has written something hears of it. */
  reads: readonly number[];
  kbps: number | null;
  /** By mid. */
  quality: ReadonlyMap<string, SlotQuality>;
  /** What a moderator could not do, the last time, and how often that was. */
  denied: { code: RefusedCode | null; detail: string; count: number };
  /** Pictures and sound cannot pass, although messages can. */
  mediaBroken: boolean;
  /** Grows with each change of who is seen where. */
  pictures: number;
}

export const nobodyWrites: Writing = { people: [], more: false };
export const NO_WATCHERS: Watchers = { count: 0, programs: [] };
export const NOBODY_REMOVED: RemovedPeople = { count: 0, people: [] };

export function emptyMeeting(cid: string): MeetingState {
  return {
    phase: 'joining',
    over: null,
    detail: '',
    facts: null,
    room: {
      cid,
      name: cid,
      mode: 'all_on_screen',
      podium_places: 0,
      locked: false,
      has_pin: false,
      open: true,
      planned: false,
      call: false,
      ends_at: null,
      waiting_room: 'off',
      layout: null,
      quality: { camera_height: 0, camera_fps: 0, content_height: 0, content_fps: 0 },
      guests: { chat: true, audio: true, video: true },
    },
    me: null,
    participants: new Map(),
    counts: { inside: 0, waiting: 0 },
    listed: null,
    called: [],
    watchers: NO_WATCHERS,
    removed: NOBODY_REMOVED,
    invitations: [],
    ownLayout: null,
    speaking: [],
    chat: [],
    sending: [],
    run: null,
    earlier: false,
    writing: nobodyWrites,
    reads: [],
    kbps: null,
    quality: new Map(),
    denied: { code: null, detail: '', count: 0 },
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

/** How many of these there are; a node of before the count told all of them. */
export function countOf(participants: ReadonlyMap<string, Participant>): Counts {
  const waiting = [...participants.values()].filter((one) => one.waiting).length;
  return { inside: participants.size - waiting, waiting };
}

/** Whether all who are inside are known by name. */
export const knowsAll = ({ participants, counts }: Pick<MeetingState, 'participants' | 'counts'>) =>
  countOf(participants).inside >= counts.inside;

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

export const moderates = (one: Participant | undefined) => one !== undefined && one.role !== 'participant';

/** In a lecture those on the podium lecture. */
export const hasPodium = ({ mode }: RoomFacts) => mode !== 'all_on_screen';

/** Who is seen, by the mode of the meeting; the node shows nobody else. */
export function onStage({
  participants,
  room,
  me,
}: Pick<MeetingState, 'participants' | 'room' | 'me'>): Participant[] {
  const inside = [...participants.values()].filter((one) => !one.waiting);
  // Whoever shows something in a smart meeting is seen, also while all places are taken.
  const shows = (one: Participant) => room.mode === 'smart' && one.content;
  const mine = me ? participants.get(me) : undefined;
  const seesAll = room.mode === 'lecture' && (moderates(mine) || (mine?.podium ?? null) !== null);
  if (seesAll || !hasPodium(room)) return inside;
  return inside.filter((one) => one.podium !== null || shows(one));
}

/** Who waits to be let in, the longest first; only moderators know. */
export function waitingIn(participants: MeetingState['participants']): Participant[] {
  return inOrderOfComing([...participants.values()].filter((one) => one.waiting));
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
