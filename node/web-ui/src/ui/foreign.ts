/** IDs of conferences of other servers: `review@oslo.example.net`. */

/** The server whose conference it is; null for the own one. */
export function serverOf(cid: string): string | null {
  const at = cid.indexOf('@');
  return at < 0 ? null : cid.slice(at + 1);
}

/** The same conference, of this server. */
export const ofServer = (cid: string, server: string) => `${bare(cid)}@${server}`;

const bare = (cid: string) => (serverOf(cid) === null ? cid : cid.slice(0, cid.indexOf('@')));

/**
 * Where anybody finds a conference: of another server at its own pages, which are where that server has said, or else at its
 * domain.
 */
export function addressOf(cid: string, origin: string, pages?: string | null): string {
  const server = serverOf(cid);
  const at = server === null ? origin : (pages ?? `https://${server}`);
  return `${at}/m/${encodeURIComponent(bare(cid))}`;
}
