import type { ChatLine, Participant } from './messages';

/** What one may do with lines of the chat, and who is mentioned in them. */

/** How long a line may be changed. */
const EDIT_MS = 48 * 3_600_000;
/** Characters of a name that one is writing after an `@`. */
const LONGEST_FIND = 60;

/** Somebody who can be mentioned: one person, wherever they are in from. */
export interface Mentionable {
  id: string;
  name: string;
  user: string | null;
}

/** A node of before says only from which place it was written. */
export function isMine(line: ChatLine, me: string | null): boolean {
  if (me === null) return false;
  return line.places?.length ? line.places.includes(me) : line.participant === me;
}

/** Guests have no account that says how they are called: their lines have the name that they have now, if they are in. */
export function withNames(
  lines: readonly ChatLine[],
  participants: ReadonlyMap<string, Participant>,
): readonly ChatLine[] {
  return lines.map((line) => {
    const writer = line.places?.map((id) => participants.get(id)).find((one) => one?.guest);
    return !writer || writer.name === line.name ? line : { ...line, name: writer.name };
  });
}

export function mentionsMe(line: ChatLine, me: string | null): boolean {
  return me !== null && (line.mentions ?? []).some(({ places }) => places.includes(me));
}

export function mayEdit(line: ChatLine, me: string | null, now = Date.now()): boolean {
  return isMine(line, me) && !line.deleted && now - line.at < EDIT_MS;
}

/** The line before, if it was said in the same run. */
export const sameRun = (line: ChatLine, before: ChatLine | undefined) =>
  before?.run === line.run ? before : undefined;

/** Whether another run begins with this line than that of the line before; the one that goes on needs no word alone. */
export function beginsRun(line: ChatLine, before: ChatLine | undefined, now: number | null): boolean {
  if (line.run == null || now === null) return false;
  return before ? before.run !== line.run : line.run !== now;
}

/** Lines by others since one of them, which may be forgotten by now. */
export function linesSince(chat: readonly ChatLine[], id: string | null, me: string | null): ChatLine[] {
  const from = chat.findIndex((line) => line.id === id);
  return chat.slice(from + 1).filter((line) => !isMine(line, me) && !line.deleted);
}

/** How many have read a line of one's own: said once below those that one has written in a row. */
export function readersOf(
  line: ChatLine,
  next: ChatLine | undefined,
  me: string | null,
  reads: readonly number[],
): number {
  if (!isMine(line, me) || line.deleted || (next && isMine(next, me))) return 0;
  return reads.filter((read) => read >= Number(line.id)).length;
}

/** What stands between an `@` and the caret: somebody is being mentioned, if anybody is called so. */
export function mentionAt(text: string, caret: number): { from: number; find: string } | null {
  const before = text.slice(0, caret);
  const from = before.lastIndexOf('@');
  if (from < 0 || (from > 0 && !/[\s("'«]/.test(before[from - 1]!))) return null;
  const find = before.slice(from + 1);
  return find.length > LONGEST_FIND || find.includes('\n') ? null : { from, find };
}

/** Those whose name or account has this in it, each person once; names that begin with it come first. */
export function mentionable(people: Iterable<Participant>, me: string | null, find: string): Mentionable[] {
  const sought = find.toLocaleLowerCase();
  const found = new Map<string, Mentionable>();
  for (const { id, name, user, waiting, via } of people) {
    const is = `${name}\n${user ?? ''}`.toLocaleLowerCase().includes(sought);
    if (is && !waiting && via === 'browser' && id !== me)
      found.set(user ?? `guest ${id}`, { id, name, user });
  }
  const rank = ({ name }: Mentionable) => (name.toLocaleLowerCase().startsWith(sought) ? 0 : 1);
  return [...found.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
}

/** Those of the people who were chosen whose names still stand in the text. */
export function mentioned(text: string, chosen: ReadonlyMap<string, string>): string[] {
  const named = [...chosen].filter(([name]) => text.includes(`@${name}`));
  return [...new Set(named.map(([, id]) => id))].slice(0, 20);
}

/** A text in parts: every second one is the name of somebody who is mentioned, with its `@`. */
export function splitByMentions(text: string, names: string[]): string[] {
  if (names.length === 0) return [text];
  const escaped = [...names]
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return text.split(new RegExp(`(@(?:${escaped.join('|')}))`));
}
