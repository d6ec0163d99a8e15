import { afterEach, describe, expect, it } from 'vitest';
import { inOwnOrder, moved, orders } from './order';
import { person } from './testing/fakes';

const people = ['1', '2', '3'].map((id) => person(id, { user: `user-${id}` }));
const ids = (of: { id: string }[]) => of.map(({ id }) => id).join('');

afterEach(() => orders.forget('demo'));

describe('the own order of people', () => {
  it('is that of coming until one changes it', () => expect(ids(inOwnOrder(people, []))).toBe('123'));

  it('moves one to an earlier or later place, and not past the ends', () => {
    expect(ids(moved(people, '3', -1))).toBe('132');
    expect(ids(moved(people, '1', 1))).toBe('213');
    expect(ids(moved(people, '1', -1))).toBe('123');
    expect(ids(moved(people, 'gone', 1))).toBe('123');
  });

  it('is kept for each conference, and knows people again who come with another place', () => {
    orders.keep('demo', moved(people, '3', -2));
    expect(orders.of('other')).toEqual([]);
    const again = people.map((one) => ({ ...one, id: `9${one.id}` }));
    const more = [person('8', { user: 'new' }), ...again];
    expect(ids(inOwnOrder(more, orders.of('demo')))).toBe('9391928');
  });
});
