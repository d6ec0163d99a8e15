import { describe, expect, it } from 'vitest';
import {
  beginsRun,
  isMine,
  linesSince,
  mayEdit,
  mentionAt,
  mentionable,
  mentioned,
  mentionsMe,
  readersOf,
  sameRun,
  splitByMentions,
  withNames,
} from './chat';
import type { ChatLine } from './messages';
import { person } from './testing/fakes';

const line = (id: string, more: Partial<ChatLine> = {}): ChatLine => ({
  id,
  participant: '1',
  name: 'Ann',
  text: id,
  at: 0,
  ...more,
});

describe('lines of the chat', () => {
  it('say below the last of one’s own in a row how many have read it', () => {
    const reads = [3, 9, 12];
    const [own, next, other] = [line('9'), line('10'), line('10', { participant: '2' })];
    expect(readersOf(own, other, '1', reads)).toBe(2);
    expect(readersOf(own, undefined, '1', reads)).toBe(2);
    expect(readersOf(own, next, '1', reads)).toBe(0);
    expect(readersOf(other, undefined, '1', reads)).toBe(0);
    expect(readersOf(line('9', { deleted: 'writer' }), undefined, '1', reads)).toBe(0);
  });

  it('have the name that a guest has now, and that of before of all others', () => {
    const lines = [line('1', { places: ['7'] }), line('2', { places: ['8'] }), line('3', { places: [] })];
    const people = [person('7', { name: 'Anna', guest: true }), person('8', { name: 'Annie' })];
    const shown = withNames(lines, new Map(people.map((one) => [one.id, one])));
    expect(shown.map(({ name }) => name)).toEqual(['Anna', 'Ann', 'Ann']);
  });

  it('are one’s own from whatever place, also of a node that does not tell places', () => {
    expect(isMine(line('1'), '1')).toBe(true);
    expect(isMine(line('1', { places: ['7', '8'] }), '8')).toBe(true);
    expect(isMine(line('1', { places: ['7'] }), '1')).toBe(false);
    expect(isMine(line('1'), null)).toBe(false);
  });

  it('are changed by who wrote them for two days', () => {
    const hours = (count: number) => count * 3_600_000;
    expect(mayEdit(line('1'), '1', hours(47))).toBe(true);
    expect(mayEdit(line('1'), '1', hours(48))).toBe(false);
    expect(mayEdit(line('1'), '2', 1)).toBe(false);
    expect(mayEdit(line('1', { deleted: 'writer' }), '1', 1)).toBe(false);
  });

  it('are new since the last one that was seen, but for own and deleted ones', () => {
    const chat = [
      line('1'),
      line('2', { participant: '2' }),
      line('3'),
      line('4', { participant: '2', deleted: 'writer' }),
    ];
    expect(linesSince(chat, '1', '1').map(({ id }) => id)).toEqual(['2']);
    expect(linesSince(chat, null, '2').map(({ id }) => id)).toEqual(['1', '3']);
  });
});

describe('mentions', () => {
  it('are for whom they name, wherever they are in from', () => {
    const said = line('1', { mentions: [{ name: 'Ben', places: ['2', '3'] }] });
    expect([mentionsMe(said, '3'), mentionsMe(said, '1'), mentionsMe(line('1'), '1')]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('begin with an @ before the caret', () => {
    expect(mentionAt('Hi @Be', 6)).toEqual({ from: 3, find: 'Be' });
    expect(mentionAt('@', 1)).toEqual({ from: 0, find: '' });
    expect(mentionAt('Hi @Ben Lee there', 11)).toEqual({ from: 3, find: 'Ben Lee' });
    expect(mentionAt('ann@example.com', 15)).toBeNull();
    expect(mentionAt('@Ben\nHi', 7)).toBeNull();
    expect(mentionAt('Hi', 2)).toBeNull();
  });

  it('offer each person once, those first whose names begin so', () => {
    const people = [
      person('1', { name: 'Ann', user: 'ann' }),
      person('2', { name: 'Ben Anders', user: 'ben' }),
      person('3', { name: 'Ben Anders', user: 'ben' }),
      person('4', { name: 'Anna' }),
      person('5', { name: 'Anton', waiting: true }),
      person('6', { name: 'Anchor', via: 'whip' }),
    ];
    expect(mentionable(people, '1', 'an').map(({ name }) => name)).toEqual(['Anna', 'Ben Anders']);
    expect(mentionable(people, '1', 'nobody')).toEqual([]);
  });

  it('are those that still stand in the text', () => {
    const chosen = new Map([
      ['Ann', '1'],
      ['Ben', '2'],
    ]);
    expect(mentioned('@Ben, look', chosen)).toEqual(['2']);
  });

  it('are found in the text, the longer names first', () => {
    expect(splitByMentions('@Ann and @Anna (x)', ['Ann', 'Anna'])).toEqual([
      '',
      '@Ann',
      ' and ',
      '@Anna',
      ' (x)',
    ]);
    expect(splitByMentions('@A.B (1)', ['A.B (1)'])).toEqual(['', '@A.B (1)', '']);
    expect(splitByMentions('plain', [])).toEqual(['plain']);
  });
});

describe('runs of a conference', () => {
  const of = (run: number | undefined, id = '1') => line(id, { run });

  it('are divided, but where there is only the one that goes on', () => {
    expect(beginsRun(of(9), undefined, 9)).toBe(false);
    expect(beginsRun(of(5), undefined, 9)).toBe(true);
    expect(beginsRun(of(9), of(5), 9)).toBe(true);
    expect(beginsRun(of(9), of(9), 9)).toBe(false);
    // A server of before says nothing of runs.
    expect(beginsRun(of(undefined), undefined, null)).toBe(false);
  });

  it('do not share the head of a line', () => {
    const before = of(5);
    expect(sameRun(of(5), before)).toBe(before);
    expect(sameRun(of(9), before)).toBeUndefined();
    expect(sameRun(of(9), undefined)).toBeUndefined();
  });
});
