import { describe, expect, it } from 'vitest';
import { pinnedOf, pins } from './pins';
import { person } from './testing/fakes';

describe('whom one has pinned', () => {
  const known = (...ids: string[]) =>
    new Map(ids.map((id) => [id, person(id, { user: `user-${id}`, name: `Person ${id}` })]));

  it('is found again at their place, or as the person who has come anew', () => {
    const pin = { id: '2', person: 'user:user-2' };
    expect(pinnedOf(undefined, known('1'))).toBeNull();
    expect(pinnedOf(pin, known('1', '2'))).toBe('2');
    const anew = new Map([['7', person('7', { user: 'user-2' })]]);
    expect(pinnedOf(pin, anew)).toBe('7');
    expect(pinnedOf(pin, known('1')), 'of many only some are told').toBe('2');
  });

  it('is kept for each conference', () => {
    pins.keep('one', { id: '2', person: 'user:user-2' });
    pins.keep('two', { id: '3', person: 'name:Ann' });
    expect(JSON.parse(localStorage.getItem('plenary.pin') ?? '{}')).toMatchObject({ one: { id: '2' } });
    pins.forget('one');
    expect([pins.of('one'), pins.of('two')?.id]).toEqual([undefined, '3']);
  });
});
