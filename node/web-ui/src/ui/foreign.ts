/** IDs of conferences of other servers: `review@oslo.example.net`. */

/** The server whose conference it is; null for the own one. */
export function serverOf(cid: string): string | null {
  const at = cid.indexOf('@');
  return at < 0 ? null : cid.slice(at + 1);
}

/** Where anybody finds a conference: of another server at its own pages. */
export function addressOf(cid: string, origin: string): string {
  const server = serverOf(cid);
  if (server === null) return `${origin}/m/${encodeURIComponent(cid)}`;
  return `https://${server}/m/${encodeURIComponent(cid.slice(0, cid.indexOf('@')))}`;
}
