import { describe, expect, it } from 'vitest';
import { elsewhereIn } from './elsewhere';

describe('a name of another server', () => {
  it.each([
    ['demo2@oslo.example.net', 'demo2@oslo.example.net'],
    ['  111@Oslo.Example.net ', '111@oslo.example.net'],
    ['иван@oslo.example.net', 'иван@oslo.example.net'],
  ])('%s is one', (typed, name) => expect(elsewhereIn(typed, 'paris.example.com')).toBe(name));

  it.each([
    '',
    'demo2',
    'demo2@',
    'demo2@oslo',
    'demo1@paris.example.com',
    '#sip:demo2@oslo.example.net',
    '\\c\\review@oslo.example.net',
    'two words@oslo.example.net',
    'a@b@oslo.example.net',
  ])('"%s" is none', (typed) => expect(elsewhereIn(typed, 'paris.example.com')).toBeNull());
});
