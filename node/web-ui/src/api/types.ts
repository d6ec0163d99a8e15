/** The names that pages have for what the REST interface gives and takes: docs/protocols/rest.md. */

import type {
  EventKind,
  ListConferencesData,
  ListMyCallsData,
  ListEventsData,
  ListGroupsData,
  ListTemplatesData,
  ListUsersData,
  PageUser,
  Presence,
  ProfilePatch,
  ServerInfo,
  Settings,
  User,
  Vec,
} from './generated/types.gen';

export type {
  AddressBook,
  AddressBookEntry,
  AdminRole,
  AgreedDocument,
  Agenda,
  AgendaEntry,
  Alias,
  AliasPatch,
  Bandwidth,
  BorderController,
  BorderControllers,
  BorderRefused,
  BorderSource,
  Borrower,
  Cluster,
  ClusterProblem,
  Call,
  CalledPerson,
  Conference,
  ConferenceDefaults,
  PartnerInvitation,
  ConferencePatch,
  ConferencePerson,
  ConferenceRemoved,
  ConferenceWatcher,
  ConferenceRegistration,
  ConferenceSchedule,
  ConferenceSettings,
  ContactRow as Contact,
  ContactTone,
  Document as LegalDocument,
  GroupVisitor,
  PastDocument,
  DocumentHead,
  EventKind,
  Directory,
  DirectoryKey,
  DirectoryPatch,
  DirectoryShare,
  Event as LogEvent,
  FieldChange,
  FieldError,
  Group,
  GroupPatch,
  Imported as ImportResult,
  Invitation,
  Licence,
  LicenceFile,
  LicenseManager,
  Looked,
  MayMeet,
  PagesOwner,
  ManagerOverview,
  Me,
  NewBorderController,
  NewAlias,
  NewConference,
  NewDocument,
  NewGroup,
  NewGuest,
  NewRegistrant,
  NewRegistration,
  NewTemplate,
  NewUser,
  Node as ClusterNode,
  OwnPro,
  OwnRegistration,
  OwnRun,
  PastRun,
  PasswordPolicy,
  PoolSample,
  Presence,
  ProSeat,
  Person,
  ProfilePatch,
  ProfileVisibility,
  VisibleField,
  Door,
  DoorRegistration,
  NewPartner,
  Moderation,
  Participant,
  Partner,
  PartnerAttempt,
  PartnerState,
  PartnerTerms,
  PartnerTried,
  Partners,
  Registrant,
  RegistrantPage,
  Resolved,
  RegistrationField,
  PutContact as ContactEntry,
  FoundKind,
  SearchHit,
  SearchResult,
  Seats,
  SeatsPatch,
  SeatUse,
  ServerInfo,
  Session as Device,
  Settings,
  SettingsPatch,
  SignedIn as Session,
  Template,
  TemplatePatch,
  User,
  UserPatch,
  Visit,
  WithoutPro,
  Zone,
} from './generated/types.gen';

// The lists are in the order in which people see them; one that is missing or unknown does not compile.

export type Right = Vec[number];
export const rights = Object.keys({
  edit_address_book: true,
  make_calls: true,
  create_conferences: true,
  share_screen: true,
  ask_remote_control: true,
  allow_remote_control: true,
  slides: true,
  send_files: true,
  receive_files: true,
  record: true,
  surveys: true,
  operator: true,
} satisfies Record<Right, true>) as Right[];

/** What to filter by. */
export const presences = Object.keys({
  online: true,
  in_conference: true,
  owner: true,
  in_call: true,
  offline: true,
  disabled: true,
} satisfies Record<Presence, true>) as Presence[];

export type ProfileField = keyof ProfilePatch;
export type Profile = Pick<User, ProfileField>;
export const profileFields = Object.keys({
  display_name: true,
  email: true,
  first_name: true,
  middle_name: true,
  last_name: true,
  organisation: true,
  branch: true,
  department: true,
  job_title: true,
  manager: true,
  address: true,
  mobile_phone: true,
  work_phone: true,
  home_phone: true,
  sip_number: true,
} satisfies Record<ProfileField, true>) as ProfileField[];

type Filter<Name extends keyof ConferenceQuery> = NonNullable<ConferenceQuery[Name]>;
export const stages = Object.keys({
  now: true,
  planned: true,
  past: true,
  unscheduled: true,
} satisfies Record<Filter<'stage'>, true>) as Filter<'stage'>[];
export const modes = Object.keys({
  all_on_screen: true,
  smart: true,
  role_based: true,
  lecture: true,
} satisfies Record<Filter<'mode'>, true>) as Filter<'mode'>[];
export const accesses = Object.keys({
  internal: true,
  public: true,
} satisfies Record<Filter<'access'>, true>) as Filter<'access'>[];

export const eventKinds = Object.keys({
  login: true,
  logout: true,
  lock: true,
  unlock: true,
  activation: true,
  deactivation: true,
  status: true,
  connect: true,
  disconnect: true,
  start: true,
  stop: true,
  restart: true,
  change: true,
  pro_license_limit: true,
  pro_license_revocation: true,
  license_expiry: true,
  conference_start: true,
  conference_end: true,
  call: true,
  agreement: true,
} satisfies Record<EventKind, true>) as EventKind[];

/** On which ground a logo is shown. */
export type LogoScheme = keyof ServerInfo['logo'];

export type SettingsSections = Omit<Settings, 'revision'>;

export type Page<T> = Omit<PageUser, 'items'> & { items: T[] };

/** What lists without search and order take. */
export type PageQuery = Pick<ListQuery, 'cursor' | 'limit'>;
export type ListQuery = NonNullable<ListGroupsData['query']>;
export type ConferenceQuery = NonNullable<ListConferencesData['query']>;
export type TemplateQuery = NonNullable<ListTemplatesData['query']>;
export type CallQuery = NonNullable<ListMyCallsData['query']>;
export type UserQuery = NonNullable<ListUsersData['query']>;
export type SeatQuery = ListQuery & { kind: 'permanent' | 'temporary' };
export type EventQuery = NonNullable<ListEventsData['query']>;

export interface Guest {
  token: string;
  guest: string;
  name: string;
  expires_at: string;
  /** Brings the guest back after the token has ended; a node of before gives none. */
  key?: string | null;
  kept_until?: string | null;
}
