import { Signal, type EndReason, type SignalState } from '../live/signal';
import { Heart } from './heart';
import {
  iceServers,
  type Act,
  type ClientMessage,
  type Joined,
  type Layout,
  type MeetingHears,
  type NewLine,
  type OwnState,
  type Participant,
  type Refused,
  type RoomFacts,
  type Seat,
  type ServerMessage,
  type ShownTile,
  type Waiting,
} from './messages';
import { ChatMarks } from './chatMarks';
import { Outbox } from './outbox';
import { ENDS, type MeetingHost } from './host';
import { Publish, type Tracks } from './publish';
import { Receive } from './receive';
import {
  countOf,
  emptyMeeting,
  nobodyWrites,
  NOBODY_REMOVED,
  NO_WATCHERS,
  withLines,
  withQuality,
  withRoster,
  type MeetingState,
  type OverReason,
} from './state';
import { Timers } from './timers';

/**
 * One's place in a meeting: docs/protocols/meeting.md from the client's side. Decides; devices, sockets and
 * timers come from outside.
 *
 * ```text
 *   joining ── joined ──► in ◄── resumed, or `join` with the seat ── reconnecting
 *    │ ▲ │ ▲               │ ▲ waiting: sent back, joined: let in          │
 *    │ │ │ └─ a PIN ── pin │ └──► waiting                                  │
 *    │ └─┘ refused         │ ended, leave                                  │
 *    └────────────────────►└────────────────► over ◄───────────────────────┘
 * ```
 */

const SHOW_MS = 100;
/** Shown tiles, as long as nothing was said. */
const NOTHING = '[]';
const REJOIN_MS = 1_000;
const CALLED_AT_ONCE = 100;
/** Why what one does oneself is not done, where one should hear of it. */
const REFUSED_STATES: ReadonlySet<string> = new Set(['full', 'conflict', 'forbidden', 'zone-right']);
/** What moderators ask for, and what one writes: that it was refused is told. */
const TOLD: ReadonlySet<string> = new Set(['moderate', 'call', 'call_off', 'say', 'edit', 'unsay']);

const isRaised = (one: Participant | undefined) => one !== undefined && one.hand !== null;

export class Meeting {
  readonly publish: Publish;
  readonly receive: Receive;
  private readonly host: MeetingHost;
  private readonly signal: Signal<ClientMessage, ServerMessage>;
  private readonly heart: Heart;
  private readonly listeners = new Set<() => void>();
  private state: MeetingState;
  private seat: Seat | null = null;
  /** `join` was said and not answered yet. */
  private rejoining = false;
  private own: OwnState = { muted: true, camera: false, content: false, hand: false };
  /** What the node was told of that last. */
  private told: OwnState | null = null;
  private tiles: ShownTile[] = [];
  private shown = '';
  private shownAt = -SHOW_MS;
  private followed: string[] = [];
  private readonly timers = new Timers();
  private readonly marks = new ChatMarks({
    now: () => this.host.now(),
    timers: this.timers,
    state: () => this.state,
    say: (message) => this.signal.say(message),
  });
  private readonly outbox = new Outbox({
    timers: this.timers,
    ready: () => this.state.phase === 'in',
    say: (message) => this.signal.say(message),
    changed: (sending) => this.next({ sending }),
  });
  private pin: string | null = null;
  /** The ID by which the conference is found; changes while one is in. */
  private cid: string;

