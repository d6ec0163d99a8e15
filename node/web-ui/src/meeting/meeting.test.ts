import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { inside, joined, person, setUp, settle } from './testing/fakes';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('joining', () => {
  it('asks for the room and then offers both connections, with all lines', async () => {
    const { meeting, last, peers, host } = setUp();
    last().welcome();
    expect(last().said('join')).toEqual([{ room: 'demo', muted: false, camera: true, resume: null }]);
    last().tell(joined());
    await settle();
    expect(meeting.current()).toMatchObject({ phase: 'in', me: '1', room: { name: 'Demo' } });
    expect(host.keepSeat).toHaveBeenCalledWith({ participant: '1', secret: 's' });
    const [publish, receive] = last().said('offer') as { connection: string; lines: { kind: string }[] }[];
    expect(publish).toMatchObject({ connection: 'publish' });
    expect(publish!.lines.map(({ kind }) => kind)).toEqual(['audio', 'video', 'content', 'content_audio']);
    expect(receive!.connection).toBe('receive');
    expect(receive!.lines.map(({ kind }) => kind).join(' ')).toBe(
      `${'audio '.repeat(3)}${'video '.repeat(9)}content content_audio`,
    );
    expect(peers[0]!.config.iceServers).toEqual([{ urls: ['stun:a.example.com'] }]);
    expect(peers[0]!.transceivers.every(({ direction }) => direction === 'sendonly')).toBe(true);
    expect(peers[1]!.transceivers.every(({ direction }) => direction === 'recvonly')).toBe(true);
  });

  it('tells what differs from what the node knows', async () => {
    const { last } = setUp();
    last().welcome();
    last().tell(joined({ participants: [person('1', { muted: true, camera: true })] }));
    await settle();
    expect(last().said('state')).toEqual([{ muted: false }]);
  });

  it('takes its place of before, and another one where that is given up', () => {
    const seat = { participant: '7', secret: 'x' };
    const { last, meeting } = setUp(seat);
    last().welcome();
    expect(last().said('join')[0]).toMatchObject({ resume: seat });
    last().tell({ type: 'refused', body: { request: 'join', code: 'not-found', detail: '' } });
    expect(last().said('join')[1]).toMatchObject({ resume: null });
    last().tell({ type: 'refused', body: { request: 'join', code: 'full', detail: '' } });
    expect(meeting.current()).toMatchObject({ phase: 'over', over: 'full' });
  });

  it('tries again while the node cannot say', () => {
    const { last } = setUp();
    last().welcome();
    last().tell({ type: 'refused', body: { request: 'join', code: 'unavailable', detail: '' } });
    vi.advanceTimersByTime(1_000);
    expect(last().said('join')).toHaveLength(2);
  });

  it('keeps a raised hand of before', async () => {
    const { last } = setUp({ participant: '1', secret: 's' });
    last().welcome();
    last().tell(joined({ participants: [person('1', { muted: false, camera: true, hand: 5 })] }));
    await settle();
    expect(last().said('state')).toEqual([]);
  });
});

