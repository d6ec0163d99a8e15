import type { Group } from '../api/types';
import { textOf } from '../ui/text';

/** Built-in groups have a name in the reader's language; the others the one they were given. */
export function groupName(group: Pick<Group, 'id' | 'name' | 'builtin'>): string {
  return group.builtin ? textOf(`admin:builtin.${group.id}`, group.name) : group.name;
}
