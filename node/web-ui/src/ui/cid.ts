/** IDs of conferences as people read and type them. */

/** Digits in groups, as phone numbers: `123 456 789`. Others as they are. */
export function groupedCid(cid: string): string {
  if (!/^\d{6,20}$/.test(cid)) return cid;
  const groups: string[] = [];
  for (let at = 0; at < cid.length;) {
    const left = cid.length - at;
    // Nothing is left over: 10 are 3, 3, 4, and 8 are 4, 4.
    const size = left === 4 || left === 8 ? 4 : 3;
    groups.push(cid.slice(at, at + size));
    at += size;
  }
  return groups.join(' ');
}

/** What an ID that the server makes up looks like. */
export function cidLike(letters: boolean, length: number): string {
  return groupedCid((letters ? 'k7wq2mzp9xh4trn6vbd3' : '48217390651739482605').slice(0, length));
}

/** Digits that were typed in groups, together again. */
export function ungroupedCid(typed: string): string {
  return /^[\d\s-]+$/.test(typed) && /\d/.test(typed) ? typed.replace(/\s/g, '') : typed;
}
