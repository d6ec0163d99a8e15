import { describe, expect, it } from 'vitest';
import { isShown, stored, withKept, withoutKept } from './keptLayouts';
import type { Layout } from './messages';

const talk: Layout = {
  arrangement: 'speaker',
  pinned: '7',
  locked: true,
  slots: [{ kind: 'content' }, { kind: 'person', participant: '7' }],
};

describe('layouts that a conference keeps', () => {
  it('name nobody who is in a meeting', () => {
    expect(stored({ name: 'Talk', layout: talk })).toEqual({
      name: 'Talk',
      arrangement: 'speaker',
      locked: true,
      slots: ['content', 'automatic'],
      shuffle_s: null,
      names_hidden: false,
    });
    expect(withKept([], 'Talk', talk)[0]!.layout.pinned).toBeNull();
  });

  it('are replaced by one of the same name', () => {
    const gallery: Layout = { arrangement: 'gallery', pinned: null, locked: false };
    const one = withKept(withKept([], 'Talk', talk), 'Questions', gallery);
    const again = withKept(one, ' talk ', gallery);
    expect(again.map(({ name }) => name)).toEqual(['Questions', 'talk']);
    expect(withoutKept(again, 'talk').map(({ name }) => name)).toEqual(['Questions']);
  });

  it('are known as what everybody looks at', () => {
    const layout: Layout = {
      arrangement: 'speaker',
      pinned: null,
      locked: false,
      slots: [{ kind: 'content' }],
    };
    const kept = { name: 'Talk', layout };
    expect(isShown(kept, { ...layout, shuffle_s: undefined })).toBe(true);
    expect(isShown(kept, { ...layout, locked: true })).toBe(false);
    expect(isShown(kept, { ...layout, pinned: '7' })).toBe(false);
    expect(isShown(kept, null)).toBe(false);
  });
});
