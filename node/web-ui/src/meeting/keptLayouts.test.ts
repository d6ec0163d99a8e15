import { describe, expect, it } from 'vitest';
import { isShown, stored, withKept, withoutKept } from './keptLayouts';
import type { Layout } from './messages';

const talk: Layout = {
  arrangement: 'speaker',
  pinned: '7',
  locked: true,
  slots: [{ kind: 'content' }, { kind: 'person', participant: '7' }, { kind: 'person', participant: '8' }],
};
const gallery: Layout = { arrangement: 'gallery', pinned: null, locked: false };
const nobody = () => null;

describe('layouts that a conference keeps', () => {
  it('have people in them by their accounts, and no guests', () => {
    const accountOf = (id: string) => (id === '7' ? 'bob@oslo.example.net' : null);
    expect(stored(' Talk ', talk, accountOf)).toEqual({
      name: 'Talk',
      arrangement: 'speaker',
      locked: true,
      slots: ['content', 'automatic', 'automatic'],
      shuffle_s: null,
      names_hidden: false,
      people: [{ place: 2, user: 'bob@oslo.example.net' }],
    });
  });

  it('are replaced by one of the same name', () => {
    const one = withKept([stored('Talk', talk, nobody)], stored('Questions', gallery, nobody));
    const again = withKept(one, stored(' talk ', gallery, nobody));
    expect(again.map(({ name }) => name)).toEqual(['Questions', 'talk']);
    expect(withoutKept(again, 'talk').map(({ name }) => name)).toEqual(['Questions']);
  });

  it('are known as what everybody looks at, whoever is in their places', () => {
    const layout: Layout = { ...talk, pinned: null, slots: [{ kind: 'content' }, { kind: 'automatic' }] };
    const kept = { name: 'Talk', layout };
    const slots: Layout['slots'] = [{ kind: 'content' }, { kind: 'person', participant: '9' }];
    expect(isShown(kept, { ...layout, slots, kept: 'Talk' })).toBe(true);
    expect(isShown(kept, { ...layout, locked: false, kept: 'Talk' })).toBe(false);
    expect(isShown(kept, { ...layout, kept: 'Questions' })).toBe(false);
    expect(isShown(kept, layout)).toBe(false);
    expect(isShown(kept, null)).toBe(false);
  });
});
