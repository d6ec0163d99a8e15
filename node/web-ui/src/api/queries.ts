import {
  infiniteQueryOptions,
  keepPreviousData,
  QueryClient,
  queryOptions,
  type QueryKey,
} from '@tanstack/react-query';
import { calls } from './calls';
import { Problem } from './problem';
import type {
  CallQuery,
  ConferenceQuery,
  EventQuery,
  FoundKind,
  ListQuery,
  Page,
  PageQuery,
  SeatQuery,
  TemplateQuery,
  UserQuery,
} from './types';

/** What pages read, each under a key that starts with the topic whose changes make it stale. */

/** The transport repeats what is worth repeating, so that here nothing is. */
export function createQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) => error instanceof Problem && error.code === 'network' && failures < 2,
        networkMode: 'always',
      },
      mutations: { retry: false, networkMode: 'always' },
    },
  });
}

function pages<T, Q extends PageQuery>(
  key: QueryKey,
  query: Q,
  load: (query: Q, signal: AbortSignal) => Promise<Page<T>>,
  limit = 100,
) {
  return infiniteQueryOptions({
    queryKey: [...key, query],
    initialPageParam: null as string | null,
    queryFn: ({ pageParam, signal }) => load({ ...query, cursor: pageParam ?? undefined, limit }, signal),
    getNextPageParam: (last) => last.next,
    placeholderData: keepPreviousData,
  });
}

