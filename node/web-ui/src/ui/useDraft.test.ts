import { act, renderHook } from '@testing-library/react';
import { describe, expect, it } from 'vitest';
import { useDraft } from './useDraft';

const server = { name: 'Alice', email: 'a@example.com', revision: '7' };

function draftOf(start = server) {
  return renderHook((now: typeof server) => useDraft<{ name: string; email: string }>(now), {
    initialProps: start,
  });
}

describe('a draft', () => {
  it('sends only what was changed, on the revision it was changed on', () => {
    const { result } = draftOf();
    act(() => result.current.set('name', 'Alicia'));
    expect(result.current.patch).toEqual({ name: 'Alicia' });
    expect(result.current.match).toBe('7');
    expect(result.current.changes).toEqual([{ field: 'name', before: 'Alice', after: 'Alicia' }]);
  });

  it('has no change when a field is set back', () => {
    const { result } = draftOf();
    act(() => result.current.set('name', 'Alicia'));
    act(() => result.current.set('name', 'Alice'));
    expect(result.current.changes).toEqual([]);
  });

  it('follows the server as long as nothing is edited', () => {
    const { result, rerender } = draftOf();
    rerender({ ...server, name: 'Al', revision: '8' });
    expect(result.current.value.name).toBe('Al');
    expect(result.current.stale).toBe(false);
  });

  it('tells when somebody else was faster, and keeps the edits on top of theirs', () => {
    const { result, rerender } = draftOf();
    act(() => result.current.set('name', 'Alicia'));
    rerender({ ...server, email: 'new@example.com', revision: '8' });
    expect(result.current.stale).toBe(true);
    act(() => result.current.rebase());
    expect(result.current.stale).toBe(false);
    expect(result.current.match).toBe('8');
    expect(result.current.value).toMatchObject({ name: 'Alicia', email: 'new@example.com' });
  });
});
