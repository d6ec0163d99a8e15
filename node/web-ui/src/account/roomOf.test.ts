import { describe, expect, it } from 'vitest';
import { roomOf } from './roomOf';

const own = ['paris.example.com', 'meet.example.com'];

describe('what is typed to join', () => {
  it.each([
    ['Demo', 'demo'],
    ['  weekly.review-2 ', 'weekly.review-2'],
    ['123 456 789', '123456789'],
    ['https://meet.example.com/m/Demo?lang=fr', 'demo'],
    ['https://meet.example.com:8443/m/demo', 'demo'],
    ['/m/%D1%81%D0%BE%D0%B2%D0%B5%D1%82', 'совет'],
    ['\\c\\Review', 'review'],
    ['\\c\\review@Paris.example.com', 'review'],
  ])('%s means %s', (typed, cid) => expect(roomOf(typed, own)).toBe(cid));

  it.each([
    '',
    'two words',
    'a/b',
    'x'.repeat(65),
    '\\c\\',
    '\\c\\a b',
    '\\c\\review@',
    '\\c\\review@a b',
    '@oslo.example.net',
    '\\e\\demo2',
  ])('"%s" means nothing', (typed) => expect(roomOf(typed, own)).toBeNull());

  it.each([
    ['\\c\\Review@Oslo.example.net', 'review@oslo.example.net'],
    ['review@oslo.example.net', 'review@oslo.example.net'],
    ['https://oslo.example.net/m/Review', 'review@oslo.example.net'],
    ['https://meet.example.com/m/review%40oslo.example.net', 'review@oslo.example.net'],
  ])('%s is of another server', (typed, cid) => expect(roomOf(typed, own)).toBe(cid));
});
