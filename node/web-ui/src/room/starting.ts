interface Wish {
  cid: string;
  /** Whom to call; `null`: everybody who is expected. */
  users: string[] | null;
  at: number;
}

/** So long one may take to come in: who comes in later finds a meeting that they start themselves. */
const KEPT_MS = 120_000;

/** The meeting that one has just set up and wants to start once one is in: the last one, in this page alone. */
let wanted: Wish | null = null;

export const starting = {
  put(cid: string, users: string[] | null, now = Date.now()) {
    wanted = { cid, users, at: now };
  },
  /** Once: a page that is loaded again starts nothing. */
  take(cid: string, now = Date.now()): string[] | null | undefined {
    if (wanted?.cid !== cid) return undefined;
    const { users, at } = wanted;
    wanted = null;
    return now - at < KEPT_MS ? users : undefined;
  },
};
