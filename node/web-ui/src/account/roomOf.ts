import { ungroupedCid } from '../ui/cid';

/** The ID of the conference that somebody typed or pasted: the ID itself, or an address with it. */
export function roomOf(typed: string): string | null {
  const text = typed.trim();
  const inAddress = /\/m\/([^/?#]+)/.exec(text)?.[1];
  const cid = decode(inAddress ?? ungroupedCid(text)).toLowerCase();
  return /^[\p{L}\p{N}._-]{1,64}$/u.test(cid) ? cid : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
