import { describe, expect, it, vi } from 'vitest';
import { createQueryClient, queries } from '../api/queries';
import { session } from '../api/session';
import type { Contact, Looked, Me, Page, SearchHit, SearchResult, User } from '../api/types';
import { FakeSocket } from '../meeting/testing/fakes';
import { Live, setPartnerPresence, setPresence } from './live';

const person = (id: string) => ({ id, user_id: `${id}@example.com`, presence: 'offline' }) as User;
const pages = <T>(...items: T[]) => ({
  pages: [{ items, total: items.length, next: null } as Page<T>],
  pageParams: [null],
});

function presences(cache: ReturnType<typeof createQueryClient>, key: unknown[]) {
  const data = cache.getQueryData<ReturnType<typeof pages<User>>>(key);
  return data?.pages.flatMap((page) => page.items.map((row) => row.presence));
}

describe('another network', () => {
  const known = () => {
    const cache = createQueryClient();
    for (const { queryKey } of [queries.me(), queries.server()]) cache.setQueryData(queryKey, {} as never);
    const isStale = () =>
      [queries.me(), queries.server()].map(({ queryKey }) => cache.getQueryState(queryKey)?.isInvalidated);
    return { cache, isStale };
  };

  it('may give other rights: they are read again', () => {
    const { cache, isStale } = known();
    const live = new Live(cache);
    expect(isStale()).toEqual([false, false]);
    window.dispatchEvent(new Event('online'));
    expect(isStale()).toEqual([true, true]);
    live.stop();
  });

  it('is found out when a connection that broke is there again, and not at the first', () => {
    const sockets: FakeSocket[] = [];
    vi.stubGlobal('WebSocket', function (url: string) {
      const socket = new FakeSocket(url);
      sockets.push(socket);
      return socket;
    });
    vi.useFakeTimers();
    vi.spyOn(session, 'token').mockReturnValue('plt_x');
    const { cache, isStale } = known();
    const live = new Live(cache);
    live.start({ admin: 'none' } as Me);
    sockets.at(-1)!.welcome();
    expect(live.current().state).toBe('open');
    expect(isStale()).toEqual([false, false]);
    const before = sockets.length;
    sockets.at(-1)!.end();
    // How long it waits is left to chance, and an attempt that nobody answers is given up.
    while (sockets.length === before) vi.advanceTimersByTime(50);
    sockets.at(-1)!.welcome({ resumed: true });
    expect(live.current().state).toBe('open');
    expect(isStale()).toEqual([true, true]);
    live.stop();
    vi.useRealTimers();
    vi.unstubAllGlobals();
    vi.restoreAllMocks();
  });
});

describe('presence', () => {
  it('shows in every list and sheet at once', () => {
    const cache = createQueryClient();
    const all = queries.users({}).queryKey;
    const members = queries.members('g', {}).queryKey;
    const contacts = queries.myContacts({}).queryKey;
    cache.setQueryData(all, pages(person('alice'), person('bob')));
    cache.setQueryData(members, pages(person('alice')));
    cache.setQueryData(contacts, pages({ user_id: 'alice', presence: 'offline' } as Contact));
    cache.setQueryData(queries.user('alice').queryKey, person('alice'));

    setPresence(cache, 'alice', 'online');

    expect(presences(cache, all)).toEqual(['online', 'offline']);
    expect(presences(cache, members)).toEqual(['online']);
    expect(presences(cache, contacts)).toEqual(['online']);
    expect(cache.getQueryData(queries.user('alice').queryKey)?.presence).toBe('online');
  });

  it('shows who is in a call or a conference, and reads lists of those who are again', () => {
    const cache = createQueryClient();
    const contacts = queries.myContacts({}).queryKey;
    const busy = queries.users({ presence: 'in_conference' }).queryKey;
    cache.setQueryData(contacts, pages({ user_id: 'alice', presence: 'online' } as Contact));
    cache.setQueryData(busy, pages(person('bob')));

    setPresence(cache, 'alice', 'owner');
    expect(presences(cache, contacts)).toEqual(['owner']);
    expect(cache.getQueryState(busy)?.isInvalidated).toBe(true);
    setPresence(cache, 'alice', 'in_call');
    expect(presences(cache, contacts)).toEqual(['in_call']);
  });

  it('reads a list of those who are online again, and leaves the whole list as it is', () => {
    const cache = createQueryClient();
    const online = queries.users({ presence: 'online' }).queryKey;
    const all = queries.users({}).queryKey;
    cache.setQueryData(online, pages(person('bob')));
    cache.setQueryData(all, pages(person('bob')));

    setPresence(cache, 'alice', 'online');

    expect(cache.getQueryState(online)?.isInvalidated).toBe(true);
    expect(cache.getQueryState(all)?.isInvalidated).toBe(false);
  });

  it('of people of other servers is shown with them alone, and may be unknown', () => {
    const cache = createQueryClient();
    const contacts = queries.myContacts({}).queryKey;
    const look = queries.look('demo2@oslo.example.net').queryKey;
    const demo2 = 'demo2@oslo.example.net';
    const other = { user_id: null, partner_id: demo2, presence: null } as Contact;
    const here = { user_id: 'demo2@example.com', partner_id: null, presence: 'offline' } as Contact;
    cache.setQueryData(contacts, pages(other, here));
    cache.setQueryData(look, { id: demo2, kind: 'person', presence: null } as Looked);
    cache.setQueryData(queries.person('demo2').queryKey, { id: 'demo2' } as never);
    cache.setQueryData(queries.contactsLike('demo').queryKey, { items: [here] } as never);

    setPartnerPresence(cache, demo2, 'in_call');
    expect(presences(cache, contacts)).toEqual(['in_call', 'offline']);
    expect(cache.getQueryData(look)?.presence).toBe('in_call');

    setPresence(cache, 'demo2', 'online');
    expect(presences(cache, contacts)).toEqual(['in_call', 'online']);
    setPartnerPresence(cache, demo2, null);
    expect(presences(cache, contacts)).toEqual([null, 'online']);
  });

  it('shows beside those who were found', () => {
    const cache = createQueryClient();
    const key = queries.search('demo').queryKey;
    const hit = (call: string, kind = 'user') => ({ kind, call, presence: null }) as SearchHit;
    const demo2 = 'demo2@oslo.example.net';
    const hits = [hit('demo2'), hit(demo2), hit('demo2', 'group')];
    cache.setQueryData(key, { hits } as SearchResult);
    const seen = () => cache.getQueryData(key)?.hits.map(({ presence }) => presence);

    setPresence(cache, 'demo2@example.com', 'online');
    expect(seen()).toEqual(['online', null, null]);
    setPartnerPresence(cache, demo2, 'in_call');
    expect(seen()).toEqual(['online', 'in_call', null]);
    // Their server says nothing any more; the Directory may know it still.
    setPartnerPresence(cache, demo2, null);
    expect(seen()).toEqual(['online', 'in_call', null]);
  });
});
