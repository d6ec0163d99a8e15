/**
 * The client's end of docs/protocols/signalling.md.
 *
 * ```text
 *           start                welcome                 silence, cut, 4408
 *   stopped ─────► connecting ──────────► open ──────────────► waiting ──► connecting …
 *      ▲                │                   │
 *      └── stop ────────┴──── 4401 4403 4409 4400: ended (tells why, stays closed)
 * ```
 * Messages that were sent are kept until the server acknowledged them and replayed on resume; messages that
 * come twice are handled once. Time, chance and the socket come from outside, so that tests hold them.
 */

import type {
  SignalBeat,
  SignalClientBody,
  SignalHello,
  SignalNumbers,
  SignalServerBody,
  SignalWelcome,
} from '../api/generated/types.gen';

export type SignalState = 'stopped' | 'connecting' | 'open' | 'waiting' | 'ended';
export type EndReason = 'token' | 'right' | 'replaced' | 'defect';

export interface SocketLike {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
}

export interface SignalHost<Out = SignalClientBody, In = SignalServerBody> {
  /** Origin of the node to connect to. */
  url(): string;
  token(): string | null;
  open(url: string): SocketLike;
  random(): number;
  onState(state: SignalState, reason?: EndReason): void;
  /** One message of the server, each exactly once and in order. */
  onMessage(message: In): void;
  /** A new run: what to watch has to be said. `lost`: an earlier run is unknown, load again what is shown. */
  onFresh(lost: boolean): void;
  /** Members of the server, to move on to. */
  onNodes(urls: string[]): void;
  /** The node at `url` could not be reached, or sent us on to `others`. */
  onMoveOn(url: string, others: string[]): void;
  /** The same run goes on after a cut. */
  onResumed?(): void;
  /** Anything came from the server. */
  onHeard?(): void;
  /** Instead of replaying what waited into a new run: `onFresh` has to do with it what is right. */
  onWaiting?(waiting: Out[]): void;
  /**
   * Somebody waits for every moment: pings come from `beat`, silence is judged outside and told by `abandon`,
   * and whatever can be tried at once is tried at once.
   */
  impatient?: boolean;
}

interface Typed {
  type: string;
}
type Numbered<In> = SignalNumbers & In;
type Heard<In> = SignalWelcome | SignalBeat | Numbered<In>;

const HELLO_TIMEOUT_MS = 5_000;
const IMPATIENT_HELLO_MS = 2_000;
const IMPATIENT_WAIT_MS = 2_000;
/** So often an impatient one tries at once before it begins to wait. */
const IMPATIENT_TRIES = 3;
const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 15_000;
const MOST_KEPT = 1_000;

const ENDS: Record<number, EndReason> = { 4400: 'defect', 4401: 'token', 4403: 'right', 4409: 'replaced' };

export class Signal<Out extends Typed = SignalClientBody, In extends Typed = SignalServerBody> {
  private readonly host: SignalHost<Out, In>;
  private socket: SocketLike | null = null;
  private at = '';
  private state: SignalState = 'stopped';
  private resume: string | null = null;
  /** Last message of the server that was handled. */
  private handled = 0;
  /** The last one that the server knows to be handled. */
  private acknowledged = 0;
  private sent = 0;
  private kept: { seq: number; what: Out }[] = [];
  private failures = 0;
  private heartbeat = 10_000;
  private timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(host: SignalHost<Out, In>) {
    this.host = host;
  }

  start() {
    if (this.state === 'stopped' || this.state === 'ended') this.connect();
  }

  stop() {
    this.drop(1000);
    this.forget();
    this.enter('stopped');
  }

  /** Says it now or, if there is no connection, as soon as there is one. */
  say(what: Out) {
    this.sent += 1;
    this.kept.push({ seq: this.sent, what });
    if (this.kept.length > MOST_KEPT) this.kept.shift();
    if (this.state === 'open') this.write(this.sent, what);
  }

  /** The network is back, or the page is looked at again: no reason to wait any longer. */
  hurry() {
    if (this.state === 'waiting') this.connect();
    else if (this.state === 'open') this.ping();
  }

  /** Asks the other end for a sign of life. */
  beat() {
    if (this.state === 'open') this.ping();
  }

  /** The node is lost (`elsewhere`), or only the way to it: connects again at once. */
  abandon(elsewhere: boolean) {
    if (this.state !== 'open' && this.state !== 'connecting') return;
    this.drop();
    if (elsewhere) this.host.onMoveOn(this.at, []);
    this.enter('waiting');
    this.after('connect', 0, () => this.connect());
  }

