import { ungroupedCid } from '../ui/cid';

/** What somebody typed or pasted to join a conference leads to one of this server, to another server, or nowhere. */
export type Room = { cid: string } | { server: string } | null;

/** By the ID itself, an address with it, or a call string such as `\c\review@paris.example.com`. */
export function roomOf(typed: string, own?: string): Room {
  const text = typed.trim();
  const inAddress = /\/m\/([^/?#]+)/.exec(text)?.[1];
  const called = /^\\c\\([^@]*)(?:@(.+))?$/i.exec(text);
  const cid = decode(inAddress ?? called?.[1] ?? ungroupedCid(text)).toLowerCase();
  if (!/^[\p{L}\p{N}._-]{1,64}$/u.test(cid)) return null;
  const server = called?.[2]?.toLowerCase();
  if (server === undefined || server === own) return { cid };
  return /^[\p{L}\p{N}.-]{1,253}$/u.test(server) ? { server } : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
