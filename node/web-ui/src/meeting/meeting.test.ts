import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RefusedFacts } from './messages';
import { emptyMeeting, knowsAll, onStage } from './state';
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
    const [receive, publish] = last().said('offer') as { connection: string; lines: { kind: string }[] }[];
    expect(publish).toMatchObject({ connection: 'publish' });
    expect(publish!.lines.map(({ kind }) => kind)).toEqual(['audio', 'video', 'content', 'content_audio']);
    expect(receive!.connection).toBe('receive');
    expect(receive!.lines.map(({ kind }) => kind).join(' ')).toBe(
      `${'audio '.repeat(3)}${'video '.repeat(9)}content content_audio`,
    );
    expect(peers).toHaveLength(2);
    expect(peers[1]!.transceivers.every(({ direction }) => direction === 'sendonly')).toBe(true);
    expect(peers[0]!.transceivers.every(({ direction }) => direction === 'recvonly')).toBe(true);
  });

  it('makes its offers meanwhile, and anew where servers help to get through', async () => {
    const { last, peers } = setUp();
    await settle();
    expect(peers.map((peer) => peer.localDescription !== null)).toEqual([true, true]);
    last().welcome();
    const servers = [{ urls: ['stun:a.example.com'] }];
    last().tell(joined({ ice_servers: servers }));
    await settle();
    expect(peers.map((peer) => peer.closed)).toEqual([true, true, false, false]);
    expect(peers[2]!.config.iceServers).toEqual(servers);
    expect(last().said('offer')).toHaveLength(2);
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

  it('says that it comes back when the server of the conference is away', async () => {
    const seat = { participant: '1', secret: 's' };
    const { last, meeting } = setUp(seat);
    last().welcome();
    last().tell(joined({ participants: [person('1')] }));
    await settle();
    last().tell({ type: 'refused', body: { request: 'join', code: 'unavailable', detail: '' } });
    vi.advanceTimersByTime(1_000);
    expect(meeting.current().phase).toBe('reconnecting');
    expect(last().said('join')).toHaveLength(2);
    last().tell(joined({ participants: [person('1')] }));
    await settle();
    expect(meeting.current().phase).toBe('in');
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
  it('goes on where the conference gets another ID, and comes back by that', async () => {
    const { meeting, last, host } = await inside();
    const { room } = meeting.current();
    last().tell({ type: 'room', body: { ...room, cid: 'weekly' } });
    expect(meeting.current()).toMatchObject({ phase: 'in', room: { cid: 'weekly' } });
    expect(host.onCid.mock.calls).toEqual([['weekly']]);
    expect(host.keepSeat).toHaveBeenLastCalledWith({ participant: '1', secret: 's' });
    last().tell({ type: 'room', body: { ...room, cid: 'weekly', locked: true } });
    expect(host.onCid, 'told once').toHaveBeenCalledTimes(1);
    last().end();
    await vi.advanceTimersByTimeAsync(5_000);
    last().welcome();
    expect(last().said('join')).toMatchObject([
      { room: 'weekly', resume: { participant: '1', secret: 's' } },
    ]);
  });

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
    const changed = { ...line('9'), text: 'edited', edited_at: 2 };
    last().tell({ type: 'chat_changed', body: { lines: [changed] } });
    expect(meeting.current().chat.map(({ text }) => text)).toEqual(['edited', '10']);
  });

  it('writes, changes and deletes, and hears why that was not done', async () => {
    const { meeting, last } = await inside();
    meeting.write({ text: '@Ben, yes', reply_to: '9', mentions: ['2'] });
    meeting.edit('10', 'better', []);
    meeting.unsay('10');
    expect(last().said('say')).toEqual([{ text: '@Ben, yes', reply_to: '9', mentions: ['2'] }]);
    expect(last().said('edit')).toEqual([{ line: '10', text: 'better', mentions: [] }]);
    expect(last().said('unsay')).toEqual([{ line: '10' }]);
    last().tell({ type: 'refused', body: { request: 'edit', code: 'conflict', detail: 'too late' } });
    expect(meeting.current().denied).toEqual({ code: 'conflict', detail: 'too late', count: 1 });
  });

  it('knows how many there are, asks for pages of them, and hears of whom it follows', async () => {
    const { meeting, last, sockets } = await inside();
    expect(meeting.current().counts).toEqual({ inside: 2, waiting: 0 });
    const counts = { inside: 2_000, waiting: 0 };
    last().tell({ type: 'roster', body: { participants: [], gone: [], counts } });
    expect(meeting.current().counts.inside).toBe(2_000);
    expect(knowsAll(meeting.current())).toBe(false);
    meeting.list('ann', 50);
    expect(last().said('list')).toEqual([{ find: 'ann', from: 50 }]);
    const page = { find: 'ann', from: 50, participants: [person('77')], found: 51 };
    last().tell({ type: 'listed', body: page });
    expect(meeting.current().listed).toEqual(page);
    expect(meeting.current().participants.has('77')).toBe(false);
    meeting.hearOf(['77']);
    meeting.hearOf(['77']);
    expect(last().said('follow')).toEqual([{ participants: ['77'] }]);
    // Another node knows nothing of it.
    last().end();
    await vi.advanceTimersByTimeAsync(5_000);
    last().welcome();
    last().tell(joined({ counts }));
    expect(sockets.length).toBeGreaterThan(1);
    expect(last().said('follow')).toEqual([{ participants: ['77'] }]);
  });

  it('asks for pictures at once, soon after that together, and for more slots when they are needed', async () => {
    const { meeting, last, peers } = await inside();
    const tiles = (count: number) =>
      Array.from({ length: count }, (_, place) => ({
        participant: String(place),
        kind: 'video' as const,
        height: 180,
      }));
    expect(last().said('show')).toHaveLength(0);
    meeting.show(tiles(2));
    await settle();
    expect(last().said('show')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(60);
    meeting.show(tiles(9));
    meeting.show(tiles(10));
    await vi.advanceTimersByTimeAsync(39);
    expect(last().said('show')).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(last().said('show')[1]!.tiles).toHaveLength(10);
    const offer = last().said('offer').at(-1) as { generation: number; lines: { kind: string }[] };
    expect(offer.lines.filter(({ kind }) => kind === 'video')).toHaveLength(25);
    expect(offer.generation).toBe(last().said('offer')[0]!.generation);
    expect(peers).toHaveLength(2);
  });

  it('sends only the layers that somebody watches', async () => {
    const { last, peers } = await inside();
    const active = () => peers[1]!.transceivers[1]!.sender.parameters.encodings.map((one) => one.active);
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

  it('leaves with a word from the waiting room, and while it comes back', async () => {
    const waits = setUp();
    waits.last().welcome();
    const { room } = waits.meeting.current();
    waits.last().tell({ type: 'waiting', body: { room, participant: '1', secret: 's' } });
    waits.meeting.leave();
    expect(waits.last().said('leave')).toEqual([{}]);
    const back = await inside();
    back.last().end();
    vi.advanceTimersByTime(0);
    back.last().welcome();
    expect(back.meeting.current().phase).toBe('reconnecting');
    back.meeting.leave();
    expect(back.last().said('leave')).toEqual([{}]);
  });

  it('asks again with a hand that the server has lowered', async () => {
    const { last, meeting } = await inside();
    const row = (hand: number | null) =>
      last().tell({ type: 'roster', body: { participants: [person('1', { hand })], gone: [] } });
    meeting.set({ hand: true });
    row(5);
    row(null);
    meeting.set({ hand: true });
    expect(
      last()
        .said('state')
        .filter(({ hand }) => hand),
    ).toHaveLength(2);
    row(7);
    meeting.set({ hand: false });
    expect(last().said('state').at(-1)).toEqual({ hand: false });
    row(null);
    expect(
      last()
        .said('state')
        .filter((one) => 'hand' in one),
    ).toHaveLength(3);
  });

  it('lowers a hand whose row comes late', async () => {
    const { last, meeting } = await inside();
    const row = (hand: number | null) =>
      last().tell({ type: 'roster', body: { participants: [person('1', { hand })], gone: [] } });
    meeting.set({ hand: true });
    row(5);
    meeting.set({ hand: false });
    meeting.set({ hand: true });
    row(null);
    row(6);
    meeting.set({ hand: false });
    expect(last().said('state').at(-1)).toEqual({ hand: false });
  });
});

describe('the gate', () => {
  const room = emptyMeeting('demo').room;
  type Code = 'pin-needed' | 'wrong-pin' | 'too-many-pins' | 'full' | 'locked';
  const refused = (code: Code, facts: Partial<RefusedFacts> = {}) => ({
    type: 'refused' as const,
    body: { request: 'join', code, detail: 'in English', ...facts },
  });

  it('asks for a PIN, and gives it with the next join', () => {
    const { last, meeting } = setUp();
    last().welcome();
    last().tell(refused('pin-needed'));
    expect(meeting.current()).toMatchObject({ phase: 'pin', facts: null });
    meeting.enterPin('0000');
    expect(last().said('join')[1]).toMatchObject({ pin: '0000' });
    last().tell(refused('wrong-pin', { left: 4 }));
    expect(meeting.current()).toMatchObject({ phase: 'pin', facts: { left: 4 } });
    meeting.enterPin('4711');
    last().tell(joined());
    expect(meeting.current().phase).toBe('in');
  });

  it.each([
    ['too-many-pins', { minutes: 7 }],
    ['full', { full: 'guests' }],
  ] as const)('says with %s what the page puts into words', (code, facts) => {
    const { last, meeting } = setUp();
    last().welcome();
    last().tell(refused(code, facts));
    expect(meeting.current()).toMatchObject({ phase: 'over', over: code, facts });
  });

  it('is over where nobody new is let in', () => {
    const { last, meeting } = setUp();
    last().welcome();
    last().tell(refused('locked'));
    expect(meeting.current()).toMatchObject({ phase: 'over', over: 'locked' });
  });

  it('waits without connections until it is let in, and again when it is sent back', async () => {
    const { last, meeting, peers, host } = setUp();
    last().welcome();
    const waiting = { type: 'waiting' as const, body: { room, participant: '1', secret: 's' } };
    last().tell(waiting);
    expect(meeting.current()).toMatchObject({ phase: 'waiting', me: '1' });
    expect(host.keepSeat).toHaveBeenLastCalledWith({ participant: '1', secret: 's' });
    meeting.set({ hand: true });
    meeting.react('👍');
    expect(peers.map((peer) => peer.closed)).toEqual([true, true]);
    expect(last().said('state').concat(last().said('react'))).toEqual([]);
    last().tell(joined());
    await settle();
    expect(meeting.current().phase).toBe('in');
    expect(peers.map((peer) => peer.closed)).toEqual([true, true, false, false]);
    last().tell(waiting);
    expect(meeting.current().participants.size).toBe(0);
    expect(peers.every((peer) => peer.closed)).toBe(true);
  });

  it('switches off what a moderator switched off, once', async () => {
    const { last, meeting, host } = await inside();
    meeting.set({ muted: false, camera: true });
    const off = person('1', { muted: true, hushed: true, camera: false, dimmed: true });
    last().tell({ type: 'roster', body: { participants: [off], gone: [] } });
    expect(host.silence.mock.calls).toEqual([['microphone'], ['camera']]);
    // The own switch counts from now on.
    meeting.set({ muted: false });
    expect(last().said('state').at(-1)).toEqual({ muted: false });
    last().tell({ type: 'roster', body: { participants: [{ ...off, name: 'Ann' }], gone: [] } });
    expect(host.silence).toHaveBeenCalledTimes(2);
  });

  it('shows its screen no more when a moderator ends that, until one shares anew', async () => {
    const { last, meeting, host } = await inside();
    meeting.set({ content: true });
    last().tell({ type: 'roster', body: { participants: [person('1', { content: true })], gone: [] } });
    const ended = person('1', { covered: true });
    last().tell({ type: 'roster', body: { participants: [ended], gone: [] } });
    expect(host.silence.mock.calls).toEqual([['screen']]);
    meeting.set({ content: true });
    expect(last().said('state').at(-1)).toEqual({ content: true });
    last().tell({ type: 'roster', body: { participants: [person('1', { content: true })], gone: [] } });
    expect(host.silence).toHaveBeenCalledTimes(1);
  });

  it('says what moderators do, and tells them why it was not done', async () => {
    const { last, meeting } = await inside();
    meeting.moderate('mute', '2');
    meeting.moderate('end');
    expect(last().said('moderate')).toEqual([
      { act: 'mute', participant: '2' },
      { act: 'end', participant: null },
    ]);
    meeting.setPin('4711');
    meeting.setPin('');
    meeting.setWaitingRoom('guests');
    expect(last().said('moderate').slice(2)).toEqual([
      { act: 'set_pin', pin: '4711' },
      { act: 'set_pin', pin: '' },
      { act: 'set_waiting_room', waiting_room: 'guests' },
    ]);
    const body = { request: 'moderate', code: 'conflict' as const, detail: 'they have left' };
    last().tell({ type: 'refused', body });
    expect(meeting.current()).toMatchObject({ phase: 'in', denied: { detail: 'they have left', count: 1 } });
  });

  it('calls people in and knows who does not come', async () => {
    const { meeting, last } = await inside();
    meeting.call(['ann']);
    meeting.call(null);
    meeting.call(Array.from({ length: 101 }, (_, number) => `user-${number}`));
    const said = last().said('call') as { users?: string[]; invited?: boolean }[];
    expect(said.slice(0, 2)).toEqual([{ users: ['ann'] }, { invited: true }]);
    expect(said.slice(2).map(({ users }) => users?.length)).toEqual([100, 1]);
    const people = [{ user: 'ann', name: 'Ann', state: 'declined' as const, at: 1 }];
    last().tell({ type: 'called', body: { people } });
    expect(meeting.current().called).toEqual(people);
    last().tell({ type: 'refused', body: { request: 'call', code: 'conflict', detail: 'too soon' } });
    expect(meeting.current().denied.detail).toBe('too soon');
    meeting.callOff(['ann']);
    meeting.callOff(null);
    expect(last().said('call_off')).toEqual([{ users: ['ann'] }, { all: true }]);
    last().tell({ type: 'refused', body: { request: 'call_off', code: 'forbidden', detail: 'not you' } });
    expect(meeting.current().denied).toEqual({ code: 'forbidden', detail: 'not you', count: 2 });
  });

  it('hears who was removed, and lets them back', async () => {
    const { meeting, last } = await inside();
    const person = { id: '9', name: 'Bob', user: 'bob', guest: false, programs_only: false, at: 1 };
    last().tell({ type: 'removed', body: { count: 1, people: [person] } });
    expect(meeting.current().removed).toEqual({ count: 1, people: [person] });
    meeting.letBack('9');
    expect(last().said('moderate').at(-1)).toMatchObject({ act: 'let_back', participant: '9' });
    last().tell({ type: 'removed', body: { count: 0, people: [] } });
    expect(meeting.current().removed.count).toBe(0);
  });

  it('hears who watches by a program, and removes one', async () => {
    const { meeting, last } = await inside();
    const program = { id: '9', user: 'bob', name: 'Bob', node: 'node-1', since: 1 };
    const body = { count: 1, programs: [program] };
    last().tell({ type: 'watchers', body });
    expect(meeting.current().watchers).toEqual(body);
    expect([...meeting.current().participants.keys()], 'they are no participants').not.toContain('9');
    meeting.moderate('remove_watcher', '9');
    expect(last().said('moderate')).toEqual([{ act: 'remove_watcher', participant: '9' }]);
    last().tell({ type: 'watchers', body: { count: 0, programs: [] } });
    expect(meeting.current().watchers.count).toBe(0);
  });

  it('is invited to the podium and answers', async () => {
    const { meeting, last } = await inside();
    const people = [{ participant: '1', name: 'Ann', state: 'asked' as const, at: 5 }];
    last().tell({ type: 'invitations', body: { people } });
    expect(meeting.current().invitations).toEqual(people);
    meeting.answerInvitation(true);
    expect(last().said('state').at(-1)).toEqual({ invitation: true });
    last().tell({ type: 'refused', body: { request: 'state', code: 'full', detail: 'all are taken' } });
    expect(meeting.current()).toMatchObject({ phase: 'in', denied: { detail: 'all are taken', count: 1 } });
    last().tell({ type: 'invitations', body: { people: [] } });
    expect(meeting.current().invitations).toEqual([]);
  });

  it('gets a layout of its own, and sends one to somebody', async () => {
    const { meeting, last } = await inside();
    const layout = { arrangement: 'alone' as const, pinned: null, locked: true };
    last().tell({ type: 'own_layout', body: { layout } });
    expect(meeting.current().ownLayout).toEqual(layout);
    last().tell({ type: 'own_layout', body: { layout: null } });
    expect(meeting.current().ownLayout).toBeNull();
    meeting.layOut(layout, '2');
    meeting.layOut(layout);
    expect(last().said('moderate')).toEqual([
      { act: 'set_layout_of', participant: '2', layout },
      { act: 'set_layout', participant: null, layout },
    ]);
  });

  it('shows who is on the podium, and in a lecture the lecturers only', () => {
    const people = [
      person('1'),
      person('2', { podium: 5 }),
      person('3', { role: 'owner' }),
      person('4', { waiting: true }),
    ];
    const participants = new Map(people.map((one) => [one.id, one]));
    const stage = (mode: 'all_on_screen' | 'smart' | 'role_based' | 'lecture', me = '1') =>
      onStage({ participants, me, room: { ...room, mode } }).map(({ id }) => id);
    expect(stage('all_on_screen')).toEqual(['1', '2', '3']);
    expect(stage('role_based')).toEqual(['2']);
    expect(stage('smart')).toEqual(['2']);
    participants.set('1', person('1', { content: true }));
    expect(stage('smart')).toEqual(['1', '2']);
    expect(stage('role_based')).toEqual(['2']);
    expect(stage('lecture')).toEqual(['2']);
    expect(stage('lecture', '2')).toEqual(['1', '2', '3']);
    expect(stage('lecture', '3'), 'who moderates sees whom they moderate').toEqual(['1', '2', '3']);
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
    meeting.write({ text: 'unheard' });
    const before = last().said('offer')[1]!.generation as number;
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
    expect(last().said('offer')[1]!.generation).toBe(before + 1);
    expect(last().said('say')).toEqual([{ text: 'unheard' }]);
    expect(last().said('state')).toEqual([]);
    // Pictures of before stay until the new ones are there.
    peers.slice(2).forEach((peer) => peer.ice('connected'));
    vi.advanceTimersByTime(3_000);
    expect(peers.map((peer) => peer.closed)).toEqual([true, true, false, false]);
  });

  it.each([
    ['is lowered while one is away: it stays so', [5, null], [], []],
    ['is raised while one is away: it is said', [null, null], [true], [{ hand: true }]],
    ['is lowered by oneself while one is away: it is said', [5, 5], [false], [{ hand: false }]],
  ] as const)('a hand %s', async (_, [before, after], sets, said) => {
    const { meeting, last } = await inside();
    meeting.set({ hand: before !== null });
    const at = (hand: number | null) => person('1', { hand, muted: false, camera: true });
    last().tell({ type: 'roster', body: { participants: [at(before)], gone: [] } });
    last().end();
    vi.advanceTimersByTime(0);
    for (const hand of sets) meeting.set({ hand });
    last().welcome();
    last().tell(joined({ participants: [at(after)] }));
    await settle();
    expect(last().said('state')).toEqual(said);
  });

  it('comes out of the waiting room without the hand of before', async () => {
    const { meeting, last } = await inside();
    const at = (hand: number | null) => person('1', { hand, muted: false, camera: true });
    meeting.set({ hand: true });
    last().tell({ type: 'roster', body: { participants: [at(5)], gone: [] } });
    const { room } = meeting.current();
    last().tell({ type: 'waiting', body: { room, participant: '1', secret: 's' } });
    last().tell(joined({ participants: [at(null)] }));
    await settle();
    expect(
      last()
        .said('state')
        .filter((one) => 'hand' in one),
    ).toEqual([{ hand: true }]);
  });

  it('stays while media flows, and only opens the socket anew', async () => {
    const { meeting, peers, host, sockets } = await inside();
    for (let tick = 0; tick < 18; tick += 1) {
      peers[0]!.bytes += 1000;
      meeting.tick();
      await vi.advanceTimersByTimeAsync(250);
    }
    expect(host.onMoveOn).not.toHaveBeenCalled();
    expect(sockets).toHaveLength(2);
    expect(sockets[1]!.url).toContain('a.example.com');
  });
});
