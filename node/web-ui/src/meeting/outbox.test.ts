import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ChatLine } from './messages';
import { inside, joined, settle } from './testing/fakes';

/** Lines that one has written and does not see yet. */

const RUN = 5;
const line = (id: string, key: string | undefined): ChatLine => ({
  id,
  participant: '1',
  name: 'Ann',
  text: id,
  at: 1,
  run: RUN,
  key,
});

/** In a meeting of a server that knows lines by their keys. */
async function keyed() {
  const all = await inside();
  all.last().tell(joined({ run: RUN, earlier: false }));
  await settle();
  return all;
}

const keysOf = (said: Record<string, unknown>[]) => said.map(({ key }) => key as string);

describe('what one writes', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it('is being sent until one sees it', async () => {
    const { meeting, last } = await keyed();
    meeting.write({ text: 'Hello' });
    const [key] = keysOf(last().said('say'));
    expect(key).toMatch(/^[!-~]{1,64}$/);
    expect(meeting.current().sending).toMatchObject([{ text: 'Hello', failed: null }]);
    last().tell({ type: 'chat', body: { lines: [line('1', 'another')] } });
    expect(meeting.current().sending).toHaveLength(1);
    last().tell({ type: 'chat', body: { lines: [line('2', key)] } });
    expect(meeting.current().sending).toEqual([]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(last().said('say'), 'once is enough').toHaveLength(1);
  });

  it('is sent again by the same key while nothing is heard of it', async () => {
    const { meeting, last } = await keyed();
    meeting.write({ text: 'Hello' });
    await vi.advanceTimersByTimeAsync(4_000);
    const keys = keysOf(last().said('say'));
    expect(keys).toHaveLength(2);
    expect(new Set(keys).size).toBe(1);
    const [key] = keys;
    for (const code of ['unavailable', 'too-fast'] as const)
      last().tell({ type: 'refused', body: { request: 'say', code, detail: 'not now', key } });
    expect(meeting.current().sending).toMatchObject([{ failed: null }]);
    expect(meeting.current().denied.count, 'nobody needs to know').toBe(0);
  });

  it('is sent on another node when this one is lost, unless it was said there', async () => {
    const { meeting, last, sockets } = await keyed();
    meeting.write({ text: 'Heard' });
    meeting.write({ text: 'Lost' });
    const [heard, lost] = keysOf(last().said('say'));
    last().end();
    await vi.advanceTimersByTimeAsync(0);
    expect(sockets.length).toBeGreaterThan(1);
    meeting.write({ text: 'Meanwhile' });
    last().welcome();
    expect(last().said('say')).toEqual([]);
    last().tell(joined({ run: RUN, earlier: false, chat: [line('1', heard)] }));
    await settle();
    const said = last().said('say');
    expect(said.map(({ text }) => text)).toEqual(['Lost', 'Meanwhile']);
    expect(keysOf(said)[0]).toBe(lost);
  });

  it('says why it is no line, and is sent again or given up', async () => {
    const { meeting, last } = await keyed();
    meeting.write({ text: 'One' });
    meeting.write({ text: 'Two' });
    const [one, two] = keysOf(last().said('say')) as [string, string];
    const no = { request: 'say', code: 'forbidden' as const, detail: 'not here' };
    for (const key of [one, two]) last().tell({ type: 'refused', body: { ...no, key } });
    expect(meeting.current().sending.map(({ failed }) => failed)).toEqual(['not here', 'not here']);
    expect(meeting.current().denied).toEqual({ code: 'forbidden', detail: 'not here', count: 2 });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(last().said('say'), 'not by itself').toHaveLength(2);
    meeting.giveUp(one);
    meeting.writeAgain(two);
    expect(keysOf(last().said('say'))).toEqual([one, two, two]);
    expect(meeting.current().sending).toMatchObject([{ text: 'Two', failed: null }]);
  });

  it('is taken for said by a server that knows no keys', async () => {
    const { meeting, last } = await inside();
    meeting.write({ text: 'Hello' });
    expect(last().said('say')).toEqual([{ text: 'Hello' }]);
    expect(meeting.current().sending).toEqual([]);
  });
});
