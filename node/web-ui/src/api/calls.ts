import { Problem } from './problem';
import { session } from './session';
import { transport } from './transport';
import type {
  Agenda,
  Alias,
  AliasPatch,
  BorderControllers,
  Call,
  CalledPerson,
  CallQuery,
  Cluster,
  Conference,
  ConferenceDefaults,
  ConferencePatch,
  ConferencePerson,
  ConferenceQuery,
  ConferenceRemoved,
  ConferenceWatcher,
  Contact,
  ContactEntry,
  Device,
  Directory,
  DirectoryKey,
  DirectoryPatch,
  Door,
  EventQuery,
  FoundKind,
  Group,
  GroupPatch,
  GroupVisitor,
  Guest,
  ImportResult,
  Invitation,
  LegalDocument,
  Licence,
  LicenceFile,
  ListQuery,
  LogEvent,
  LogoScheme,
  Looked,
  ManagerOverview,
  MayMeet,
  Me,
  Moderation,
  NewAlias,
  NewBorderController,
  NewConference,
  NewDocument,
  NewGroup,
  NewGuest,
  NewPartner,
  NewRegistrant,
  NewRegistration,
  NewTemplate,
  NewUser,
  OwnPro,
  OwnRegistration,
  OwnRun,
  Page,
  PageQuery,
  PagesOwner,
  Participant,
  Partner,
  PartnerInvitation,
  Partners,
  PartnerTried,
  PasswordPolicy,
  PastDocument,
  PastRun,
  Person,
  ProfilePatch,
  ProSeat,
  RegistrantPage,
  Resolved,
  SearchResult,
  SeatQuery,
  Seats,
  SeatsPatch,
  ServerInfo,
  Session,
  Settings,
  SettingsPatch,
  Template,
  TemplatePatch,
  TemplateQuery,
  User,
  UserPatch,
  UserQuery,
  Visit,
  WithoutPro,
} from './types';

/** Every call of the REST interface that the pages make, by its purpose. */

type Query = Record<string, string | number | boolean | undefined>;

interface Sending {
  query?: Query;
  json?: unknown;
  body?: BodyInit;
  type?: string;
  /** What the answer is, where it is not JSON. */
  accept?: string;
  /** The revision that was shown: with another one meanwhile the answer is 412. */
  match?: string;
  signal?: AbortSignal;
}

export function queryString(query: Query = {}): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(name, String(value));
  }
  const text = params.toString();
  return text ? `?${text}` : '';
}

async function ask(method: string, path: string, sending: Sending = {}): Promise<Response> {
  const headers = new Headers({ accept: sending.accept ?? 'application/json' });
  if (sending.match) headers.set('if-match', `"${sending.match}"`);
  if (sending.json !== undefined) headers.set('content-type', 'application/json');
  else if (sending.type) headers.set('content-type', sending.type);
  const request = new Request(`${location.origin}/api/v1${path}${queryString(sending.query)}`, {
    method,
    headers,
    body: sending.json === undefined ? sending.body : JSON.stringify(sending.json),
    signal: sending.signal,
  });
  const response = await transport(request);
  if (response.ok) return response;
  const problem = await Problem.of(response);
  if (problem.code === 'not-signed-in') session.end();
  throw problem;
}

async function json<T>(method: string, path: string, sending: Sending = {}): Promise<T> {
  const response = await ask(method, path, sending);
  return (await response.json()) as T;
}

async function done(method: string, path: string, sending: Sending = {}): Promise<void> {
  await ask(method, path, sending);
}

/** Reads a long answer and tells how much of it is here; `total` is null where the server does not say. */
async function following(path: string, told: Told, signal?: AbortSignal): Promise<Blob> {
  const response = await ask('GET', path, { signal, accept: '*/*' });
  const total = Number(response.headers.get('content-length')) || null;
  const reader = response.body?.getReader();
  if (!reader) return response.blob();
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let read = 0;
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    parts.push(part.value);
    read += part.value.byteLength;
    told(read, total);
  }
  return new Blob(parts);
}

export type Told = (bytes: number, total: number | null) => void;

async function blob(path: string, query: Query = {}, signal?: AbortSignal): Promise<Blob> {
  return (await ask('GET', path, { query, signal, accept: '*/*' })).blob();
}

const id = encodeURIComponent;

