import { ungroupedCid } from '../ui/cid';

/** The names of the own server: its own one, and the hosts that its pages come from. */
export type Own = readonly (string | undefined)[];

/**
 * The ID of the conference that somebody typed or pasted, with `@` and the server where that is another one; null where it
 * means nothing. By the ID itself, an address with it, or a call string such as `\\c\\review@paris.example.com`.
 */
export function roomOf(typed: string, own: Own): string | null {
  const text = typed.trim();
  const inAddress = /^(?:https?:\/\/([^/?#]+))?\/m\/([^/?#]+)/i.exec(text);
  const called = /^(?:\\c\\)?([^@]*)(?:@(.+))?$/i.exec(text);
  const named = inAddress ? decode(inAddress[2] ?? '') : ungroupedCid(called?.[1] ?? text);
  // An address of the own server may itself lead on to another one.
  const [cid = '', inside] = named.toLowerCase().split('@', 2);
  if (!/^[\p{L}\p{N}._-]{1,64}$/u.test(cid)) return null;
  const server = (inside ?? (inAddress ? hostOf(inAddress[1]) : called?.[2]))?.toLowerCase();
  if (server === undefined || own.includes(server)) return cid;
  return /^[\p{L}\p{N}.-]{1,253}$/u.test(server) ? `${cid}@${server}` : null;
}

/** Without the port: that is of the pages, and says nothing of the server. */
function hostOf(host: string | undefined): string | undefined {
  return host?.replace(/:\d+$/, '');
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
