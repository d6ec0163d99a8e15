import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inside, joined, outside, settle } from './testing/fakes';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

type Said = { connection: string; generation: number; sdp: string };

async function answer(last: ReturnType<Awaited<ReturnType<typeof inside>>['last']>, sdp = 'answer') {
  const { connection, generation } = last.said('offer').at(-1) as unknown as Said;
  last.tell({ type: 'answer', body: { connection: connection as 'receive', generation, sdp } });
  await settle();
}

describe('a peer connection', () => {
  it('finds its way anew after 2 s without one, and begins anew 6 s after that', async () => {
    const { last, peers } = await inside();
    const first = last().said('offer')[0] as unknown as Said;
    peers[0]!.ice('disconnected');
    await vi.advanceTimersByTimeAsync(1_900);
    expect(peers[0]!.restarts).toBe(0);
    await vi.advanceTimersByTimeAsync(100);
    expect(peers[0]!.restarts).toBe(1);
    expect(last().said('offer').at(-1)).toMatchObject({
      connection: 'receive',
      generation: first.generation,
    });
    await answer(last());
    await vi.advanceTimersByTimeAsync(6_001);
    expect(peers).toHaveLength(3);
    expect(last().said('offer').at(-1)).toMatchObject({ generation: first.generation + 1 });
  });

  it('stays when the way is found in time', async () => {
    const { last, peers } = await inside();
    peers[0]!.ice('disconnected');
    await vi.advanceTimersByTimeAsync(2_000);
    await answer(last());
    peers[0]!.ice('connected');
    await vi.advanceTimersByTimeAsync(20_000);
    expect(peers).toHaveLength(2);
  });

  it('looks for the way at once when the network changes', async () => {
    const { meeting, peers } = await inside();
    meeting.hurry();
    await settle();
    expect(peers.map((peer) => peer.restarts)).toEqual([1, 1]);
  });

  it('begins anew when the node has lost it, and not for one that is gone already', async () => {
    const { last, peers } = await inside();
    const { generation } = last().said('offer')[1] as unknown as Said;
    last().tell({ type: 'lost', body: { connection: 'publish', generation: generation - 1 } });
    await settle();
    expect(peers).toHaveLength(2);
    last().tell({ type: 'lost', body: { connection: 'publish', generation } });
    await settle();
    expect(last().said('offer').at(-1)).toMatchObject({
      connection: 'publish',
      generation: generation + 1,
    });
    expect(peers).toHaveLength(3);
  });

  it('does not heed an answer to another generation', async () => {
    const { last, peers } = await inside();
    const { generation } = last().said('offer')[0] as unknown as Said;
    last().tell({ type: 'answer', body: { connection: 'receive', generation: generation - 1, sdp: 'old' } });
    await settle();
    expect(peers[0]!.remote).toEqual(['answer']);
  });

  it('waits longer and longer where nothing helps, and says so', async () => {
    const { meeting, last, peers } = await inside();
    const { generation } = last().said('offer')[1] as unknown as Said;
    last().tell({ type: 'lost', body: { connection: 'publish', generation } });
    await vi.advanceTimersByTimeAsync(10_000);
    expect(peers).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(peers).toHaveLength(4);
    expect(meeting.current().mediaBroken).toBe(true);
    peers[3]!.ice('connected');
    expect(meeting.current().mediaBroken).toBe(false);
  });
});

describe('connections that are made ahead', () => {
  async function waits(ms: number) {
    const all = outside();
    all.meeting.ahead();
    await vi.advanceTimersByTimeAsync(ms);
    return all;
  }
  async function comes({ meeting, last }: ReturnType<typeof outside>) {
    meeting.enter({ muted: false, camera: true });
    last().welcome();
    last().tell(joined());
    await settle();
  }

  it('are those that one comes in with', async () => {
    const all = await waits(60_000);
    await comes(all);
    expect(all.peers).toHaveLength(2);
    expect(all.last().said('offer')).toHaveLength(2);
    expect(all.meeting.receive.sounds()).toHaveLength(4);
  });

  it('are made anew when they are old, or the network is another one', async () => {
    const all = await waits(0);
    all.meeting.hurry();
    expect(all.peers.map(({ closed }) => closed)).toEqual([true, true, false, false]);
    await vi.advanceTimersByTimeAsync(100_000);
    await comes(all);
    expect(all.peers.map(({ closed }) => closed)).toEqual([true, true, true, true, false, false]);
    expect(all.meeting.receive.sounds()).toHaveLength(4);
  });

  it('end when nobody comes in', async () => {
    const { meeting, peers } = await waits(1_000);
    meeting.dispose();
    expect(peers.every(({ closed }) => closed)).toBe(true);
  });
});

describe('slots', () => {
  it('say whose picture is where, and the one of before stays until the new one comes', async () => {
    const { meeting, last, peers } = await inside();
    const slot = { mid: '3', kind: 'video' as const, participant: '2' };
    last().tell({ type: 'slots', body: { slots: [slot] } });
    const track = peers[0]!.transceivers[3]!.receiver.track;
    track.muted = false;
    expect(meeting.receive.picture('2', 'video')?.track).toBe(track);
    expect(meeting.receive.picture('2', 'content')).toBeNull();

    const { generation } = last().said('offer')[0] as unknown as Said;
    last().tell({ type: 'lost', body: { connection: 'receive', generation } });
    await settle();
    await answer(last());
    last().tell({ type: 'slots', body: { slots: [slot] } });
    expect(meeting.receive.picture('2', 'video')?.track).toBe(track);
    const next = peers[2]!.transceivers[3]!.receiver.track;
    next.muted = false;
    expect(meeting.receive.picture('2', 'video')?.track).toBe(next);
  });

  it('are emptied', async () => {
    const { meeting, last } = await inside();
    last().tell({ type: 'slots', body: { slots: [{ mid: '3', kind: 'video', participant: '2' }] } });
    last().tell({ type: 'slots', body: { slots: [{ mid: '3', kind: 'video', participant: null }] } });
    expect(meeting.receive.picture('2', 'video')).toBeNull();
  });
});
