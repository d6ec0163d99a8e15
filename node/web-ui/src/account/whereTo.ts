import { calls } from '../api/calls';
import { session } from '../api/session';
import { serverOf } from '../ui/foreign';

/** Where one goes by what was typed; or whom it means instead: a group has no name here. */
export type WhereTo = { cid: string } | { person: string | null };

/**
 * Follows an alias of another server, which says what it stands for. Where it does not, one goes to the conference of that
 * name: entering says what is wrong. An address, and a call string of a conference, mean nothing else.
 */
export async function whereTo(typed: string, cid: string): Promise<WhereTo> {
  const isBare = !/[/\\]/.test(typed);
  // Guests are told nothing of other servers.
  if (serverOf(cid) === null || !isBare || session.token() === null) return { cid };
  try {
    const { kind, conference, person } = await calls.look(cid);
    if (kind === 'person') return { person: person?.display_name ?? '' };
    if (kind === 'group') return { person: null };
    return { cid: conference ?? cid };
  } catch {
    return { cid };
  }
}
