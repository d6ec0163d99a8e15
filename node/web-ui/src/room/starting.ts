/** Meetings that one has just set up and wants to start once one is in; `null`: everybody who is expected is called. */
const wanted = new Map<string, string[] | null>();

export const starting = {
  put: (cid: string, users: string[] | null) => wanted.set(cid, users),
  /** Once: a page that is loaded again starts nothing. */
  take(cid: string): string[] | null | undefined {
    const users = wanted.get(cid);
    wanted.delete(cid);
    return users;
  },
};
