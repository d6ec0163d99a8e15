import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { SignalClientBody, SignalTopic } from '../api/generated/types.gen';
import { Signal, type SocketLike } from './signal';

class Socket implements SocketLike {
  readonly sent: Record<string, unknown>[] = [];
  closed: number | undefined | null = null;
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  readonly url: string;

  constructor(url: string) {
    this.url = url;
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(code?: number) {
    this.closed = code;
  }
  hear(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
  end(code: number, reason = '') {
    this.onclose?.({ code, reason } as CloseEvent);
  }
  welcome(more: object = {}) {
    this.onopen?.({} as Event);
    this.hear({
      type: 'welcome',
      v: 1,
      resume: 'r1',
      resumed: false,
      last_seq: 0,
      heartbeat_ms: 10_000,
      nodes: [],
      ...more,
    });
  }
}

const watch = (topic: SignalTopic): SignalClientBody => ({ type: 'watch', body: { topics: [topic] } });

function setUp(more: object = {}) {
  const sockets: Socket[] = [];
  const host = {
    url: () => 'https://a.example.com',
    token: () => 'token' as string | null,
    open: (url: string) => {
      const socket = new Socket(url);
      sockets.push(socket);
      return socket;
    },
    random: () => 1,
    onState: vi.fn(),
    onMessage: vi.fn(),
    onFresh: vi.fn(),
    onNodes: vi.fn(),
    onMoveOn: vi.fn(),
    ...more,
  };
  const signal = new Signal(host);
  signal.start();
  return { host, signal, sockets, last: () => sockets.at(-1)! };
}

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

describe('the signalling client', () => {
  it('says hello first, and then what waited for the connection', () => {
    const { signal, last } = setUp();
    signal.say(watch('users'));
    expect(last().url).toBe('wss://a.example.com/api/v1/signal');
    expect(last().sent).toEqual([]);
    last().welcome();
    expect(last().sent).toEqual([
      { type: 'hello', v: 1, token: 'token', resume: null, last_seq: 0 },
      { seq: 1, ack: 0, type: 'watch', body: { topics: ['users'] } },
    ]);
  });

  it('resumes after a cut and replays what the server has not handled', () => {
    const { host, signal, last, sockets } = setUp();
    last().welcome();
    signal.say(watch('users'));
    signal.say(watch('groups'));
    last().hear({ seq: 1, ack: 1, type: 'changed', body: {} });
    last().end(1006);
    vi.advanceTimersByTime(500);
    expect(sockets).toHaveLength(2);
    last().welcome({ resumed: true, last_seq: 1 });
    expect(last().sent[0]).toMatchObject({ type: 'hello', resume: 'r1', last_seq: 1 });
    expect(
      last()
        .sent.slice(1)
        .map(({ seq, body }) => [seq, body]),
    ).toEqual([[2, { topics: ['groups'] }]]);
    expect(host.onFresh).toHaveBeenCalledTimes(1);
  });

  it('handles a message that comes twice once', () => {
    const { host, last } = setUp();
    last().welcome();
    last().hear({ seq: 1, ack: 0, type: 'changed', body: { topic: 'users' } });
    last().hear({ seq: 1, ack: 0, type: 'changed', body: { topic: 'users' } });
    expect(host.onMessage).toHaveBeenCalledTimes(1);
  });

  it('connects again when a message between is missing', () => {
    const { host, last, sockets } = setUp();
    last().welcome();
    last().hear({ seq: 2, ack: 0, type: 'changed', body: {} });
    expect(host.onMessage).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
  });

  it('tells that the earlier run is lost, so that all is read again', () => {
    const { host, last } = setUp();
    last().welcome();
    last().end(1006);
    vi.advanceTimersByTime(1_000);
    last().welcome({ resume: 'r2', resumed: false });
    expect(host.onFresh.mock.calls).toEqual([[false], [true]]);
  });

  it.each([
    [4400, 'defect'],
    [4401, 'token'],
    [4403, 'right'],
    [4409, 'replaced'],
  ])('stays closed after %i: %s', (code, reason) => {
    const { host, last, sockets } = setUp();
    last().welcome();
    last().end(code);
    vi.advanceTimersByTime(60_000);
    expect(sockets).toHaveLength(1);
    expect(host.onState).toHaveBeenLastCalledWith('ended', reason);
  });

  it('goes where a node that is taken out of service sends it, at once', () => {
    const { host, last, sockets } = setUp();
    last().welcome();
    last().end(4503, '["https://b.example.com"]');
    expect(host.onMoveOn).toHaveBeenCalledWith('https://a.example.com', ['https://b.example.com']);
    vi.advanceTimersByTime(0);
    expect(sockets).toHaveLength(2);
  });

  it('asks after silence and gives up after three times that', () => {
    const { last, sockets } = setUp();
    last().welcome();
    vi.advanceTimersByTime(10_000);
    expect(last().sent.at(-1)).toEqual({ type: 'ping', ack: 0 });
    vi.advanceTimersByTime(20_000);
    expect(sockets[0]!.closed).toBe(4408);
    vi.advanceTimersByTime(1_000);
    expect(sockets).toHaveLength(2);
  });

  it('leaves a node that does not answer', () => {
    const { host, last } = setUp();
    last().end(1006);
    expect(host.onMoveOn).toHaveBeenCalledWith('https://a.example.com', []);
  });
});

describe('an impatient signalling client', () => {
  it('leaves beats and the judgement of silence to others', () => {
    const { signal, last, sockets } = setUp({ impatient: true });
    last().welcome();
    vi.advanceTimersByTime(60_000);
    expect(sockets[0]!.closed).toBeNull();
    expect(last().sent).toHaveLength(1);
    signal.beat();
    expect(last().sent.at(-1)).toEqual({ type: 'ping', ack: 0 });
  });

  it('tries again at once, and elsewhere where the node is lost', () => {
    const { host, signal, last, sockets } = setUp({ impatient: true });
    last().welcome();
    last().end(1006);
    vi.advanceTimersByTime(0);
    expect(sockets).toHaveLength(2);
    expect(host.onMoveOn).not.toHaveBeenCalled();
    last().welcome({ resumed: true });
    signal.abandon(true);
    vi.advanceTimersByTime(0);
    expect(host.onMoveOn).toHaveBeenCalledTimes(1);
    expect(sockets).toHaveLength(3);
    expect(sockets[1]!.closed).not.toBeNull();
  });

  it('does not wait long for a node that says nothing, and waits between tries only later', () => {
    const { host, sockets } = setUp({ impatient: true });
    vi.advanceTimersByTime(2_000);
    expect(host.onMoveOn).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(4_010);
    expect(sockets).toHaveLength(4);
    vi.advanceTimersByTime(2_500);
    expect(sockets).toHaveLength(4);
  });

  it('hands what a lost run has not handled to its owner instead of replaying it', () => {
    const onWaiting = vi.fn();
    const { signal, last } = setUp({ impatient: true, onWaiting });
    last().welcome();
    signal.say(watch('users'));
    last().end(1006);
    vi.advanceTimersByTime(0);
    last().welcome({ resume: 'r2', resumed: false });
    expect(onWaiting).toHaveBeenLastCalledWith([watch('users')]);
    expect(last().sent).toHaveLength(1);
  });
});
