import { describe, expect, it } from 'vitest';
import type { SlotRule } from './messages';
import { placesOf, rotated } from './places';
import { person } from './testing/fakes';

const people = ['1', '2', '3', '4'].map((id) => person(id, { camera: true }));
const given = (slots: SlotRule[], more = {}) =>
  placesOf({ people, me: '1', slots, speaking: [], lastSpeaker: null, ...more });
const shown = (slots: SlotRule[], more = {}) =>
  given(slots, more).order.map(({ participant, kind }) => `${kind === 'content' ? '*' : ''}${participant}`);
const slotOf = (participant: string): SlotRule => ({ kind: 'person', participant });

describe('places that a moderator has set', () => {
  it('are those of the order of coming where none are', () =>
    expect(shown([])).toEqual(['1', '2', '3', '4']));

  it('belong to those who are named, then who speaks, then the others', () => {
    const slots: SlotRule[] = [{ kind: 'automatic' }, slotOf('4'), { kind: 'speaker' }];
    expect(shown(slots, { speaking: ['1', '3'] })).toEqual(['1', '4', '3', '2']);
    expect(shown(slots, { lastSpeaker: '2' })).toEqual(['1', '4', '2', '3']);
    expect(shown(slots, { speaking: ['4', '2'] }), 'nobody is there twice').toEqual(['1', '4', '2', '3']);
  });

  it('go to others where nobody is named any more, nobody speaks, or nothing is shared', () => {
    expect(shown([slotOf('gone'), { kind: 'speaker' }, { kind: 'content' }])).toEqual(['1', '2', '3', '4']);
  });

  it('hold what is shared, beside who shares it', () => {
    const sharing = people.map((one) => (one.id === '3' ? { ...one, content: true } : one));
    expect(shown([slotOf('2'), { kind: 'content' }], { people: sharing })).toEqual([
      '2',
      '*3',
      '1',
      '3',
      '4',
    ]);
  });

  it('come to everybody in turn, but those that are fixed', () => {
    const places = given([slotOf('3')]);
    const at = (step: number) =>
      rotated(places, 2, step)
        .slice(0, 2)
        .map((one) => one.participant);
    expect([0, 1, 2, 3].map(at)).toEqual([
      ['3', '1'],
      ['3', '2'],
      ['3', '4'],
      ['3', '1'],
    ]);
    expect(rotated(given([]), 4, 7), 'all have one').toEqual(given([]).order);
  });
});
