/** The personal links of this browser: whoever has registered comes again with one click, also after it was closed. */

const key = (cid: string) => `plenary.link.${cid}`;
const FRAGMENT = 'r';

export const links = {
  of(cid: string): string | null {
    try {
      return localStorage.getItem(key(cid));
    } catch {
      return null;
    }
  },
  keep(cid: string, link: string) {
    try {
      localStorage.setItem(key(cid), link);
    } catch {
      // A browser that keeps nothing: the address is what they have.
    }
  },
  /** The conference is found by another ID now. */
  follow(before: string, now: string) {
    const link = links.of(before);
    if (link !== null) links.keep(now, link);
  },
  forget(cid: string) {
    try {
      localStorage.removeItem(key(cid));
    } catch {
      // Nothing was kept.
    }
  },
};

/** The address that people keep. The secret stands behind `#`: browsers send it to nobody. */
export function addressOf(cid: string, link: string, origin = location.origin): string {
  return `${origin}/m/${encodeURIComponent(cid)}#${FRAGMENT}=${encodeURIComponent(link)}`;
}

/** The link in the fragment of an address. */
export function linkIn(fragment: string): string | null {
  return new URLSearchParams(fragment.replace(/^#/, '')).get(FRAGMENT) || null;
}

/** The link of this browser for a conference; one in the address is kept, and taken out of it. */
export function ownLink(cid: string): string | null {
  const shown = linkIn(location.hash);
  if (shown === null) return links.of(cid);
  links.keep(cid, shown);
  history.replaceState(history.state, '', location.pathname + location.search);
  return shown;
}
