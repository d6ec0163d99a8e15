import { act, renderHook } from '@testing-library/react';
import { beforeEach, describe, expect, it } from 'vitest';
import { endTasks, forgetTasks, startTask, useTasks } from './tasks';

const leaving = () => {
  const event = new Event('beforeunload', { cancelable: true });
  window.dispatchEvent(event);
  return event.defaultPrevented;
};

beforeEach(() => endTasks());

describe('long work', () => {
  it('is listed with how far it is, newest first', () => {
    const { result } = renderHook(() => useTasks());
    act(() => {
      startTask('Import', '/admin/import').step(0.5);
      startTask('Backup', '/admin/backup');
    });
    expect(result.current.map(({ title, share }) => [title, share])).toEqual([
      ['Backup', null],
      ['Import', 0.5],
    ]);
  });

  it('asks before the page is closed, until it is over', () => {
    const task = startTask('Import', '/admin/import');
    expect(leaving()).toBe(true);
    task.done('10,000 created');
    expect(leaving()).toBe(false);
  });

  it('stays until it is forgotten, which work that is running is not', () => {
    const { result } = renderHook(() => useTasks());
    act(() => {
      startTask('Import', '/admin/import').failed('The file is not in order');
      startTask('Backup', '/admin/backup');
    });
    expect(result.current.map((task) => task.state)).toEqual(['running', 'failed']);
    act(() => forgetTasks());
    expect(result.current.map((task) => task.title)).toEqual(['Backup']);
  });
});
