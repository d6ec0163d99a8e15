import { describe, expect, it } from 'vitest';
import { roomOf } from './roomOf';

describe('what is typed to join', () => {
  it.each([
    ['Demo', 'demo'],
    ['  weekly.review-2 ', 'weekly.review-2'],
    ['https://meet.example.com/m/Demo?lang=fr', 'demo'],
    ['/m/%D1%81%D0%BE%D0%B2%D0%B5%D1%82', 'совет'],
  ])('%s means %s', (typed, cid) => expect(roomOf(typed)).toBe(cid));

  it.each(['', 'two words', 'a/b', 'x'.repeat(65)])('"%s" means nothing', (typed) =>
    expect(roomOf(typed)).toBeNull(),
  );
});
