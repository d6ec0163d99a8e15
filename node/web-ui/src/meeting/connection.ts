import { Timers } from './timers';
import type { Answer, ConnectionName, LineKind, Offer } from './messages';

/**
 * One of the two peer connections with the node, in generations.
 *
 * ```text
 *                answer, ICE                2 s cut, failed, other network
 *   connecting ─────────────► connected ──────────────────────────────► restarting ──► connected
 *       │ 10 s                    │ `lost`                                  │ 6 s
 *       └──────────► next generation ◄──────────────────────────────────────┘
 * ```
 * The node is ICE-lite and names its candidates in the answer, so that nothing is gathered or trickled here.
 */

export interface Wire {
  create(config: RTCConfiguration): RTCPeerConnection;
  offer(offer: Offer): void;
  /** Whether the node would take an offer now; if not, the next `joined` begins anew. */
  ready(): boolean;
  changed(): void;
}

export type ConnectionState = 'idle' | 'connecting' | 'connected' | 'broken';

export interface Line {
  kind: LineKind;
  transceiver: RTCRtpTransceiver;
}

const BUNDLED = 'max-bundle';
const CUT_MS = 2_000;
const RESTART_MS = 6_000;
const CONNECT_MS = 10_000;
/** The pictures of before stay so long, until those of the new connection are there. */
const RETIRE_MS = 3_000;
const LONGEST_WAIT_MS = 8_000;
/** An offer that was made ahead holds for so long: a computer may have slept meanwhile, or come to another network. */
const AHEAD_MS = 90_000;

/** A connection whose offer is made before it is known where it goes. */
interface Ahead {
  pc: RTCPeerConnection;
  offered: Promise<void>;
  at: number;
}

export abstract class Connection {
  abstract readonly name: ConnectionName;
  state: ConnectionState = 'idle';
  protected pc: RTCPeerConnection | null = null;
  protected lines: Line[] = [];
  private readonly wire: Wire;
  private config: RTCConfiguration = {};
  private before: RTCPeerConnection | null = null;
  private early: Ahead | null = null;
  /** Counts from higher on than a page before this one, which may have had the same place. */
  private generation = Math.floor(Date.now() / 1000);
  private offered = false;
  private again = false;
  private failures = 0;
  private readonly timers = new Timers();

  constructor(wire: Wire) {
    this.wire = wire;
  }

  /** Adds what is to be negotiated. */
  protected abstract prepare(pc: RTCPeerConnection): Line[];
  /** The connection of before is over: nothing of it is shown any more. */
  protected retired() {}
  /** What was prepared last is not used. */
  protected unmade() {}
  protected answered() {}
  protected adapt(sdp: string): string {
    return sdp;
  }

  /** Makes the first offer before there is a place: a browser takes long for it. `anew` if there is one already. */
  ahead(anew = false) {
    if (this.pc || (this.early && !anew && isFresh(this.early))) return;
    this.dropAhead();
    const pc = this.wire.create({ bundlePolicy: BUNDLED });
    this.lines = this.prepare(pc);
    const offered = pc.setLocalDescription();
    offered.catch(() => undefined);
    this.early = { pc, offered, at: Date.now() };
  }

  /** A new connection with the node that one has a place at. */
  open(iceServers: RTCIceServer[]) {
    this.config = { iceServers, bundlePolicy: BUNDLED };
    this.failures = 0;
    this.renew();
  }

  close() {
    this.timers.clear();
    this.retire();
    this.end(this.pc);
    this.dropAhead();
    this.pc = null;
    this.lines = [];
    this.enter('idle');
  }

  async answer({ generation, sdp }: Answer) {
    const pc = this.pc;
    if (!pc || generation !== this.generation || !this.offered) return;
    try {
      await pc.setRemoteDescription({ type: 'answer', sdp: this.adapt(sdp) });
    } catch {
      if (pc === this.pc) this.failed();
      return;
    }
    if (pc !== this.pc) return;
    this.offered = false;
    this.answered();
    if (this.again) void this.negotiate();
  }

  lost(generation: number) {
    if (generation === this.generation) this.failed();
  }