  constructor(host: MeetingHost) {
    this.host = host;
    this.cid = host.cid;
    this.state = emptyMeeting(host.cid);
    const wire = {
      create: (config: RTCConfiguration) => host.peer(config),
      offer: (body: Extract<ClientMessage, { type: 'offer' }>['body']) =>
        this.signal.say({ type: 'offer', body }),
      ready: () => this.state.phase === 'in' || this.state.phase === 'reconnecting',
      changed: () => this.looked(),
    };
    this.publish = new Publish(wire);
    this.receive = new Receive(wire);
    this.signal = new Signal<ClientMessage, ServerMessage>({
      url: () => host.url(),
      token: () => host.token(),
      open: (url) => host.open(url),
      random: () => host.random(),
      impatient: true,
      onState: (state, reason) => this.follow(state, reason),
      onMessage: (message) => this.hear(message as MeetingHears),
      onHeard: () => this.heart.heard(),
      onWaiting: (waiting) => waiting.forEach((one) => one.type === 'say' && this.outbox.waited(one.body)),
      onFresh: () => this.join(),
      onResumed: () => this.resumed(),
      onNodes: (urls) => host.onNodes(urls),
      onMoveOn: (url, others) => host.onMoveOn(url, others),
    });
    this.heart = new Heart({
      now: () => host.now(),
      beat: () => this.signal.beat(),
      received: () => this.receive.received(),
      abandon: (elsewhere) => this.signal.abandon(elsewhere),
    });
  }

