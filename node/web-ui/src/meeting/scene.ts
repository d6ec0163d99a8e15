import type { View } from './choices';
import { gallery, withMain, type Arranged, type Box, type Size } from './layout';
import type { Participant, PictureKind, ShownTile, SlotRule } from './messages';
import { placesOf, rotated, type Placed } from './places';

/** Who is where on the stage, and what has to be asked of the node for it. */

export interface SceneTile {
  participant: string;
  kind: PictureKind;
  box: Box;
  main: boolean;
}

export interface Scene extends Omit<Arranged, 'main' | 'tiles'> {
  tiles: SceneTile[];
}

export interface SceneInput {
  /** In the order of their places. */
  people: readonly Participant[];
  me: string | null;
  speaking: readonly string[];
  /** Who spoke last, for as long as nobody does. */
  lastSpeaker: string | null;
  pinned: string | null;
  view: View;
  stage: Size;
  page: number;
  audioOnly: boolean;
  /** What the first places hold, where a moderator has set them for all. */
  slots?: readonly SlotRule[];
  /** Of more people than there are places others are shown with each step; rises by one. */
  step?: number | null;
}

interface Main {
  participant: string;
  kind: PictureKind;
}

function mainOf(input: SceneInput): Main | null {
  const here = (id: string | null) => (id && input.people.some((one) => one.id === id) ? id : null);
  const content = sharedIn(input);
  if (content && input.view === 'content') return content;
  const pinned = here(input.pinned);
  if (pinned) return { participant: pinned, kind: 'video' };
  const placed = largeBySlot(input, here);
  if (placed) return placed;
  // Where content has a place of its own among others, it needs no other one.
  const hasPlace = input.view === 'gallery' && input.slots?.some(({ kind }) => kind === 'content');
  if (hasPlace) return null;
  if (content) return content;
  if (input.view === 'gallery') return null;
  const others = input.people.filter((one) => one.id !== input.me);
  const loudest = input.speaking.find((id) => id !== input.me && here(id));
  const last = input.lastSpeaker !== input.me ? here(input.lastSpeaker) : null;
  const shown = loudest ?? last ?? others[0]?.id ?? here(input.me);
  return shown ? { participant: shown, kind: 'video' } : null;
}

/** What is shared. There is one slot for content: somebody else is looked at rather than oneself. */
function sharedIn({ people, me }: SceneInput): Main | null {
  const sharing = people.filter((one) => one.content);
  const content = sharing.find((one) => one.id !== me) ?? sharing[0];
  return content ? { participant: content.id, kind: 'content' } : null;
}

/** Whom a moderator has given the large place, where there is one. */
function largeBySlot(input: SceneInput, here: (id: string | null) => string | null): Main | null {
  const first = input.slots?.[0];
  if (!first || input.view === 'gallery') return null;
  const person = first.kind === 'person' ? here(first.participant) : null;
  if (person) return { participant: person, kind: 'video' };
  if (first.kind !== 'speaker') return null;
  // Who speaks, whatever is shared.
  const loudest = input.speaking.find((id) => id !== input.me && here(id)) ?? here(input.lastSpeaker);
  return loudest ? { participant: loudest, kind: 'video' } : null;
}

/** Who speaks and would be on another page takes the last place of the first one that is not speaking. */
export function bringForward(
  ids: string[],
  speaking: readonly string[],
  perPage: number,
  fixed: ReadonlySet<number> = new Set(),
): string[] {
  const order = [...ids];
  for (const id of speaking) {
    const from = order.indexOf(id);
    if (from < perPage) continue;
    const to = order.slice(0, perPage).findLastIndex((one, at) => !speaking.includes(one) && !fixed.has(at));
    if (to < 0) break;
    [order[from], order[to]] = [order[to]!, order[from]!];
  }
  return order;
}

const keyOf = ({ kind, participant }: Placed) => `${kind}:${participant}`;

/** All that is shown beside what is large, in order. */
function besides(input: SceneInput, main: Main | null): { order: Placed[]; fixed: ReadonlySet<number> } {
  // Nobody beside it; whoever shares something is seen by what they share.
  if (main && input.view === 'alone') return { order: [], fixed: new Set() };
  const people = input.people.filter((one) => !(main?.kind === 'video' && one.id === main.participant));
  const { me, speaking, lastSpeaker } = input;
  // The first place is the large one.
  const slots = (input.slots ?? []).slice(main ? 1 : 0);
  const places = placesOf({ people, me, slots, speaking, lastSpeaker });
  const large = main && keyOf(main);
  return { ...places, order: places.order.filter((one) => keyOf(one) !== large) };
}

export function arrange(input: SceneInput): Scene {
  const main = mainOf(input);
  const places = besides(input, main);
  const lay = main ? withMain : gallery;
  const turns = input.step != null;
  const page = turns ? 0 : input.page;
  const { perPage } = lay(places.order.length, input.stage, page);
  const turned = turns ? rotated(places, perPage, input.step!) : places.order;
  const known = new Map(turned.map((one) => [keyOf(one), one]));
  const speaking = input.speaking.map((participant) => keyOf({ participant, kind: 'video' }));
  const order = bringForward([...known.keys()], speaking, perPage, places.fixed);
  const arranged = lay(order.length, input.stage, page);
  const here = order.slice(arranged.page * perPage, (arranged.page + 1) * perPage);
  const tiles: SceneTile[] = here.flatMap((key, place) => {
    const [box, one] = [arranged.tiles[place], known.get(key)];
    return box && one ? [{ ...one, box, main: false }] : [];
  });
  if (main && arranged.main) tiles.unshift({ ...main, box: arranged.main, main: true });
  return { tiles, perPage, pages: turns ? 1 : arranged.pages, page: arranged.page };
}

const MOST_SHOWN = 128;

/** What the node is asked for: content first, then what is large or pinned, then the rest; own pictures never. */
export function shownTiles(
  scene: Scene,
  { people, me, audioOnly }: SceneInput,
  pixelRatio: number,
): ShownTile[] {
  if (audioOnly) return [];
  const known = new Map(people.map((one) => [one.id, one]));
  const has = ({ participant, kind }: SceneTile) => {
    const one = known.get(participant);
    return participant !== me && (kind === 'content' ? one?.content : one?.camera) === true;
  };
  const rank = ({ kind, main }: SceneTile) => (kind === 'content' ? 0 : main ? 1 : 2);
  return scene.tiles
    .filter(has)
    .sort((a, b) => rank(a) - rank(b))
    .slice(0, MOST_SHOWN)
    .map(({ participant, kind, box }) => ({
      participant,
      kind,
      height: Math.max(1, Math.round(box.height * pixelRatio)),
    }));
}
