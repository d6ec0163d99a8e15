import { describe, expect, it } from 'vitest';
import { roomOf } from './roomOf';

const own = 'paris.example.com';

describe('what is typed to join', () => {
  it.each([
    ['Demo', 'demo'],
    ['  weekly.review-2 ', 'weekly.review-2'],
    ['https://meet.example.com/m/Demo?lang=fr', 'demo'],
    ['/m/%D1%81%D0%BE%D0%B2%D0%B5%D1%82', 'совет'],
    ['\\c\\Review', 'review'],
    ['\\c\\review@Paris.example.com', 'review'],
  ])('%s means %s', (typed, cid) => expect(roomOf(typed, own)).toEqual({ cid }));

  it.each(['', 'two words', 'a/b', 'x'.repeat(65), '\\c\\', '\\c\\a b', '\\c\\review@', '\\c\\review@a b'])(
    '"%s" means nothing',
    (typed) => expect(roomOf(typed, own)).toBeNull(),
  );

  it('tells what is of another server', () =>
    expect(roomOf('\\c\\review@oslo.example.net', own)).toEqual({ server: 'oslo.example.net' }));
});
