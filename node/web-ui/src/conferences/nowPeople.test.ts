import { describe, expect, it } from 'vitest';
import type { Participant } from '../api/types';
import { found, inOrder } from './nowPeople';

const person = (name: string, more: Partial<Participant> = {}): Participant => ({
  id: name,
  name,
  user: name.toLowerCase(),
  role: 'participant',
  waiting: false,
  podium: false,
  pinned: false,
  remark: false,
  via: 'browser',
  invitation: null,
  muted: true,
  camera: false,
  content: false,
  hand: null,
  joined_at: '2026-01-01T10:00:00Z',
  away: false,
  ...more,
});

describe('who is in', () => {
  it('stands by raised hands in their order, then by names', () => {
    const people = [
      person('Cleo'),
      person('Ann', { hand: '2026-01-01T10:05:00Z' }),
      person('Ben'),
      person('Dan', { hand: '2026-01-01T10:02:00Z' }),
    ];
    expect(inOrder(people).map(({ name }) => name)).toEqual(['Dan', 'Ann', 'Ben', 'Cleo']);
  });

  it('is found by name and account, whatever the accents', () => {
    const people = [person('Zoé'), person('Guest', { user: null })];
    expect(found(people, 'zoe').map(({ name }) => name)).toEqual(['Zoé']);
    expect(found(people, '')).toHaveLength(2);
    expect(found(people, 'nobody')).toEqual([]);
  });
});
