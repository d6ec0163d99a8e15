import { calls } from '../api/calls';
import { session } from '../api/session';
import { ofServer, serverOf } from '../ui/foreign';

/** Where one goes by what was typed; or whom it means instead: a group has no name here. */
export type WhereTo = { cid: string } | { person: string | null };

/**
 * Follows an alias of another server, which says what it stands for. Where it does not, one goes to the conference of that
 * name: entering says what is wrong. A call string of a conference means nothing else, and an address the conference of the server
 * whose pages are there: those need not be at its domain.
 */
export async function whereTo(typed: string, cid: string): Promise<WhereTo> {
  const isBare = !/[/\\]/.test(typed);
  // Guests are told nothing of other servers.
  if (serverOf(cid) === null || session.token() === null) return { cid };
  if (!isBare) return { cid: await ownersOf(typed, cid) };
  try {
    const { kind, conference, person } = await calls.look(cid);
    if (kind === 'person') return { person: person?.display_name ?? '' };
    if (kind === 'group') return { person: null };
    return { cid: conference ?? cid };
  } catch {
    return { cid };
  }
}

async function ownersOf(typed: string, cid: string): Promise<string> {
  const [, address, host] = /^(https:\/\/([^/?#:]+)(?::\d+)?)\/m\//i.exec(typed.trim()) ?? [];
  // An address of one server may lead on to another one, which it names.
  if (address === undefined || host?.toLowerCase() !== serverOf(cid)) return cid;
  try {
    const { server } = await calls.pagesOwner(address.toLowerCase());
    return server === null ? cid : ofServer(cid, server);
  } catch {
    return cid;
  }
}
