/** What the REST interface gives and takes: docs/protocols/rest.md. */

export type AdminRole = 'none' | 'security' | 'full';
export type Presence = 'offline' | 'online' | 'disabled';

export const rights = [
  'edit_address_book',
  'make_calls',
  'create_conferences',
  'share_screen',
  'ask_remote_control',
  'allow_remote_control',
  'slides',
  'send_files',
  'receive_files',
  'record',
  'surveys',
  'operator',
] as const;
export type Right = (typeof rights)[number];

export interface Page<T> {
  items: T[];
  total: number;
  next: string | null;
}

export interface Bandwidth {
  in_kbps: number | null;
  out_kbps: number | null;
}

export const profileFields = [
  'display_name',
  'email',
  'first_name',
  'middle_name',
  'last_name',
  'organisation',
  'branch',
  'department',
  'job_title',
  'manager',
  'address',
  'mobile_phone',
  'work_phone',
  'home_phone',
  'sip_number',
] as const;
export type ProfileField = (typeof profileFields)[number];
export type Profile = Record<ProfileField, string>;

export interface User extends Profile {
  id: string;
  user_id: string;
  groups: string[];
  active: boolean;
  admin: AdminRole;
  bandwidth: Bandwidth;
  presence: Presence;
  locked_until: string | null;
  has_password: boolean;
  has_avatar: boolean;
  created_at: string;
  updated_at: string;
  revision: string;
}

export interface Me extends User {
  rights: Right[];
  bandwidth_effective: Bandwidth;
  server: string;
}

export type UserPatch = Partial<Profile> & {
  password?: string;
  groups?: string[];
  active?: boolean;
  admin?: AdminRole;
  bandwidth?: Bandwidth;
};
export type NewUser = UserPatch & { id: string };

export interface Session {
  token: string;
  expires_at: string;
  user: Me;
}

export interface ServerInfo {
  name: string;
  title: string;
  help: string;
  version: string;
  languages: string[];
}

export interface Device {
  id: string;
  user_agent: string;
  address: string;
  label: string;
  created_at: string;
  expires_at: string;
  online: boolean;
  current: boolean;
}

export interface Contact {
  call: string;
  user_id?: string | null;
  display_name: string;
  email: string;
  presence?: Presence | null;
  contact_groups: string[];
  removable: boolean;
}

export interface ContactEntry {
  call: string;
  display_name: string;
  contact_groups: string[];
}

export interface AddressBook {
  scope: 'everyone' | 'groups' | 'nobody';
  groups: string[];
  entries: { call: string; display_name: string }[];
}

export interface Group {
  id: string;
  name: string;
  builtin: boolean;
  members: number;
  rights: Right[];
  allowed_rights: Right[];
  address_book: AddressBook;
  bandwidth: Bandwidth;
  created_at: string;
  revision: string;
}

export interface GroupPatch {
  name?: string;
  rights?: Right[];
  address_book?: AddressBook;
  bandwidth?: Bandwidth;
}

export interface Alias {
  id: string;
  target: string;
  note: string;
  revision: string;
}

export interface PasswordPolicy {
  min_length: number;
  mixed_case: boolean;
  digits: boolean;
  specials: boolean;
}

export interface SettingsSections {
  password: PasswordPolicy;
  lockout: { enabled: boolean; duration_s: number; attempts: number; window_s: number };
  sessions: { lifetime_days: number };
  admin_access: { networks: string[] };
  front_page: { title: string; help: string };
}
export type Settings = SettingsSections & { revision: string };

export const eventKinds = [
  'login',
  'logout',
  'lock',
  'unlock',
  'activation',
  'deactivation',
  'status',
  'connect',
  'disconnect',
  'start',
  'stop',
  'restart',
  'change',
] as const;
export type EventKind = (typeof eventKinds)[number];

export interface FieldChange {
  field: string;
  before: unknown;
  after: unknown;
}

export interface LogEvent {
  id: string;
  at: string;
  kind: EventKind;
  success: boolean;
  actor: string | null;
  address: string;
  user_agent: string;
  object_kind: string;
  object: string;
  description: string;
  changes: FieldChange[];
}

export interface ClusterNode {
  id: string;
  name: string;
  role: 'leader' | 'follower' | 'learner';
  state: 'up' | 'down' | 'draining';
  address: string;
  url: string;
  version: string;
  uptime_s: number | null;
  applied_index: string | number | null;
  lag: number | null;
  last_heard_ms: number | null;
  clock_offset_ms: number | null;
  round_trip_ms: number | null;
  fsync_p99_ms: number | null;
  disk: { free_bytes: number; total_bytes: number } | null;
  memory_bytes: number | null;
  users_online: number;
  this: boolean;
}

export interface ClusterProblem {
  code: string;
  severity: 'warning' | 'critical';
  object: string;
}

export interface Cluster {
  server: string;
  enterprise: string;
  level: number;
  leader: string | null;
  term: string;
  quorum: boolean;
  users_online: number;
  users_total: number;
  nodes: ClusterNode[];
  problems: ClusterProblem[];
}

export interface Invitation {
  token: string;
  expires_at: string;
}

export interface ImportResult {
  created: number;
  updated: number;
  groups_created: number;
}
