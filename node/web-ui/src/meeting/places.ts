import type { Participant, PictureKind, SlotRule } from './messages';

/** Who has which place, where a moderator has set places for all. */

export interface Placed {
  participant: string;
  kind: PictureKind;
}

export interface Places {
  /** All that is shown, in order. */
  order: Placed[];
  /** Places that nobody takes because they speak. */
  fixed: ReadonlySet<number>;
}

interface Given {
  /** Those who are there, in the order of their places. */
  people: readonly Participant[];
  me: string | null;
  slots: readonly SlotRule[];
  speaking: readonly string[];
  lastSpeaker: string | null;
}

const video = (participant: string): Placed => ({ participant, kind: 'video' });

/** The slots first, then everybody else in their order. Nobody is shown twice. */
export function placesOf({ people, me, slots, speaking, lastSpeaker }: Given): Places {
  const here = new Set(people.map((one) => one.id));
  const taken = new Set<string>();
  const take = (id: string | null | undefined): Placed | null => {
    if (!id || !here.has(id) || taken.has(id)) return null;
    taken.add(id);
    return video(id);
  };
  const sharing = people.filter((one) => one.content);
  const content = sharing.find((one) => one.id !== me) ?? sharing[0];
  // Those who are named come before whoever speaks, and these before all others.
  const named = slots.map((slot) => (slot.kind === 'person' ? take(slot.participant) : null));
  const loudest = speaking.find((id) => id !== me && here.has(id) && !taken.has(id));
  const chosen = slots.map((slot, at) => {
    if (slot.kind === 'speaker') return take(loudest ?? lastSpeaker);
    if (slot.kind === 'content' && content) return { participant: content.id, kind: 'content' as const };
    return named[at] ?? null;
  });
  const rest = people.map((one) => one.id).filter((id) => !taken.has(id));
  const order: Placed[] = [];
  const fixed = new Set<number>();
  for (const one of chosen) {
    const placed = one ?? (rest.length > 0 ? video(rest.shift()!) : null);
    if (!placed) continue;
    if (one) fixed.add(order.length);
    order.push(placed);
  }
  return { order: [...order, ...rest.map(video)], fixed };
}

/** Who of many has a place now: all come in turn, those in fixed places stay. `step` rises by one each time. */
export function rotated({ order, fixed }: Places, perPage: number, step: number): Placed[] {
  if (order.length <= perPage) return order;
  const free = order.filter((_, at) => !fixed.has(at));
  const places = perPage - [...fixed].filter((at) => at < perPage).length;
  if (free.length === 0 || places <= 0) return order;
  const first = (step * places) % free.length;
  const turn = [...free.slice(first), ...free.slice(0, first)];
  return order.map((one, at) => (fixed.has(at) ? one : turn.shift()!));
}