export const calls = {
  server: (signal?: AbortSignal) => json<ServerInfo>('GET', '/server', { signal }),
  signIn: (login: string, password: string) =>
    json<Session>('POST', '/session', { json: { login, password } }),
  signOut: () => done('DELETE', '/session'),

  me: (signal?: AbortSignal) => json<Me>('GET', '/me', { signal }),
  updateMe: (patch: ProfilePatch, match?: string) => json<Me>('PATCH', '/me', { json: patch, match }),
  changePassword: (old: string, next: string) => done('POST', '/me/password', { json: { old, new: next } }),
  passwordPolicy: (signal?: AbortSignal) => json<PasswordPolicy>('GET', '/me/password-policy', { signal }),
  myDevices: (signal?: AbortSignal) => json<Device[]>('GET', '/me/sessions', { signal }),
  endMyDevice: (session: string) => done('DELETE', `/me/sessions/${id(session)}`),
  myContacts: (query: ListQuery, signal?: AbortSignal) =>
    json<Page<Contact>>('GET', '/me/contacts', { query, signal }),
  myAgenda: (query: { from: string; until: string }, signal?: AbortSignal) =>
    json<Agenda>('GET', '/me/agenda', { query, signal }),
  myInvitations: (signal?: AbortSignal) => json<PartnerInvitation[]>('GET', '/me/invitations', { signal }),
  declineInvitation: (invitation: string) => done('DELETE', `/me/invitations/${id(invitation)}`),
  putContact: (contact: ContactEntry) => done('PUT', '/me/contacts', { json: contact }),
  deleteContact: (call: string) => done('DELETE', '/me/contacts', { query: { call } }),
  myAvatar: (signal?: AbortSignal) => blob('/me/avatar', {}, signal),
  putMyAvatar: (file: Blob) => done('PUT', '/me/avatar', { body: file, type: file.type }),
  deleteMyAvatar: () => done('DELETE', '/me/avatar'),

  users: (query: UserQuery, signal?: AbortSignal) => json<Page<User>>('GET', '/users', { query, signal }),
  user: (user: string, signal?: AbortSignal) => json<User>('GET', `/users/${id(user)}`, { signal }),
  createUser: (user: NewUser) => json<User>('POST', '/users', { json: user }),
  updateUser: (user: string, patch: UserPatch, match?: string) =>
    json<User>('PATCH', `/users/${id(user)}`, { json: patch, match }),
  deleteUser: (user: string, match?: string) => done('DELETE', `/users/${id(user)}`, { match }),
  disconnectUser: (user: string) => done('POST', `/users/${id(user)}/disconnect`),
  unlockUser: (user: string) => done('POST', `/users/${id(user)}/unlock`),
  userDevices: (user: string, signal?: AbortSignal) =>
    json<Device[]>('GET', `/users/${id(user)}/sessions`, { signal }),
  userContacts: (user: string, query: ListQuery, signal?: AbortSignal) =>
    json<Page<Contact>>('GET', `/users/${id(user)}/contacts`, { query, signal }),
  userAvatar: (user: string, signal?: AbortSignal) => blob(`/users/${id(user)}/avatar`, {}, signal),
  exportUsers: () => blob('/users.csv'),
  importUsers: (csv: Blob, dryRun: boolean) =>
    json<ImportResult>('POST', '/users/import', { query: { dry_run: dryRun }, body: csv, type: 'text/csv' }),

  groups: (query: ListQuery, signal?: AbortSignal) => json<Page<Group>>('GET', '/groups', { query, signal }),
  group: (group: string, signal?: AbortSignal) => json<Group>('GET', `/groups/${id(group)}`, { signal }),
  createGroup: (group: NewGroup) => json<Group>('POST', '/groups', { json: group }),
  updateGroup: (group: string, patch: GroupPatch, match?: string) =>
    json<Group>('PATCH', `/groups/${id(group)}`, { json: patch, match }),
  deleteGroup: (group: string, match?: string) => done('DELETE', `/groups/${id(group)}`, { match }),
  members: (group: string, query: ListQuery, signal?: AbortSignal) =>
    json<Page<User>>('GET', `/groups/${id(group)}/members`, { query, signal }),
  groupVisitors: (group: string, signal?: AbortSignal) =>
    json<GroupVisitor[]>('GET', `/groups/${id(group)}/visitors`, { signal }),
  changeMembers: (group: string, add: string[], remove: string[]) =>
    json<Group>('POST', `/groups/${id(group)}/members`, { json: { add, remove } }),

  aliases: (query: ListQuery, signal?: AbortSignal) =>
    json<Page<Alias>>('GET', '/aliases', { query, signal }),
  createAlias: (alias: NewAlias) => json<Alias>('POST', '/aliases', { json: alias }),
  updateAlias: (alias: string, patch: AliasPatch, match?: string) =>
    json<Alias>('PATCH', `/aliases/${id(alias)}`, { json: patch, match }),
  deleteAlias: (alias: string, match?: string) => done('DELETE', `/aliases/${id(alias)}`, { match }),

  conferences: (query: ConferenceQuery, signal?: AbortSignal) =>
    json<Page<Conference>>('GET', '/conferences', { query, signal }),
  runs: (cid: string, query: PageQuery, signal?: AbortSignal) =>
    json<Page<PastRun>>('GET', `/conferences/${id(cid)}/runs`, { query, signal }),
  visits: (cid: string, run: string, query: PageQuery, signal?: AbortSignal) =>
    json<Page<Visit>>('GET', `/conferences/${id(cid)}/runs/${id(run)}/visits`, { query, signal }),
  exportVisits: (cid: string, run: string) => blob(`/conferences/${id(cid)}/runs/${id(run)}/visits.csv`),
  myRuns: (query: PageQuery, signal?: AbortSignal) =>
    json<Page<OwnRun>>('GET', '/me/runs', { query, signal }),
  allMyCalls: (query: CallQuery, signal?: AbortSignal) =>
    json<Page<Call>>('GET', '/me/calls', { query, signal }),
  userRuns: (user: string) => (query: PageQuery, signal?: AbortSignal) =>
    json<Page<OwnRun>>('GET', `/users/${id(user)}/runs`, { query, signal }),
  userCalls: (user: string) => (query: CallQuery, signal?: AbortSignal) =>
    json<Page<Call>>('GET', `/users/${id(user)}/calls`, { query, signal }),
  myCalls: (signal?: AbortSignal) => json<Call[]>('GET', '/calls', { signal }),
  call: (cid: string, signal?: AbortSignal) => json<Call>('GET', `/calls/${id(cid)}`, { signal }),
  resolve: (call: string) => json<Resolved>('GET', '/resolve', { query: { call } }),
  beginCall: (to: string) => json<Call>('POST', '/calls', { json: { to } }),
  declineCall: (cid: string) => done('POST', `/calls/${id(cid)}/decline`),
  widenCall: (cid: string) => done('POST', `/calls/${id(cid)}/widen`),
  conference: (cid: string, signal?: AbortSignal) =>
    json<Conference>('GET', `/conferences/${id(cid)}`, { signal }),
  participants: (cid: string, signal?: AbortSignal) =>
    json<Participant[]>('GET', `/conferences/${id(cid)}/participants`, { signal }),
  moderate: (cid: string, what: Moderation) => done('POST', `/conferences/${id(cid)}/acts`, { json: what }),
  calledPeople: (cid: string, signal?: AbortSignal) =>
    json<CalledPerson[]>('GET', `/conferences/${id(cid)}/calls`, { signal }),
  removedPeople: (cid: string, signal?: AbortSignal) =>
    json<ConferenceRemoved[]>('GET', `/conferences/${id(cid)}/removed`, { signal }),
  letBack: (cid: string, removed: string) => done('DELETE', `/conferences/${id(cid)}/removed/${id(removed)}`),
  watchers: (cid: string, signal?: AbortSignal) =>
    json<ConferenceWatcher[]>('GET', `/conferences/${id(cid)}/watchers`, { signal }),
  callPeople: (cid: string, whom: { users?: string[]; invited?: boolean }) =>
    done('POST', `/conferences/${id(cid)}/calls`, { json: whom }),
  callPeopleOff: (cid: string) => done('DELETE', `/conferences/${id(cid)}/calls`),
  callPersonOff: (cid: string, user: string) => done('DELETE', `/conferences/${id(cid)}/calls/${id(user)}`),
  conferencePeople: (cid: string, signal?: AbortSignal) =>
    json<ConferencePerson[]>('GET', `/conferences/${id(cid)}/people`, { signal }),
  conferenceDefaults: (signal?: AbortSignal) =>
    json<ConferenceDefaults>('GET', '/me/conference-defaults', { signal }),
  createConference: (conference: NewConference) =>
    json<Conference>('POST', '/conferences', { json: conference }),
  updateConference: (cid: string, patch: ConferencePatch, match?: string) =>
    json<Conference>('PATCH', `/conferences/${id(cid)}`, { json: patch, match }),
  deleteConference: (cid: string, match?: string) => done('DELETE', `/conferences/${id(cid)}`, { match }),
  templates: (query: TemplateQuery, signal?: AbortSignal) =>
    json<Page<Template>>('GET', '/templates', { query, signal }),
  template: (template: string, signal?: AbortSignal) =>
    json<Template>('GET', `/templates/${id(template)}`, { signal }),
  createTemplate: (template: NewTemplate) => json<Template>('POST', '/templates', { json: template }),
  updateTemplate: (template: string, patch: TemplatePatch, match?: string) =>
    json<Template>('PATCH', `/templates/${id(template)}`, { json: patch, match }),
  deleteTemplate: (template: string, match?: string) =>
    done('DELETE', `/templates/${id(template)}`, { match }),
  door: (cid: string, signal?: AbortSignal) => json<Door>('GET', `/conferences/${id(cid)}/door`, { signal }),
  calendar: (cid: string, stranger: boolean) =>
    blob(`/conferences/${id(cid)}/${stranger ? 'door/calendar' : 'calendar'}`),
  comeAsGuest: (cid: string, who: NewGuest) =>
    json<Guest>('POST', `/conferences/${id(cid)}/guests`, { json: who }),
  forgetGuest: (cid: string, key: string) =>
    done('POST', `/conferences/${id(cid)}/guests/forgotten`, { json: { key } }),
  register: (cid: string, who: NewRegistrant) =>
    json<NewRegistration>('POST', `/conferences/${id(cid)}/registrants`, { json: who }),
  ownRegistration: (cid: string, link: string, signal?: AbortSignal) =>
    json<OwnRegistration>('POST', `/conferences/${id(cid)}/door/registration`, { json: { link }, signal }),
  registrants: (cid: string, query: ListQuery, signal?: AbortSignal) =>
    json<RegistrantPage>('GET', `/conferences/${id(cid)}/registrants`, { query, signal }),
  removeRegistrant: (cid: string, registrant: string) =>
    done('DELETE', `/conferences/${id(cid)}/registrants/${id(registrant)}`),
  exportRegistrants: (cid: string) => blob(`/conferences/${id(cid)}/registrants.csv`),

  settings: (signal?: AbortSignal) => json<Settings>('GET', '/settings', { signal }),
  updateSettings: (patch: SettingsPatch, match?: string) =>
    json<Settings>('PATCH', '/settings', { json: patch, match }),
  document: (place: number, signal?: AbortSignal) =>
    json<LegalDocument>('GET', `/documents/${place}`, { signal }),
  pastDocuments: (place: number, signal?: AbortSignal) =>
    json<PastDocument[]>('GET', `/documents/${place}/versions`, { signal }),
  pastDocument: (place: number, version: string, signal?: AbortSignal) =>
    json<LegalDocument>('GET', `/documents/${place}/versions/${version}`, { signal }),
  putDocument: (place: number, document: NewDocument, match?: string) =>
    json<LegalDocument>('PUT', `/documents/${place}`, { json: document, match }),
  removeDocument: (place: number, match?: string) => done('DELETE', `/documents/${place}`, { match }),
  putLogo: (scheme: LogoScheme, file: Blob) =>
    done('PUT', `/logos/${scheme}`, { body: file, type: file.type }),
  removeLogo: (scheme: LogoScheme) => done('DELETE', `/logos/${scheme}`),

  licence: (signal?: AbortSignal) => json<Licence>('GET', '/licence', { signal }),
  installLicence: (file: string) => json<LicenceFile>('POST', '/licence', { json: { file } }),
  confirmLicence: (file: string) => json<Licence>('POST', '/licence/confirmations', { json: { file } }),
  licenceRequest: (licence: string) => json<{ file: string }>('GET', `/licence/${id(licence)}/request`),
  connectManager: (token: string) => json<Licence>('POST', '/licence/manager', { json: { token } }),
  disconnectManager: (end: boolean) => done('DELETE', `/licence/manager?end=${end}`),
  managerOverview: (signal?: AbortSignal) => json<ManagerOverview>('GET', '/license-manager', { signal }),
  directory: (signal?: AbortSignal) => json<Directory>('GET', '/directory', { signal }),
  directoryKey: () => json<DirectoryKey>('GET', '/directory/key'),
  activateDirectory: (addresses: string[]) =>
    json<DirectoryKey>('POST', '/directory/activate', { json: { addresses } }),
  updateDirectory: (patch: DirectoryPatch, match?: string) =>
    json<Directory>('PATCH', '/directory', { json: patch, match }),
  deactivateDirectory: (at_once: boolean) => done('POST', '/directory/deactivate', { json: { at_once } }),
  search: (q: string, kind?: FoundKind, signal?: AbortSignal) =>
    json<SearchResult>('GET', '/me/search', { query: { q, kind }, signal }),
  look: (call: string, signal?: AbortSignal) => json<Looked>('GET', '/look', { query: { call }, signal }),
  mayMeet: (server: string, signal?: AbortSignal) =>
    json<MayMeet>('GET', `/me/partners/${id(server)}`, { signal }),
  pagesOwner: (address: string) => json<PagesOwner>('GET', '/me/pages', { query: { address } }),
  person: (user: string, signal?: AbortSignal) => json<Person>('GET', `/people/${id(user)}`, { signal }),
  partners: (signal?: AbortSignal) => json<Partners>('GET', '/federation/partners', { signal }),
  putPartner: (server: string, partner: NewPartner, match?: string) =>
    json<Partner>('PUT', `/federation/partners/${id(server)}`, { json: partner, match }),
  dropPartner: (server: string, match?: string) =>
    done('DELETE', `/federation/partners/${id(server)}`, { match }),
  releasePartner: (server: string) => json<Partner>('POST', `/federation/partners/${id(server)}/release`),
  tryPartner: (server: string) => json<PartnerTried>('POST', '/federation/test', { json: { server } }),
  recallSeats: (server: string, seats: Partial<Record<'pro' | 'online' | 'guest' | 'gateway', number>>) =>
    json<ManagerOverview>('POST', `/license-manager/servers/${id(server)}/recall`, { json: seats }),
  declareDead: (server: string) =>
    json<ManagerOverview>('POST', `/license-manager/servers/${id(server)}/declare-dead`, {
      json: { off: server },
    }),
  removeLicence: (licence: string) => done('DELETE', `/licence/${id(licence)}`),
  seats: (signal?: AbortSignal) => json<Seats>('GET', '/seats', { signal }),
  updateSeats: (patch: SeatsPatch, match?: string) => json<Seats>('PATCH', '/seats', { json: patch, match }),
  pickPermanent: () => json<Seats>('POST', '/seats/pick'),
  proSeats: (query: SeatQuery, signal?: AbortSignal) =>
    json<Page<ProSeat>>('GET', '/seats/pro', { query, signal }),
  revokePro: (user: string) => done('DELETE', `/seats/pro/${id(user)}`),
  withoutPro: (query: SeatQuery, signal?: AbortSignal) =>
    json<Page<WithoutPro>>('GET', '/seats/without', { query, signal }),
  myPro: (signal?: AbortSignal) => json<OwnPro>('GET', '/me/pro', { signal }),
  askForPro: () => json<OwnPro>('POST', '/me/pro'),

  events: (query: EventQuery, signal?: AbortSignal) =>
    json<Page<LogEvent>>('GET', '/events', { query, signal }),
  exportEvents: (query: EventQuery) => blob('/events.csv', query),

  cluster: (signal?: AbortSignal) => json<Cluster>('GET', '/cluster', { signal }),
  invite: (ttl_s?: number) => json<Invitation>('POST', '/cluster/invitations', { json: { ttl_s } }),
  borderControllers: (signal?: AbortSignal) =>
    json<BorderControllers>('GET', '/border-controllers', { signal }),
  inviteBorderController: (controller: NewBorderController) =>
    json<Invitation>('POST', '/border-controllers/invitations', { json: controller }),
  removeBorderController: (name: string) => done('DELETE', `/border-controllers/${id(name)}`),
  drain: (node: string, drain: boolean) =>
    done('POST', `/cluster/nodes/${id(node)}/drain`, { json: { drain } }),
  promote: (node: string) => done('POST', `/cluster/nodes/${id(node)}/promote`),
  handOver: (name: string) => done('POST', '/cluster/leader', { json: { name } }),
  removeNode: (node: string) => done('DELETE', `/cluster/nodes/${id(node)}`),
  backup: (told: Told, signal?: AbortSignal) => following('/backup', told, signal),
};
