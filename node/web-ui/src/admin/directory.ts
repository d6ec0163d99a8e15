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

/** How urgent it is to look at the Directory. */
export function directoryTone({ stage, connected, trouble }: Directory): Tone {
  if (stage === 'off') return 'quiet';
  if (stage === 'leaving') return 'note';
  if (connected) return 'good';
  return trouble?.code ? 'bad' : 'warn';
}