  current = (): MeetingState => this.state;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  };

  enter(own: Pick<OwnState, 'muted' | 'camera'>) {
    this.own = { ...this.own, ...own };
    this.seat = this.host.seat();
    this.signal.start();
    this.ahead();
  }

  /** What can be done of connecting before one has a place, and before one asks for it. */
  ahead(anew = false) {
    // Others are seen first, then oneself by them.
    this.receive.ahead(anew);
    this.publish.ahead(anew);
  }

  leave() {
    const { phase } = this.state;
    const hasPlace = phase === 'in' || phase === 'waiting' || phase === 'reconnecting';
    if (hasPlace) this.signal.say({ type: 'leave', body: {} });
    this.finish('left');
  }

  /** The page goes away; the place stays for a while. */
  dispose() {
    this.stop();
    this.listeners.clear();
  }

  tick() {
    this.heart.tick();
  }

  hurry() {
    this.signal.hurry();
    this.publish.restart();
    this.receive.restart();
  }

  send(tracks: Tracks) {
    this.publish.send(tracks);
  }

  set(change: Partial<OwnState>) {
    this.own = { ...this.own, ...change };
    this.tell();
  }

  /** For a conference that asks for it. */
  enterPin(pin: string) {
    this.pin = pin;
    this.next({ phase: 'joining', detail: '', facts: null });
    this.join();
  }

  /** Everybody sees it so, or one alone. */
  layOut(layout: Layout, participant: string | null = null) {
    if (this.state.phase !== 'in') return;
    const act = participant === null ? 'set_layout' : 'set_layout_of';
    this.signal.say({ type: 'moderate', body: { act, participant, layout } });
  }

  moderate(act: Act, participant: string | null = null, minutes?: number) {
    if (this.state.phase === 'in') this.signal.say({ type: 'moderate', body: { act, participant, minutes } });
  }

  /** Who comes from now on enters it; empty: no PIN any more. */
  setPin(pin: string) {
    if (this.state.phase === 'in') this.signal.say({ type: 'moderate', body: { act: 'set_pin', pin } });
  }

  setWaitingRoom(waiting_room: RoomFacts['waiting_room']) {
    if (this.state.phase !== 'in') return;
    this.signal.say({ type: 'moderate', body: { act: 'set_waiting_room', waiting_room } });
  }

  /** Who was removed may come again. */
  letBack(removed: string) {
    this.moderate('let_back', removed);
  }

  /** Has people rung, a bounded number with each message; `null`: everybody who is invited. */
  call(users: string[] | null) {
    if (this.state.phase !== 'in') return;
    if (users === null) return this.signal.say({ type: 'call', body: { invited: true } });
    for (let from = 0; from < users.length; from += CALLED_AT_ONCE)
      this.signal.say({ type: 'call', body: { users: users.slice(from, from + CALLED_AT_ONCE) } });
  }

  /** It rings no more at these; `null`: at nobody. */
  callOff(users: string[] | null) {
    if (this.state.phase !== 'in') return;
    this.signal.say({ type: 'call_off', body: users === null ? { all: true } : { users } });
  }

  /** Asks for a page of all who are in; it comes as `listed`. */
  list(find: string, from: number) {
    if (this.state.phase === 'in') this.signal.say({ type: 'list', body: { find, from } });
  }

  /** Whom one wants to hear of in any case. */
  hearOf(participants: string[]) {
    if (participants.join() === this.followed.join()) return;
    this.followed = participants;
    if (this.state.phase === 'in') this.signal.say({ type: 'follow', body: { participants } });
  }

  leavePodium() {
    if (this.state.phase === 'in') this.signal.say({ type: 'state', body: { podium: false } });
  }

  /** To come to the podium, or not. */
  answerInvitation(accepts: boolean) {
    if (this.state.phase === 'in') this.signal.say({ type: 'state', body: { invitation: accepts } });
  }

  react(reaction: string) {
    if (this.state.phase === 'in') this.signal.say({ type: 'react', body: { reaction } });
  }

  write(line: NewLine) {
    this.outbox.write(line);
  }

  /** A line that was not said is sent once more, or given up. */
  writeAgain = (key: string) => this.outbox.again(key);
  giveUp = (key: string) => this.outbox.drop(key);

  edit(line: string, text: string, mentions: string[]) {
    if (this.state.phase === 'in') this.signal.say({ type: 'edit', body: { line, text, mentions } });
  }

  unsay(line: string) {
    if (this.state.phase === 'in') this.signal.say({ type: 'unsay', body: { line } });
  }

  /** Lines from before those that are here; they come one page at a time. */
  askEarlier = () => this.marks.askEarlier();

  /** One is writing a line. */
  writes = () => this.marks.writes();

  /** One has seen the chat up to this line. */
  read = (line: string) => this.marks.read(line);

  /** What is shown from now on, the most important first. */
  show(tiles: ShownTile[]) {
    this.tiles = tiles;
    // The first change is told at once, those soon after it together.
    const wait = Math.max(0, this.shownAt + SHOW_MS - this.host.now());
    this.timers.after('show', wait, () => this.tellShown());
  }

  private join() {
    const { muted, camera } = this.own;
    this.told = null;
    this.rejoining = true;
    // Nothing is heard or seen until one is in again.
    if (this.state.phase === 'in') this.next({ phase: 'reconnecting' });
    this.signal.say({
      type: 'join',
      body: { room: this.cid, muted, camera, resume: this.seat, pin: this.pin ?? undefined },
    });
  }

  private hear(message: MeetingHears) {
    switch (message.type) {
      case 'joined':
        return this.joined(message.body);
      case 'waiting':
        return this.waiting(message.body);
      case 'refused':
        return this.refused(message.body);
      case 'answer':
        return void this[message.body.connection].answer(message.body);
      case 'lost':
        return this[message.body.connection].lost(message.body.generation);
      case 'slots':
        return this.receive.fill(message.body.slots);
      case 'layers':
        this.publish.limit(message.body.kind, message.body.highest);
        return this.looked();
      case 'ended':
        return this.finish(message.body.reason);
      default:
        return this.learn(message);
    }
  }

  private learn(message: MeetingHears) {
    const { participants, chat, quality } = this.state;
    if (message.type === 'roster') {
      const { participants: changed, gone } = message.body;
      const mine = changed.find((one) => one.id === this.state.me);
      if (mine) this.obey(mine, participants.get(mine.id));
      const next = withRoster(participants, changed, gone);
      this.next({ participants: next, counts: message.body.counts ?? countOf(next) });
    } else if (message.type === 'listed') {
      this.next({ listed: message.body });
    } else if (message.type === 'called') {
      this.next({ called: message.body.people });
    } else if (message.type === 'watchers') {
      this.next({ watchers: message.body });
    } else if (message.type === 'removed') {
      this.next({ removed: message.body });
    } else if (message.type === 'invitations') {
      this.next({ invitations: message.body.people });
    } else if (message.type === 'own_layout') {
      this.next({ ownLayout: message.body.layout });
    } else if (message.type === 'room') {
      this.know(message.body);
      this.next({ room: message.body });
    } else if (message.type === 'speaking') {
      this.next({ speaking: message.body.participants });
    } else if (message.type === 'quality') {
      this.next({ kbps: message.body.kbps, quality: withQuality(quality, message.body.slots) });
    } else if (message.type === 'chat_earlier') {
      this.next({ chat: withLines(chat, message.body.lines), earlier: message.body.more });
    } else if (message.type === 'writing') {
      this.next({ writing: message.body });
    } else if (message.type === 'readers') {
      this.next({ reads: message.body.up_to.map(Number) });
    } else if (message.type === 'chat' || message.type === 'chat_changed') {
      this.outbox.heard(message.body.lines);
      this.next({ chat: withLines(chat, message.body.lines) });
    }
  }

  /** Others find the conference by another ID now: so does whoever comes back from here. */
  private know({ cid, quality }: RoomFacts) {
    this.publish.bound(quality);
    if (cid === this.cid) return;
    this.cid = cid;
    this.host.onCid(cid);
    this.host.keepSeat(this.seat);
  }

  /** A moderator has switched something off here: so it is, until one switches it on oneself. */
  private obey(now: Participant, before: Participant | undefined) {
    this.followHand(now, before);
    if (now.hushed && !before?.hushed) {
      this.own.muted = true;
      if (this.told) this.told.muted = true;
      this.host.silence('microphone');
    }
    if (now.dimmed && !before?.dimmed) {
      this.own.camera = false;
      if (this.told) this.told.camera = false;
      this.host.silence('camera');
    }
    const ended = (now.covered && !before?.covered) || (now.screenless && !before?.screenless);
    if (ended && this.own.content) {
      this.own.content = false;
      if (this.told) this.told.content = false;
      this.host.silence('screen');
    }
  }

  /** The server lowers a hand, too: for a place, by a moderator. What one has not said yet goes on. */
  private followHand(now: Participant, before: Participant | undefined) {
    const raised = isRaised(now);
    if (!this.told || raised === isRaised(before)) return;
    if (this.own.hand === this.told.hand) this.own.hand = raised;
    this.told.hand = raised;
  }

  /** In the waiting room, from the beginning or sent back: nothing flows, and nothing of the meeting is kept. */
  private waiting({ room, participant: me, secret }: Waiting) {
    this.rejoining = false;
    this.seat = { participant: me, secret };
    this.host.keepSeat(this.seat);
    this.know(room);
    this.publish.close();
    this.receive.close();
    this.own.hand = false;
    const counts = { inside: 0, waiting: 0 };
    this.next({
      phase: 'waiting',
      room,
      me,
      participants: new Map(),
      counts,
      listed: null,
      called: [],
      watchers: NO_WATCHERS,
      removed: NOBODY_REMOVED,
      invitations: [],
      ownLayout: null,
      speaking: [],
      chat: [],
      earlier: false,
      writing: nobodyWrites,
      reads: [],
    });
  }

  private joined(body: Joined) {
    const { participant: me, secret, participants, room } = body;
    this.rejoining = false;
    this.seat = { participant: me, secret };
    this.host.keepSeat(this.seat);
    this.know(room);
    const mine = participants.find((one) => one.id === me);
    if (mine) {
      // What the server did to the hand meanwhile counts, unless one did something to it that nobody has seen yet.
      const { me: place, participants: known } = this.state;
      const before = place === null ? undefined : known.get(place);
      if (!before || this.own.hand === isRaised(before)) this.own.hand = isRaised(mine);
      this.told = {
        muted: mine.muted,
        camera: mine.camera,
        content: mine.content,
        hand: isRaised(mine),
      };
      this.obey(mine, undefined);
    }
    const all = withRoster(new Map(), participants, []);
    this.next({
      phase: 'in',
      room,
      me,
      participants: all,
      counts: body.counts ?? countOf(all),
      called: [],
      watchers: NO_WATCHERS,
      removed: NOBODY_REMOVED,
      invitations: [],
      ownLayout: null,
      speaking: [],
      quality: new Map(),
      run: body.run ?? null,
      chat: withLines(this.state.chat, body.chat),
      earlier: this.state.chat.length > 0 ? this.state.earlier : body.earlier === true,
      writing: nobodyWrites,
    });
    this.marks.joined(body.earlier !== undefined);
    this.shown = '';
    const servers = iceServers(body);
    this.receive.open(servers);
    this.publish.open(servers);
    const followed = this.followed;
    if (followed.length > 0) this.signal.say({ type: 'follow', body: { participants: followed } });
    this.tell();
    this.tellShown();
    this.outbox.joined(body.run != null, body.chat);
  }

  private refused({ request, code, detail, key, left, minutes, full }: Refused) {
    // What is only not said yet is sent again, and nobody needs to know.
    if (key && !this.outbox.refused(key, code, detail) && code !== 'not-joined') return;
    if (request === 'offer') {
      this.publish.refused();
      this.receive.refused();
    } else if (request === 'earlier') {
      this.marks.refused();
    } else if (
      (TOLD.has(request) && code !== 'not-joined') ||
      (request === 'state' && REFUSED_STATES.has(code))
    ) {
      this.next({ denied: { code, detail, count: this.state.denied.count + 1 } });
    } else if (code === 'not-joined') {
      // The node has forgotten this place.
      this.timers.after('join', REJOIN_MS, () => this.join());
    } else if (request === 'join') {
      if (code === 'unavailable' || code === 'too-fast') {
        this.timers.after('join', REJOIN_MS, () => this.join());
      } else if (this.seat) {
        // The place was given up meanwhile: a new one, if there is any.
        this.seat = null;
        this.join();
      } else if (code === 'pin-needed' || code === 'wrong-pin') {
        this.pin = null;
        this.next({ phase: 'pin', facts: code === 'wrong-pin' ? { left } : null });
      } else {
        this.next({ facts: { minutes, full } });
        this.finish(code, detail);
      }
    }
  }

  private tell() {
    if (this.state.phase !== 'in') return;
    const told = this.told;
    const change = Object.fromEntries(
      Object.entries(this.own).filter(([name, value]) => told?.[name as keyof OwnState] !== value),
    );
    this.told = { ...this.own };
    if (Object.keys(change).length > 0) this.signal.say({ type: 'state', body: change });
  }

  private tellShown() {
    const text = JSON.stringify(this.tiles);
    if (this.state.phase !== 'in' || text === (this.shown || NOTHING)) return;
    this.shown = text;
    this.shownAt = this.host.now();
    this.receive.grow(this.tiles.filter(({ kind }) => kind === 'video').length);
    this.signal.say({ type: 'show', body: { tiles: this.tiles } });
  }

  private follow(state: SignalState, reason?: EndReason) {
    this.heart.set(state === 'open');
    if (state === 'ended') this.finish(reason ? ENDS[reason] : 'defect');
    else if (state === 'waiting' && this.state.phase === 'in') this.next({ phase: 'reconnecting' });
    // A new run of the signalling asks again; the place in the waiting room is the same.
  }

  /** The same run goes on; a fresh one says `join` and gets here by `joined`. */
  private resumed() {
    if (this.state.phase !== 'reconnecting' || this.rejoining) return;
    this.next({ phase: 'in' });
    this.tell();
    this.tellShown();
    this.outbox.flush();
  }

  private looked() {
    const broken = this.publish.state === 'broken' || this.receive.state === 'broken';
    this.next({ pictures: this.state.pictures + 1, mediaBroken: broken });
  }

  private finish(over: OverReason, detail = '') {
    if (this.state.phase === 'over') return;
    this.host.keepSeat(null);
    this.next({ phase: 'over', over, detail });
    this.stop();
  }

  private stop() {
    this.timers.clear();
    this.heart.set(false);
    this.publish.close();
    this.receive.close();
    this.signal.stop();
  }

  private next(change: Partial<MeetingState>) {
    this.state = { ...this.state, ...change };
    this.listeners.forEach((listener) => listener());
  }
}
