import { vi } from 'vitest';
import type { SocketLike } from '../../live/signal';
import { Meeting } from '../meeting';
import { emptyMeeting } from '../state';
import type { Joined, MeetingHears, Participant, Seat } from '../messages';

/** Ends that do nothing by themselves: tests say what the node says and what the network does. */

export class FakeSocket implements SocketLike {
  readonly sent: { type: string; body: Record<string, unknown> }[] = [];
  onopen: SocketLike['onopen'] = null;
  onmessage: SocketLike['onmessage'] = null;
  onclose: SocketLike['onclose'] = null;
  closed = false;
  readonly url: string;
  private seq = 0;

  constructor(url: string) {
    this.url = url;
  }
  send(text: string) {
    this.sent.push(JSON.parse(text) as (typeof this.sent)[number]);
  }
  close() {
    this.closed = true;
  }
  end(code = 1006, reason = '') {
    this.onclose?.({ code, reason } as CloseEvent);
  }
  raw(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) } as MessageEvent);
  }
  welcome(more: object = {}) {
    this.onopen?.({} as Event);
    this.raw({
      type: 'welcome',
      v: 1,
      resume: 'r',
      resumed: false,
      last_seq: 0,
      heartbeat_ms: 10_000,
      nodes: [],
      ...more,
    });
  }
  tell(message: MeetingHears) {
    this.seq += 1;
    this.raw({ seq: this.seq, ack: 0, ...message });
  }
  /** What was said of one kind, in order. */
  said(type: string) {
    return this.sent.filter((one) => one.type === type).map((one) => one.body);
  }
}

export class FakeTrack {
  muted = true;
  onunmute: (() => void) | null = null;
  readonly kind: string;
  constructor(kind: string) {
    this.kind = kind;
  }
}

export class FakeSender {
  track: unknown = null;
  parameters: { codecs: { mimeType: string }[]; encodings: { active?: boolean; rid?: string }[] };
  constructor(encodings: { rid?: string }[]) {
    this.parameters = { codecs: [], encodings: encodings.map((one) => ({ ...one, active: true })) };
  }
  async replaceTrack(track: unknown) {
    this.track = track;
  }
  getParameters() {
    return structuredClone(this.parameters);
  }
  async setParameters(parameters: typeof this.parameters) {
    this.parameters = parameters;
  }
}

export class FakePeer {
  readonly transceivers: {
    mid: string | null;
    kind: string;
    direction: string;
    sender: FakeSender;
    receiver: { track: FakeTrack };
  }[] = [];
  localDescription: { sdp: string } | null = null;
  remote: string[] = [];
  iceConnectionState = 'new';
  oniceconnectionstatechange: (() => void) | null = null;
  restarts = 0;
  closed = false;
  bytes = 0;
  readonly config: RTCConfiguration;

  constructor(config: RTCConfiguration) {
    this.config = config;
  }
  addTransceiver(kind: string, init: { direction: string; sendEncodings?: { rid?: string }[] }) {
    const transceiver = {
      mid: null,
      kind,
      direction: init.direction,
      sender: new FakeSender(init.sendEncodings ?? [{}]),
      receiver: { track: new FakeTrack(kind) },
    };
    this.transceivers.push(transceiver);
    return transceiver;
  }
  async setLocalDescription() {
    this.transceivers.forEach((one, place) => (one.mid = String(place)));
    this.localDescription = { sdp: `offer ${this.transceivers.length} restarts ${this.restarts}` };
  }
  async setRemoteDescription({ sdp }: { sdp: string }) {
    if (sdp === 'bad') throw new Error('bad answer');
    this.remote.push(sdp);
  }
  restartIce() {
    this.restarts += 1;
  }
  async getStats() {
    return new Map([['in', { type: 'inbound-rtp', bytesReceived: this.bytes }]]);
  }
  close() {
    this.closed = true;
  }
  ice(state: string) {
    this.iceConnectionState = state;
    this.oniceconnectionstatechange?.();
  }
}

export function person(id: string, more: Partial<Participant> = {}): Participant {
  return {
    id,
    name: `Person ${id}`,
    user: null,
    guest: false,
    via: 'browser',
    node: 'node-1',
    muted: true,
    camera: false,
    content: false,
    hand: null,
    reaction: null,
    joined_at: Number(id),
    away: false,
    role: 'participant',
    waiting: false,
    podium: null,
    pinned: false,
    remark: false,
    hushed: false,
    dimmed: false,
    covered: false,
    asked: null,
    own_layout: false,
    screenless: false,
    ...more,
  };
}

export function joined(more: Partial<Joined> = {}): MeetingHears {
  return {
    type: 'joined',
    body: {
      room: { ...emptyMeeting('demo').room, name: 'Demo' },
      participant: '1',
      secret: 's',
      participants: [person('1'), person('2')],
      chat: [],
      ice_servers: [],
      ...more,
    },
  };
}

/** On the way in. */
export function setUp(seat: Seat | null = null) {
  const all = outside(seat);
  all.meeting.enter({ muted: false, camera: true });
  return all;
}

/** A meeting that nobody has entered. */
export function outside(seat: Seat | null = null) {
  const sockets: FakeSocket[] = [];
  const peers: FakePeer[] = [];
  const urls = ['https://a.example.com', 'https://b.example.com'];
  let at = 0;
  const host = {
    cid: 'demo',
    url: () => urls[at]!,
    token: () => 'token' as string | null,
    open: (url: string) => {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    },
    peer: (config: RTCConfiguration) => {
      const peer = new FakePeer(config);
      peers.push(peer);
      return peer as unknown as RTCPeerConnection;
    },
    random: () => 1,
    now: () => Date.now(),
    onNodes: vi.fn(),
    onMoveOn: vi.fn(() => {
      at = (at + 1) % urls.length;
    }),
    seat: () => seat,
    keepSeat: vi.fn(),
    onCid: vi.fn(),
    silence: vi.fn(),
  };
  const meeting = new Meeting(host);
  return { meeting, host, sockets, peers, last: () => sockets.at(-1)! };
}

/** Lets promises of fakes settle. */
export const settle = () => vi.advanceTimersByTimeAsync(0);

/** In the meeting, with both connections up: the first peer receives, the second publishes. */
export async function inside(seat: Seat | null = null) {
  const all = setUp(seat);
  all.last().welcome();
  all.last().tell(joined());
  await settle();
  for (const offer of all.last().said('offer')) {
    all.last().tell({
      type: 'answer',
      body: {
        connection: offer.connection as 'publish',
        generation: offer.generation as number,
        sdp: 'answer',
      },
    });
  }
  await settle();
  all.peers.forEach((peer) => peer.ice('connected'));
  return all;
}
