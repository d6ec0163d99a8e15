import { describe, expect, it } from 'vitest';
import { found, placesIn, splitByFound } from './search';
import type { ChatLine } from './messages';

const line = (id: string, text: string, more: Partial<ChatLine> = {}): ChatLine => ({
  id,
  participant: '1',
  name: 'Zoë',
  text,
  at: 0,
  ...more,
});

describe('a search in the chat', () => {
  it('finds whatever the case and accents of letters, at the places where they stand', () => {
    expect(placesIn('Déjà vu, deja!', 'DEJA')).toEqual([
      [0, 4],
      [9, 13],
    ]);
    expect(placesIn('one\u0301 one', 'oné')).toHaveLength(2);
    expect(placesIn('👍 yes', 'yes')).toEqual([[3, 6]]);
    expect(placesIn('aaaa', 'aa')).toHaveLength(2);
    expect(placesIn('İstanbul', 'stan')).toEqual([[1, 5]]);
    expect(placesIn('anything', '  ')).toEqual([]);
  });

  it('finds lines by what they say and by who wrote them, and none that are deleted', () => {
    const chat = [
      line('1', 'The plan'),
      line('2', '', { deleted: 'writer' }),
      line('3', 'No', { name: 'Planck' }),
      line('4', 'Nothing'),
    ];
    expect(found(chat, 'plan').map(({ id }) => id)).toEqual(['1', '3']);
    expect(found(chat, 'zoe').map(({ id }) => id)).toEqual(['1', '4']);
    expect(found(chat, ' ')).toEqual([]);
  });

  it('marks what was sought', () => {
    expect(splitByFound('a plan, a Plan', 'plan')).toEqual(['a ', 'plan', ', a ', 'Plan', '']);
    expect(splitByFound('nothing', 'plan')).toEqual(['nothing']);
  });
});
