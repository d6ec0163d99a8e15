import type { Directory } from '../api/types';
import type { Tone } from '../ui/Status';

export const KINDS = ['user', 'group', 'conference'] as const;

export const FIELDS = [
  'first_name',
  'last_name',
  'email',
  'phones',
  'job_title',
  'department',
  'company',
  'groups',
  'aliases',
] as const;

/** Why the Directory refuses something: each has a text for administrators. */
export const CODES = [
  'not_a_node',
  'not_an_instance',
  'other_server',
  'key_unknown',
  'key_wrong',
  'key_of_another',
  'key_revoked',
  'not_connected',
  'version',
  'superseded',
  'bad_message',
  'bad_entry',
  'gap',
  'too_many_entries',
  'digest',
  'not_found',
  'slow_down',
  'follows',
  'away',
] as const;

/** A key that was shown, and which one it was. */
export interface ShownKey {
  key: string;
  since: string | null;
}

/** The key, while it is still the one of the Directory: another one may be made at any moment, also by somebody else. */
export const keyOf = (shown: ShownKey | undefined, { since }: Pick<Directory, 'since'>) =>
  shown?.since === since ? shown.key : undefined;

/** How urgent it is to look at the Directory. */
export function directoryTone({ stage, connected, trouble }: Directory): Tone {
  if (stage === 'off') return 'quiet';
  if (stage === 'leaving') return 'note';
  if (connected) return 'good';
  return trouble?.code ? 'bad' : 'warn';
}