describe('in the meeting', () => {
  it('learns who comes, changes and goes, and what is written', async () => {
    const { meeting, last } = await inside();
    last().tell({
      type: 'roster',
      body: { participants: [person('3'), person('2', { hand: 9 })], gone: [] },
    });
    expect([...meeting.current().participants.keys()]).toEqual(['1', '2', '3']);
    expect(meeting.current().participants.get('2')?.hand).toBe(9);
    last().tell({ type: 'roster', body: { participants: [], gone: ['2'] } });
    expect(meeting.current().participants.has('2')).toBe(false);
    const line = (id: string) => ({ id, participant: '3', name: 'C', text: id, at: 1 });
    last().tell({ type: 'chat', body: { lines: [line('10'), line('9')] } });
    last().tell({ type: 'chat', body: { lines: [line('10')] } });
    expect(meeting.current().chat.map(({ id }) => id)).toEqual(['9', '10']);
  });

  it('asks for pictures a moment after the last change, and for more slots when they are needed', async () => {
    const { meeting, last, peers } = await inside();
    const tiles = (count: number) =>
      Array.from({ length: count }, (_, place) => ({
        participant: String(place),
        kind: 'video' as const,
        height: 180,
      }));
    meeting.show(tiles(2));
    vi.advanceTimersByTime(60);
    meeting.show(tiles(10));
    expect(last().said('show')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(100);
    expect(last().said('show')[1]!.tiles).toHaveLength(10);
    const offer = last().said('offer').at(-1) as { generation: number; lines: { kind: string }[] };
    expect(offer.lines.filter(({ kind }) => kind === 'video')).toHaveLength(25);
    expect(offer.generation).toBe(last().said('offer')[1]!.generation);
    expect(peers).toHaveLength(2);
  });

  it('sends only the layers that somebody watches', async () => {
    const { last, peers } = await inside();
    const active = () => peers[0]!.transceivers[1]!.sender.parameters.encodings.map((one) => one.active);
    last().tell({ type: 'layers', body: { kind: 'video', highest: 1 } });
    await settle();
    expect(active()).toEqual([true, true, false]);
    last().tell({ type: 'layers', body: { kind: 'video', highest: null } });
    await settle();
    expect(active()).toEqual([false, false, false]);
    last().tell({ type: 'layers', body: { kind: 'video', highest: 2 } });
    await settle();
    expect(active()).toEqual([true, true, true]);
  });

  it.each(['removed', 'room-deleted', 'elsewhere'] as const)('is over when it is %s', async (reason) => {
    const { meeting, last, peers, host } = await inside();
    last().tell({ type: 'ended', body: { reason } });
    expect(meeting.current()).toMatchObject({ phase: 'over', over: reason });
    expect(peers.every((peer) => peer.closed)).toBe(true);
    expect(host.keepSeat).toHaveBeenLastCalledWith(null);
    expect(last().closed).toBe(true);
  });

  it('leaves with a word', async () => {
    const { meeting, last } = await inside();
    meeting.leave();
    expect(last().said('leave')).toEqual([{}]);
    expect(meeting.current()).toMatchObject({ phase: 'over', over: 'left' });
  });
});

describe('a lost way', () => {
  it('changes nothing when only the socket was cut', async () => {
    const { meeting, last, peers, sockets } = await inside();
    last().end();
    expect(meeting.current().phase).toBe('reconnecting');
    vi.advanceTimersByTime(0);
    expect(sockets).toHaveLength(2);
    last().welcome({ resumed: true, last_seq: 100 });
    expect(meeting.current().phase).toBe('in');
    expect(last().said('join')).toEqual([]);
    expect(peers).toHaveLength(2);
  });

  it('takes the place to another node when this one is lost, with new connections', async () => {
    const { meeting, last, peers, host } = await inside();
    meeting.set({ hand: true });
    meeting.write('unheard');
    const before = last().said('offer')[0]!.generation as number;
    for (let tick = 0; tick < 6; tick += 1) {
      meeting.tick();
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(host.onMoveOn).toHaveBeenCalledTimes(1);
    expect(last().url).toContain('b.example.com');
    last().welcome();
    expect(last().said('join')[0]).toMatchObject({ resume: { participant: '1', secret: 's' } });
    expect(peers.slice(0, 2).some((peer) => peer.closed)).toBe(false);
    last().tell(joined({ participants: [person('1', { muted: false, camera: true, hand: 3 })] }));
    await settle();
    expect(last().said('offer')).toHaveLength(2);
    expect(last().said('offer')[0]!.generation).toBe(before + 1);
    expect(last().said('say')).toEqual([{ text: 'unheard' }]);
    expect(last().said('state')).toEqual([]);
    // Pictures of before stay until the new ones are there.
    peers.slice(2).forEach((peer) => peer.ice('connected'));
    vi.advanceTimersByTime(3_000);
    expect(peers.map((peer) => peer.closed)).toEqual([true, true, false, false]);
  });

  it('stays while media flows, and only opens the socket anew', async () => {
    const { meeting, peers, host, sockets } = await inside();
    for (let tick = 0; tick < 18; tick += 1) {
      peers[1]!.bytes += 1000;
      meeting.tick();
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(host.onMoveOn).not.toHaveBeenCalled();
    expect(sockets).toHaveLength(2);
    expect(sockets[1]!.url).toContain('a.example.com');
  });
});
