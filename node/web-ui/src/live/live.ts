import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import type { SignalServerBody, SignalTopic } from '../api/generated/types.gen';
import { nodes } from '../api/nodes';
import { session } from '../api/session';
import { seen } from '../api/transport';
import type { Contact, Looked, Me, Page, Presence, SearchHit, SearchResult, UserQuery } from '../api/types';
import { onOtherNetwork } from './network';
import { Signal, type EndReason, type SignalState, type SocketLike } from './signal';

/** Keeps what pages show true: what the server says to have changed is read again. */

export interface LiveState {
  state: SignalState;
  reason?: EndReason;
}

/** `me` is a user too, but is read under a key of its own. */
const adminTopics = Object.keys({
  users: true,
  groups: true,
  aliases: true,
  settings: true,
  events: true,
  sessions: true,
  contacts: true,
  conferences: true,
  calls: true,
  cluster: true,
  licensing: true,
} satisfies Record<SignalTopic, true>) as SignalTopic[];
const userTopics: SignalTopic[] = ['sessions', 'contacts', 'conferences', 'calls'];

type Changed = Extract<SignalServerBody, { type: 'changed' }>['body'];

export class Live {
  private readonly cache: QueryClient;
  private readonly signal: Signal;
  private readonly listeners = new Set<() => void>();
  private now: LiveState = { state: 'stopped' };
  private topics = userTopics;
  private wasOpen = false;

  constructor(cache: QueryClient) {
    this.cache = cache;
    this.signal = new Signal({
      url: () => nodes.current(),
      token: () => session.token(),
      open: (url) => new WebSocket(url) as unknown as SocketLike,
      random: Math.random,
      onState: (state, reason) => this.enter(state, reason),
      onMessage: (message) => this.hear(message),
      onFresh: (lost) => {
        this.watch();
        if (lost) void cache.invalidateQueries();
      },
      onNodes: (urls) => nodes.learn(urls),
      onMoveOn: (url, others) => (others.length > 0 ? nodes.moveTo(others) : nodes.moveOn(url)),
    });
    onOtherNetwork(() => {
      this.signal.hurry();
      this.fromElsewhere();
    });
    document.addEventListener('visibilitychange', () => document.hidden || this.signal.hurry());
  }

  start(me: Me) {
    const topics = me.admin === 'none' ? userTopics : adminTopics;
    const other = topics !== this.topics;
    this.topics = topics;
    if (other && this.now.state === 'open') this.watch();
    this.signal.start();
  }

  private watch() {
    this.signal.say({ type: 'watch', body: { topics: this.topics } });
  }

  stop() {
    this.signal.stop();
  }

  current = (): LiveState => this.now;

  subscribe = (listener: () => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private enter(state: SignalState, reason?: EndReason) {
    // Where a connection broke the device may have come to another network since.
    if (state === 'open' && this.wasOpen && this.now.state !== 'open') this.fromElsewhere();
    this.wasOpen ||= state === 'open';
    this.now = { state, reason };
    if (reason === 'token') session.end();
    this.listeners.forEach((listener) => listener());
  }

  /** Which rights count, and whether the control panel is open, depends on the network. */
  private fromElsewhere() {
    for (const key of ['me', 'server']) void this.cache.invalidateQueries({ queryKey: [key] });
  }

  private hear({ type, body }: SignalServerBody) {
    if (type === 'changed') this.changed(body);
    else if (type === 'presence') setPresence(this.cache, body.user, body.presence as Presence);
    else if (type === 'partner_presence')
      setPartnerPresence(this.cache, body.user, body.presence as Presence | null);
  }

  private changed({ topic, object, index }: Changed) {
    // Read again at any node, the answer must not be older than the change that was told.
    seen.see(index);
    const me = this.cache.getQueryData<Me>(['me']);
    // Administrators hear of everybody's.
    if (topic === 'calls' && object && object !== me?.id) return;
    const stale = (key: string[]) => void this.cache.invalidateQueries({ queryKey: key });
    if (topic === 'users' && object) {
      stale(['users', 'list']);
      stale(['users', 'once']);
      stale(['users', 'one', object]);
      stale(['groups', 'members']);
    } else {
      stale([topic]);
    }
    // Groups and zones say which rights one has.
    const mine =
      (topic === 'users' && (!object || object === me?.id)) || topic === 'groups' || topic === 'settings';
    if (mine) stale(['me']);
    if (topic === 'settings') stale(['server']);
    // Other servers' invitations have times, too; and who is met no more invites nobody.
    if (topic === 'calls') stale(['conferences', 'agenda']);
    if (topic === 'settings' || topic === 'licensing') stale(['calls', 'invitations']);
  }
}

/** Shows somebody's presence in all lists and sheets without asking for them again. */
export function setPresence(cache: QueryClient, user: string, presence: Presence) {
  const now = <T extends Account>(row: T): T =>
    isOf(row, user) && row.presence !== presence ? { ...row, presence } : row;
  const inPage = <T extends Account>(page: Page<T>): Page<T> => ({ ...page, items: page.items.map(now) });
  for (const queryKey of [
    ['contacts', 'mine'],
    ['users', 'list'],
    ['groups', 'members'],
  ]) {
    cache.setQueriesData<InfiniteData<Page<Account>>>(
      { queryKey },
      (data) => data && { ...data, pages: data.pages.map(inPage) },
    );
  }
  cache.setQueriesData<Account>({ queryKey: ['users', 'one'] }, (data) => data && now(data));
  cache.setQueriesData<Account>({ queryKey: ['me'] }, (data) => data && now(data));
  // Who is called without a server is of this one.
  const isFound = ({ call }: SearchHit) => call === shortId(user);
  setFound(cache, (hit) => (isFound(hit) ? { ...hit, presence } : hit));
  // Who belongs into a list of those who are online has changed.
  void cache.invalidateQueries({
    queryKey: ['users', 'list'],
    predicate: ({ queryKey }) => !!(queryKey[2] as UserQuery | undefined)?.presence,
  });
}

/** The same of somebody of another server; null where it is not known any more. */
export function setPartnerPresence(cache: QueryClient, user: string, presence: Presence | null) {
  const now = (row: Contact): Contact => (row.partner_id === user ? { ...row, presence } : row);
  cache.setQueriesData<InfiniteData<Page<Contact>>>(
    { queryKey: ['contacts', 'mine'] },
    (data) => data && { ...data, pages: data.pages.map((page) => ({ ...page, items: page.items.map(now) })) },
  );
  cache.setQueriesData<Looked>(
    { queryKey: ['contacts', 'look'] },
    (data) => data && (data.id === user && data.kind === 'person' ? { ...data, presence } : data),
  );
  // What the Directory said of somebody holds where their server says nothing.
  if (presence !== null) setFound(cache, (hit) => (hit.call === user ? { ...hit, presence } : hit));
}

/** Changes people among those who were found. */
function setFound(cache: QueryClient, now: (hit: SearchHit) => SearchHit) {
  const people = (hit: SearchHit) => (hit.kind === 'user' ? now(hit) : hit);
  cache.setQueriesData<SearchResult>(
    { queryKey: ['contacts', 'search'] },
    (data) => data && { ...data, hits: data.hits.map(people) },
  );
}

type Account = Pick<Contact, 'user_id' | 'presence'>;

/** The API names the account of a row by its short or its full ID. */
function isOf(row: Account, user: string): boolean {
  return !!row.user_id && (row.user_id === user || shortId(row.user_id) === shortId(user));
}

const shortId = (id: string) => id.split('@')[0];