  private connect() {
    this.drop();
    this.enter('connecting');
    const token = this.host.token();
    if (!token) return this.end('token');
    this.at = this.host.url();
    const socket = this.host.open(`${this.at.replace(/^http/, 'ws')}/api/v1/signal`);
    this.socket = socket;
    socket.onopen = () => {
      const hello: SignalHello = { type: 'hello', v: 1, token, resume: this.resume, last_seq: this.handled };
      socket.send(JSON.stringify(hello));
    };
    socket.onmessage = (event) => this.receive(String(event.data));
    socket.onclose = (event) => this.closed(event.code, event.reason);
    this.after('hello', this.host.impatient ? IMPATIENT_HELLO_MS : HELLO_TIMEOUT_MS, () =>
      this.closed(1006, ''),
    );
  }

  private receive(text: string) {
    let message: Heard<In>;
    try {
      message = JSON.parse(text) as Heard<In>;
    } catch {
      return this.end('defect');
    }
    this.listen();
    if ('resumed' in message) return this.welcome(message);
    this.forgetKept(message.ack);
    if ('seq' in message) this.handle(message);
    else if (message.type === 'ping') this.pong();
  }

  private welcome(message: SignalWelcome) {
    const fresh = !message.resumed;
    const lost = fresh && this.resume !== null;
    clearTimeout(this.timers.get('hello'));
    this.resume = message.resume;
    this.heartbeat = message.heartbeat_ms;
    this.failures = 0;
    if (!fresh) {
      this.forgetKept(message.last_seq);
    } else {
      this.handled = 0;
      this.acknowledged = 0;
      if (this.host.onWaiting) {
        this.host.onWaiting(this.kept.map((one) => one.what));
        this.kept = [];
      }
      this.kept = this.kept.map((one, place) => ({ ...one, seq: place + 1 }));
      this.sent = this.kept.length;
    }
    this.host.onNodes(message.nodes);
    this.enter('open');
    for (const one of this.kept) this.write(one.seq, one.what);
    this.listen();
    if (fresh) this.host.onFresh(lost);
    else this.host.onResumed?.();
  }

  private handle(message: Numbered<In>) {
    if (message.seq <= this.handled) return;
    if (message.seq !== this.handled + 1) {
      // Something between is missing: connecting again replays it.
      return this.closed(4408, '');
    }
    this.handled = message.seq;
    this.after('ack', 500, () => this.acknowledge());
    this.host.onMessage(message);
  }

  private closed(code: number, reason: string) {
    const end = ENDS[code];
    if (end) return this.end(end);
    const failed = this.state === 'connecting';
    this.drop(code === 4408 ? 4408 : undefined);
    if (code === 4503) this.host.onMoveOn(this.at, urlsOf(reason));
    else if (failed) this.host.onMoveOn(this.at, []);
    const wait = this.nextWait();
    this.failures += 1;
    this.enter('waiting');
    this.after('connect', code === 4503 ? 0 : wait * (0.5 + this.host.random() / 2), () => this.connect());
  }

  private nextWait(): number {
    const usual = FIRST_WAIT_MS * 2 ** this.failures;
    if (!this.host.impatient) return Math.min(usual, LONGEST_WAIT_MS);
    return this.failures < IMPATIENT_TRIES ? 0 : Math.min(usual, IMPATIENT_WAIT_MS);
  }

  private end(reason: EndReason) {
    this.drop(1000);
    this.forget();
    this.state = 'ended';
    this.host.onState('ended', reason);
  }

  /** After silence asks whether anybody is there; after three times that gives up. */
  private listen() {
    this.host.onHeard?.();
    if (this.host.impatient) return;
    this.after('silence', this.heartbeat * 3, () => this.closed(4408, ''));
    this.after('ping', this.heartbeat, () => this.ping());
  }

  private ping() {
    this.raw({ type: 'ping', ack: this.handled });
    this.acknowledged = this.handled;
  }

  private pong() {
    this.raw({ type: 'pong', ack: this.handled });
    this.acknowledged = this.handled;
  }

  private acknowledge() {
    if (this.acknowledged < this.handled) this.pong();
  }

  private write(seq: number, what: Out) {
    this.raw({ seq, ack: this.handled, ...what });
    this.acknowledged = this.handled;
  }

  private raw(message: SignalBeat | (SignalNumbers & Out)) {
    if (this.state === 'open') this.socket?.send(JSON.stringify(message));
  }

  private forgetKept(ack: number) {
    this.kept = this.kept.filter((one) => one.seq > ack);
  }

  private forget() {
    this.resume = null;
    this.handled = 0;
    this.acknowledged = 0;
    this.sent = 0;
    this.kept = [];
    this.failures = 0;
  }

  private enter(state: SignalState) {
    this.state = state;
    this.host.onState(state);
  }

  private drop(code?: number) {
    this.timers.forEach(clearTimeout);
    this.timers.clear();
    const socket = this.socket;
    this.socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close(code);
  }

  private after(name: string, ms: number, act: () => void) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(act, ms));
  }
}

function urlsOf(reason: string): string[] {
  try {
    const urls = JSON.parse(reason) as unknown;
    return Array.isArray(urls) ? urls.filter((url) => typeof url === 'string') : [];
  } catch {
    return [];
  }
}