export const queries = {
  server: () =>
    queryOptions({ queryKey: ['server'], queryFn: ({ signal }) => calls.server(signal), staleTime: 60_000 }),
  me: () => queryOptions({ queryKey: ['me'], queryFn: ({ signal }) => calls.me(signal), staleTime: 60_000 }),
  passwordPolicy: () =>
    queryOptions({
      queryKey: ['settings', 'password-policy'],
      queryFn: ({ signal }) => calls.passwordPolicy(signal),
    }),
  myDevices: () =>
    queryOptions({ queryKey: ['sessions', 'mine'], queryFn: ({ signal }) => calls.myDevices(signal) }),
  /** Contacts that have this in their name, call string or email; those of one account are among the first. */
  contactsLike: (search: string) =>
    queryOptions({
      queryKey: ['contacts', 'like', search],
      queryFn: ({ signal }) => calls.myContacts({ search, limit: 100 }, signal),
    }),
  myContacts: (query: ListQuery) => pages(['contacts', 'mine'], query, calls.myContacts),

  person: (user: string) =>
    queryOptions({
      queryKey: ['contacts', 'person', user],
      queryFn: ({ signal }) => calls.person(user, signal),
    }),
  /** People, groups and conferences of all servers. Not kept for long: presence changes. */
  search: (words: string, kind?: FoundKind) =>
    queryOptions({
      queryKey: ['contacts', 'search', words.toLowerCase(), kind],
      queryFn: ({ signal }) => calls.search(words, kind, signal),
      staleTime: 5_000,
      gcTime: 30_000,
    }),
  /** How it stands with it changes without a change of the settings. */
  directory: () =>
    queryOptions({
      queryKey: ['settings', 'directory'],
      queryFn: ({ signal }) => calls.directory(signal),
      refetchInterval: 3_000,
    }),
  /** What their tunnels carry changes without a change of the settings. */
  borderControllers: () =>
    queryOptions({
      queryKey: ['settings', 'border-controllers'],
      queryFn: ({ signal }) => calls.borderControllers(signal),
      refetchInterval: 5_000,
    }),
  /** What a name of another server is. */
  look: (call: string) =>
    queryOptions({
      queryKey: ['contacts', 'look', call.toLowerCase()],
      queryFn: ({ signal }) => calls.look(call, signal),
      staleTime: 60_000,
      retry: false,
    }),
  /** What may be done with people of another server. */
  mayMeet: (server: string) =>
    queryOptions({
      queryKey: ['partners', 'mayMeet', server],
      queryFn: ({ signal }) => calls.mayMeet(server, signal),
      staleTime: 10_000,
      retry: false,
    }),

  users: (query: UserQuery) => pages(['users', 'list'], query, calls.users),
  usersOnce: (query: UserQuery) =>
    queryOptions({
      queryKey: ['users', 'once', query],
      queryFn: ({ signal }) => calls.users(query, signal),
      placeholderData: keepPreviousData,
    }),
  user: (user: string) =>
    queryOptions({ queryKey: ['users', 'one', user], queryFn: ({ signal }) => calls.user(user, signal) }),
  userDevices: (user: string) =>
    queryOptions({ queryKey: ['sessions', user], queryFn: ({ signal }) => calls.userDevices(user, signal) }),
  userContacts: (user: string, query: ListQuery) =>
    pages(['contacts', user], query, (q, signal) => calls.userContacts(user, q, signal)),

  groups: (query: ListQuery) => pages(['groups', 'list'], query, calls.groups),
  /** For choosing: all of them, 500 at a time. */
  allGroups: () =>
    queryOptions({
      queryKey: ['groups', 'all'],
      queryFn: async ({ signal }) => {
        const found = [];
        let cursor: string | undefined;
        do {
          const page = await calls.groups({ sort: 'name', limit: 500, cursor }, signal);
          found.push(...page.items);
          cursor = page.next ?? undefined;
        } while (cursor);
        return found;
      },
    }),
  group: (group: string) =>
    queryOptions({ queryKey: ['groups', 'one', group], queryFn: ({ signal }) => calls.group(group, signal) }),
  members: (group: string, query: ListQuery) =>
    pages(['groups', 'members', group], query, (q, signal) => calls.members(group, q, signal)),

  aliases: (query: ListQuery) => pages(['aliases'], query, calls.aliases),
  conferences: (query: ConferenceQuery) => pages(['conferences', 'list'], query, calls.conferences),
  runs: (cid: string) =>
    pages(['conferences', 'runs', cid], {}, (query, signal) => calls.runs(cid, query, signal)),
  visits: (cid: string, run: string) =>
    pages(['conferences', 'visits', cid, run], {}, (query, signal) => calls.visits(cid, run, query, signal)),
  myRuns: () => pages(['conferences', 'own-runs'], {}, calls.myRuns),
  userRuns: (user: string) => pages(['conferences', 'runs-of', user], {}, calls.userRuns(user)),
  userCalls: (user: string) => pages(['calls', 'of', user], {}, calls.userCalls(user)),
  myCalls: (query: CallQuery) => pages(['calls', 'list'], query, calls.allMyCalls),
  agenda: (from: string, until: string) =>
    queryOptions({
      queryKey: ['conferences', 'agenda', from, until],
      queryFn: ({ signal }) => calls.myAgenda({ from, until }, signal),
      placeholderData: keepPreviousData,
    }),
  /** Conferences of other servers to which one is invited. */
  invitations: () =>
    queryOptions({
      queryKey: ['calls', 'invitations'],
      queryFn: ({ signal }) => calls.myInvitations(signal),
    }),
  calls: () => queryOptions({ queryKey: ['calls', 'mine'], queryFn: ({ signal }) => calls.myCalls(signal) }),
  call: (cid: string) =>
    queryOptions({ queryKey: ['calls', 'one', cid], queryFn: ({ signal }) => calls.call(cid, signal) }),
  conference: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'one', cid],
      queryFn: ({ signal }) => calls.conference(cid, signal),
    }),
  participants: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'participants', cid],
      queryFn: ({ signal }) => calls.participants(cid, signal),
    }),
  calledPeople: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'called', cid],
      queryFn: ({ signal }) => calls.calledPeople(cid, signal),
    }),
  removedPeople: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'removed', cid],
      queryFn: ({ signal }) => calls.removedPeople(cid, signal),
    }),
  watchers: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'watchers', cid],
      queryFn: ({ signal }) => calls.watchers(cid, signal),
    }),
  conferencePeople: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'people', cid],
      queryFn: ({ signal }) => calls.conferencePeople(cid, signal),
    }),
  templates: (query: TemplateQuery) => pages(['conferences', 'templates'], query, calls.templates),
  /** For choosing: the own ones and those for all, by name. */
  usableTemplates: () =>
    queryOptions({
      queryKey: ['conferences', 'usable-templates'],
      queryFn: async ({ signal }) => (await calls.templates({ sort: 'name', limit: 500 }, signal)).items,
    }),
  template: (template: string) =>
    queryOptions({
      queryKey: ['conferences', 'template', template],
      queryFn: ({ signal }) => calls.template(template, signal),
    }),
  /** What a new one is like where nothing is said. */
  conferenceDefaults: () =>
    queryOptions({
      queryKey: ['conferences', 'defaults'],
      queryFn: ({ signal }) => calls.conferenceDefaults(signal),
    }),
  /** With the counts of the whole list on each page. */
  registrants: (cid: string, query: ListQuery) =>
    infiniteQueryOptions({
      queryKey: ['conferences', 'registrants', cid, query],
      initialPageParam: null as string | null,
      queryFn: ({ pageParam, signal }) =>
        calls.registrants(cid, { ...query, cursor: pageParam ?? undefined, limit: 100 }, signal),
      getNextPageParam: (last) => last.next,
      placeholderData: keepPreviousData,
    }),
  door: (cid: string) =>
    queryOptions({
      queryKey: ['conferences', 'door', cid],
      queryFn: ({ signal }) => calls.door(cid, signal),
    }),
  /** A version of it never changes. */
  document: (place: number, version: string) =>
    queryOptions({
      queryKey: ['settings', 'document', place, version],
      queryFn: ({ signal }) => calls.document(place, signal),
      staleTime: Infinity,
    }),
  groupVisitors: (group: string) =>
    queryOptions({
      queryKey: ['groups', 'visitors', group],
      queryFn: ({ signal }) => calls.groupVisitors(group, signal),
      // They come and go with meetings, of which this page is told nothing.
      refetchInterval: 10_000,
    }),
  pastDocuments: (place: number) =>
    queryOptions({
      queryKey: ['settings', 'pastDocuments', place],
      queryFn: ({ signal }) => calls.pastDocuments(place, signal),
    }),
  pastDocument: (place: number, version: string) =>
    queryOptions({
      queryKey: ['settings', 'pastDocument', place, version],
      queryFn: ({ signal }) => calls.pastDocument(place, version, signal),
      staleTime: Infinity,
    }),
  settings: () =>
    queryOptions({ queryKey: ['settings', 'all'], queryFn: ({ signal }) => calls.settings(signal) }),
  licence: () =>
    queryOptions({
      queryKey: ['licensing', 'licence'],
      queryFn: ({ signal }) => calls.licence(signal),
      // The time that is left runs by itself.
      refetchInterval: (query) => (query.state.data?.license_manager ? 10_000 : false),
    }),
  /** The whole License Manager, for those who look after it. */
  managerOverview: () =>
    queryOptions({
      queryKey: ['manager', 'overview'],
      queryFn: ({ signal }) => calls.managerOverview(signal),
      refetchInterval: 5_000,
      // Who may not is told at once.
      retry: false,
    }),
  seats: () =>
    queryOptions({ queryKey: ['licensing', 'seats'], queryFn: ({ signal }) => calls.seats(signal) }),
  proSeats: (query: SeatQuery) => pages(['licensing', 'pro'], query, calls.proSeats),
  withoutPro: (query: SeatQuery) => pages(['licensing', 'without'], query, calls.withoutPro),
  /** Changes with meetings, which users are not told of one by one. */
  myPro: () =>
    queryOptions({
      queryKey: ['pro'],
      queryFn: ({ signal }) => calls.myPro(signal),
      refetchInterval: 60_000,
    }),
  /** Servers of other enterprises; how they are changes without a word. */
  partners: () =>
    queryOptions({
      queryKey: ['settings', 'partners'],
      queryFn: ({ signal }) => calls.partners(signal),
      refetchInterval: 10_000,
    }),
  events: (query: EventQuery) => pages(['events', 'list'], query, calls.events),
  latestEvents: (limit: number) =>
    queryOptions({
      queryKey: ['events', 'latest', limit],
      queryFn: ({ signal }) => calls.events({ limit }, signal),
      placeholderData: keepPreviousData,
    }),
  /** What nodes say of themselves changes all the time: asked for every few seconds while shown. */
  cluster: () =>
    queryOptions({
      queryKey: ['cluster'],
      queryFn: ({ signal }) => calls.cluster(signal),
      refetchInterval: 3_000,
      staleTime: 1_000,
    }),
};
