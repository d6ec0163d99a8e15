import { describe, expect, it } from 'vitest';
import { arrange, bringForward, shownTiles, type SceneInput } from './scene';
import { person } from './testing/fakes';

const input = (more: Partial<SceneInput> = {}): SceneInput => ({
  people: ['1', '2', '3', '4'].map((id) => person(id, { camera: id !== '4' })),
  me: '1',
  speaking: [],
  lastSpeaker: null,
  pinned: null,
  view: 'gallery',
  stage: { width: 1200, height: 700 },
  page: 0,
  audioOnly: false,
  ...more,
});
const asked = (of: SceneInput, ratio = 1) => shownTiles(arrange(of), of, ratio);

describe('the stage', () => {
  it('has everybody in the order of coming', () => {
    const { tiles } = arrange(input());
    expect(tiles.map((tile) => tile.participant)).toEqual(['1', '2', '3', '4']);
    expect(tiles.some((tile) => tile.main)).toBe(false);
  });

  it('belongs to who speaks in the speaker view, and stays theirs while nobody does', () => {
    const main = (more: Partial<SceneInput>) =>
      arrange(input({ view: 'speaker', ...more })).tiles.find((tile) => tile.main)?.participant;
    expect(main({})).toBe('2');
    expect(main({ speaking: ['1', '3'] })).toBe('3');
    expect(main({ lastSpeaker: '3' })).toBe('3');
    expect(main({ lastSpeaker: 'gone' })).toBe('2');
  });

  it('belongs to who is pinned, else to what is shared', () => {
    const people = input().people.map((one) => (one.id === '3' ? { ...one, content: true } : one));
    expect(arrange(input({ people })).tiles[0]).toMatchObject({
      participant: '3',
      kind: 'content',
      main: true,
    });
    expect(arrange(input({ people })).tiles).toHaveLength(5);
    expect(arrange(input({ people, pinned: '2' })).tiles[0]).toMatchObject({
      participant: '2',
      kind: 'video',
      main: true,
    });
  });

  it('has what is shared first where one has chosen so, and else who is pinned or speaks', () => {
    const people = input().people.map((one) => (one.id === '3' ? { ...one, content: true } : one));
    const content = arrange(input({ people, view: 'content', pinned: '2' }));
    expect(content.tiles[0]).toMatchObject({ participant: '3', kind: 'content', main: true });
    expect(content.tiles).toHaveLength(5);
    const main = (more: Partial<SceneInput>) => arrange(input({ view: 'content', ...more })).tiles[0];
    expect(main({ pinned: '4' })).toMatchObject({ participant: '4', main: true });
    expect(main({ speaking: ['3'] })).toMatchObject({ participant: '3', kind: 'video', main: true });
    const slots = [{ kind: 'person' as const, participant: '2' }];
    expect(main({ people, slots })).toMatchObject({ kind: 'content', main: true });
  });

  it('lets go of a pin whose owner has left', () =>
    expect(arrange(input({ pinned: 'gone' })).tiles.some((tile) => tile.main)).toBe(false));

  it('moves only who speaks to the first page, for somebody who does not', () => {
    expect(bringForward(['1', '2', '3', '4'], ['4', '2'], 2)).toEqual(['4', '2', '3', '1']);
    expect(bringForward(['1', '2', '3', '4'], ['1'], 2)).toEqual(['1', '2', '3', '4']);
    expect(bringForward(['1', '2', '3'], ['1', '2', '3'], 2)).toEqual(['1', '2', '3']);
  });
});

describe('the stage that a moderator has laid out', () => {
  const shown = (more: Partial<SceneInput>) =>
    arrange(input(more)).tiles.map(
      ({ participant, kind }) => `${kind === 'content' ? '*' : ''}${participant}`,
    );

  it('has the places that were set, and then the others', () => {
    expect(shown({ slots: [{ kind: 'person', participant: '3' }] })).toEqual(['3', '1', '2', '4']);
    expect(shown({ slots: [{ kind: 'speaker' }], speaking: ['4'] })).toEqual(['4', '1', '2', '3']);
  });

  it('has the first of them large in the speaker view', () => {
    const slots = [
      { kind: 'person' as const, participant: '3' },
      { kind: 'person' as const, participant: '4' },
    ];
    expect(shown({ view: 'speaker', slots, speaking: ['2'] })).toEqual(['3', '4', '1', '2']);
    expect(shown({ view: 'alone', slots })).toEqual(['3']);
  });

  it('shows what is shared in its place among others', () => {
    const people = input().people.map((one) => (one.id === '3' ? { ...one, content: true } : one));
    const slots = [{ kind: 'automatic' as const }, { kind: 'content' as const }];
    expect(shown({ people, slots })).toEqual(['1', '*3', '2', '3', '4']);
  });

  it('shows more people than there are places in turn, on one page', () => {
    const people = Array.from({ length: 60 }, (_, at) => person(String(at + 1), { camera: true }));
    const at = (step: number) => {
      const slots = [{ kind: 'person' as const, participant: '7' }];
      return arrange(input({ people, slots, step, stage: { width: 400, height: 300 } }));
    };
    const [first, second] = [at(0), at(1)];
    expect(first.pages).toBe(1);
    const [one, two] = [first, second].map((scene) => scene.tiles.map((tile) => tile.participant));
    expect(one![0]).toBe('7');
    expect(two![0]).toBe('7');
    expect(one!.slice(1).filter((id) => two!.includes(id))).toEqual([]);
  });
});

describe('what the node is asked for', () => {
  it('is no picture of oneself and none of who has none', () =>
    expect(asked(input()).map((tile) => tile.participant)).toEqual(['2', '3']));

  it('begins with content, then who is large', () => {
    const people = input().people.map((one) => (one.id === '3' ? { ...one, content: true } : one));
    expect(asked(input({ people })).map(({ participant, kind }) => `${kind} ${participant}`)).toEqual([
      'content 3',
      'video 2',
      'video 3',
    ]);
    expect(asked(input({ pinned: '3' }))[0]).toMatchObject({ participant: '3', kind: 'video' });
  });

  it('is as high as the tile has pixels on this screen', () => {
    const [once] = asked(input());
    const [twice] = asked(input(), 2);
    expect(twice!.height / once!.height).toBeCloseTo(2, 1);
  });

  it('is only what the page shows', () => {
    const people = Array.from({ length: 60 }, (_, at) => person(String(at + 1), { camera: true }));
    expect(asked(input({ people, page: 1, stage: { width: 2400, height: 1400 } }))).toHaveLength(11);
  });

  it('is nothing when only sound is wanted', () => expect(asked(input({ audioOnly: true }))).toEqual([]));
});
