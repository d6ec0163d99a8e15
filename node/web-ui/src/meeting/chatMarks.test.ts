import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ChatMarks } from './chatMarks';
import type { ChatLine, ClientMessage } from './messages';
import { emptyMeeting, type MeetingState } from './state';
import { Timers } from './timers';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const line = (id: string): ChatLine => ({ id, participant: '1', name: 'Ann', text: 'Hello', at: 0 });

function setUp(more: Partial<MeetingState> = {}) {
  const said: ClientMessage[] = [];
  let state: MeetingState = { ...emptyMeeting('demo'), phase: 'in', ...more };
  const marks = new ChatMarks({
    now: () => Date.now(),
    timers: new Timers(),
    state: () => state,
    say: (message) => void said.push(message),
  });
  marks.joined(true);
  const become = (next: Partial<MeetingState>) => void (state = { ...state, ...next });
  return { marks, said, become };
}

describe('what one does at the chat', () => {
  it('is said that one writes, once in three seconds', () => {
    const { marks, said } = setUp();
    marks.writes();
    marks.writes();
    vi.advanceTimersByTime(3_000);
    marks.writes();
    expect(said).toEqual([
      { type: 'writing', body: {} },
      { type: 'writing', body: {} },
    ]);
  });

  it('is said how far one has read, the last of it in three seconds, and again to another node', () => {
    const { marks, said } = setUp();
    const read = (id: string) => ({ type: 'read', body: { line: id } });
    marks.read('9');
    vi.advanceTimersByTime(0);
    marks.read('10');
    marks.read('12');
    marks.read('11');
    vi.advanceTimersByTime(2_999);
    expect(said).toEqual([read('9')]);
    vi.advanceTimersByTime(1);
    expect(said).toEqual([read('9'), read('12')]);
    marks.joined(true);
    vi.advanceTimersByTime(3_000);
    expect(said.at(-1)).toEqual(read('12'));
    expect(said).toHaveLength(3);
  });

  it('is not said in a large meeting, nor to a node of before', () => {
    const { marks, said } = setUp({ counts: { inside: 101, waiting: 0 } });
    marks.read('9');
    vi.advanceTimersByTime(10_000);
    marks.joined(false);
    marks.writes();
    expect(said).toEqual([]);
  });

  it('asks for earlier lines once, and again where that was too fast', () => {
    const { marks, said, become } = setUp({ chat: [line('300')], earlier: true });
    const asked = (before: string) => ({ type: 'earlier', body: { before } });
    marks.askEarlier();
    marks.askEarlier();
    expect(said).toEqual([asked('300')]);
    marks.refused();
    vi.advanceTimersByTime(1_000);
    expect(said).toEqual([asked('300'), asked('300')]);
    become({ chat: [line('100'), line('300')], earlier: false });
    marks.askEarlier();
    expect(said).toHaveLength(2);
  });
});
