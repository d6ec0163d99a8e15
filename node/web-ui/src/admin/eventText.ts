import type { FieldChange, LogEvent } from '../api/types';
import i18n from '../i18n';
import { textOf } from '../ui/text';

/** Events in words of the reader's language; what is not known is shown as the server says it. */

export function actorOf(event: LogEvent): string {
  return event.actor ?? textOf('admin:events.nobody', '');
}

/** "User alice": what it is about. */
export function aboutOf(event: LogEvent): string {
  const kind = textOf(`admin:objectKind.${event.object_kind}`, event.object_kind);
  return [kind, event.object].filter(Boolean).join(' ');
}

/** "alice · Group staff": who did it, and what to where that is not themselves. */
export function whoAndWhat(event: LogEvent): string {
  const itself = event.object_kind === 'user' && event.object === event.actor;
  return [actorOf(event), itself ? '' : aboutOf(event)].filter(Boolean).join(' · ');
}

export function descriptionOf(event: LogEvent): string {
  return textOf(`admin:eventWord.${event.description}`, event.description);
}

/** Settings and profiles both have a `password`: what it is about decides which words are meant. */
export function fieldOf(event: LogEvent, field: string): string {
  const own = textOf(`field.${field}`, field);
  return event.object_kind === 'settings' ? textOf(`admin:setting.${field}`, own) : own;
}

/** One side of a change, in words where there are some; `names` are those of groups by their IDs. */
export function valueOf(value: unknown, field = '', names?: ReadonlyMap<string, string>): string {
  if (value === null || value === undefined || value === '') return i18n.t('value.none');
  if (typeof value === 'boolean') return textOf(`admin:value.${value}`, String(value));
  if (Array.isArray(value)) {
    return value.length > 0 ? value.map((item) => one(item, field, names)).join(', ') : i18n.t('value.none');
  }
  return one(value, field, names);
}

function one(value: unknown, field: string, names?: ReadonlyMap<string, string>): string {
  if (typeof value === 'object') return JSON.stringify(value);
  const text = String(value);
  if (field === 'rights') return textOf(`admin:right.${text}`, text);
  if (field === 'admin') return textOf(`admin:adminRole.${text}`, text);
  return field === 'groups' ? (names?.get(text) ?? text) : text;
}

export const isSecret = (change: FieldChange) => change.before === null && change.after === null;
