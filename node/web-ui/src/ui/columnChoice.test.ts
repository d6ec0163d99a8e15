import { act, renderHook } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import { columnsOf, isSeen, useColumnChoice } from './columnChoice';

const columns = [
  { id: 'name', header: 'Name' },
  { id: 'email', header: 'Email', from: 'md' as const },
  { id: 'phone', header: 'Phone', extra: true },
  { id: 'menu', header: '' },
];
const ids = (chosen: Record<string, boolean>) => columnsOf(columns, chosen).map((column) => column.id);

beforeEach(() => localStorage.clear());

describe('columns', () => {
  it('leave out extras until somebody wants them', () => {
    expect(ids({})).toEqual(['name', 'email', 'menu']);
    expect(ids({ phone: true, email: false })).toEqual(['name', 'phone', 'menu']);
  });

  it('that were chosen are there on narrow screens too', () => {
    expect(isSeen(columns[1]!, {}, 390)).toBe(false);
    expect(columnsOf(columns, { email: true })[1]?.from).toBeUndefined();
    expect(isSeen(columns[1]!, { email: true }, 390)).toBe(true);
  });

  it('that name the row and those of its buttons stay', () => {
    expect(ids({ name: false, menu: false })).toEqual(['name', 'email', 'menu']);
  });

  it('stay as chosen the next time, and are forgotten with the usual ones', () => {
    const { result } = renderHook(() => useColumnChoice('users', columns));
    act(() => result.current.choose({ phone: true }));
    const next = renderHook(() => useColumnChoice('users', columns));
    expect(next.result.current.columns.map((column) => column.id)).toContain('phone');
    act(() => next.result.current.choose({}));
    expect(localStorage.length).toBe(0);
  });

  it('are the usual ones where what was kept is broken', () => {
    localStorage.setItem('plenary.columns.users', '{"phone":"yes"');
    const { result } = renderHook(() => useColumnChoice('users', columns));
    expect(result.current.chosen).toEqual({});
  });
});
