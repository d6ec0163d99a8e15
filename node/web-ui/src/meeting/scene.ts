import { gallery, withMain, type Arranged, type Box, type Size } from './layout';
import type { Participant, PictureKind, ShownTile } from './messages';

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
  view: 'gallery' | 'speaker' | 'alone';
  stage: Size;
  page: number;
  audioOnly: boolean;
}

interface Main {
  participant: string;
  kind: PictureKind;
}

function mainOf(input: SceneInput): Main | null {
  const here = (id: string | null) => (id && input.people.some((one) => one.id === id) ? id : null);
  const pinned = here(input.pinned);
  if (pinned) return { participant: pinned, kind: 'video' };
  // There is one slot for content: somebody else is looked at rather than oneself.
  const sharing = input.people.filter((one) => one.content);
  const content = sharing.find((one) => one.id !== input.me) ?? sharing[0];
  if (content) return { participant: content.id, kind: 'content' };
  if (input.view === 'gallery') return null;
  const others = input.people.filter((one) => one.id !== input.me);
  const loudest = input.speaking.find((id) => id !== input.me && here(id));
  const last = input.lastSpeaker !== input.me ? here(input.lastSpeaker) : null;
  const shown = loudest ?? last ?? others[0]?.id ?? here(input.me);
  return shown ? { participant: shown, kind: 'video' } : null;
}

/** Who speaks and would be on another page takes the last place of the first one that is not speaking. */
export function bringForward(ids: string[], speaking: readonly string[], perPage: number): string[] {
  const order = [...ids];
  for (const id of speaking) {
    const from = order.indexOf(id);
    if (from < perPage) continue;
    const to = order.slice(0, perPage).findLastIndex((one) => !speaking.includes(one));
    if (to < 0) break;
    [order[from], order[to]] = [order[to]!, order[from]!];
  }
  return order;
}

export function arrange(input: SceneInput): Scene {
  const main = mainOf(input);
  // Nobody beside it; whoever shares something is seen by what they share.
  const beside = main && input.view === 'alone' ? [] : input.people;
  const ids = beside
    .map((one) => one.id)
    .filter((id) => !(main?.kind === 'video' && id === main.participant));
  const lay = main ? withMain : gallery;
  const { perPage } = lay(ids.length, input.stage, input.page);
  const order = bringForward(ids, input.speaking, perPage);
  const arranged = lay(order.length, input.stage, input.page);
  const here = order.slice(arranged.page * perPage, (arranged.page + 1) * perPage);
  const tiles: SceneTile[] = here.flatMap((participant, place) => {
    const box = arranged.tiles[place];
    return box ? [{ participant, kind: 'video' as const, box, main: false }] : [];
  });
  if (main && arranged.main) tiles.unshift({ ...main, box: arranged.main, main: true });
  return { tiles, perPage, pages: arranged.pages, page: arranged.page };
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