  /** An offer was refused; whose it was is not said. */
  refused() {
    if (this.offered) this.failed();
  }

  /** The way to the node has changed. */
  restart() {
    if (this.early) this.ahead(true);
    if (!this.pc || this.state !== 'connected') return;
    this.pc.restartIce();
    void this.negotiate();
    this.timers.after('restart', RESTART_MS, () => {
      if (!isConnected(this.pc)) this.failed();
    });
  }

  async stats(): Promise<RTCStatsReport | null> {
    return this.pc ? this.pc.getStats() : null;
  }

  protected async negotiate(made?: Promise<void>) {
    const pc = this.pc;
    if (!pc) return;
    this.again = this.offered;
    if (this.offered) return;
    this.offered = true;
    const generation = this.generation;
    try {
      await (made ?? pc.setLocalDescription());
    } catch {
      if (pc === this.pc) this.failed();
      return;
    }
    if (pc !== this.pc || !pc.localDescription) return;
    const lines = this.lines.map(({ kind, transceiver }) => ({ mid: transceiver.mid ?? '', kind }));
    this.wire.offer({ connection: this.name, generation, sdp: pc.localDescription.sdp, lines });
  }

  protected changed() {
    this.wire.changed();
  }

  private renew() {
    this.timers.clear();
    // What never showed anything is not kept in place of what does.
    if (this.state === 'connected' || !this.before) {
      this.retire();
      this.before = this.pc;
    } else {
      this.end(this.pc);
    }
    this.generation += 1;
    this.offered = this.again = false;
    const made = this.takeAhead();
    const pc = made?.pc ?? this.wire.create(this.config);
    this.pc = pc;
    pc.oniceconnectionstatechange = () => {
      if (pc === this.pc) this.follow(pc.iceConnectionState);
    };
    if (!made) this.lines = this.prepare(pc);
    this.enter(this.failures > 1 ? 'broken' : 'connecting');
    this.timers.after('connect', CONNECT_MS, () => this.failed());
    void this.negotiate(made?.offered);
  }

  /** What was made ahead, if it can be used: servers that help to get through must be known before the offer. */
  private takeAhead(): Ahead | null {
    const made = this.early;
    if (made && (!isFresh(made) || this.config.iceServers?.length)) this.dropAhead();
    const good = this.early;
    this.early = null;
    return good;
  }

  private dropAhead() {
    if (!this.early) return;
    this.end(this.early.pc);
    this.early = null;
    this.unmade();
  }

  private follow(ice: RTCIceConnectionState) {
    if (ice === 'connected' || ice === 'completed') {
      this.failures = 0;
      this.timers.forget('cut', 'connect', 'restart');
      this.enter('connected');
      if (this.before) this.timers.after('retire', RETIRE_MS, () => this.retire());
    } else if (ice === 'disconnected') {
      this.timers.after('cut', CUT_MS, () => this.restart());
    } else if (ice === 'failed') {
      if (this.state === 'connected' && !this.timers.has('restart')) this.restart();
      else this.failed();
    }
  }

  /** On to the next generation: at once, then with growing pauses. */
  private failed() {
    this.failures += 1;
    const wait =
      this.failures === 1 ? 0 : Math.min(1_000 * 2 ** Math.min(this.failures - 2, 5), LONGEST_WAIT_MS);
    this.timers.forget('cut', 'connect', 'restart');
    this.timers.after('renew', wait, () => {
      if (this.wire.ready()) this.renew();
    });
  }

  private retire() {
    if (!this.before) return;
    this.end(this.before);
    this.before = null;
    this.retired();
    this.changed();
  }

  private end(pc: RTCPeerConnection | null) {
    if (!pc) return;
    pc.oniceconnectionstatechange = null;
    pc.close();
  }

  private enter(state: ConnectionState) {
    this.state = state;
    this.changed();
  }
}

function isFresh({ at }: Ahead): boolean {
  return Date.now() - at < AHEAD_MS;
}

function isConnected(pc: RTCPeerConnection | null): boolean {
  return pc?.iceConnectionState === 'connected' || pc?.iceConnectionState === 'completed';
}
