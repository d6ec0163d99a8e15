/** Something that is kept in this browser for each conference, of the latest of them. */

const MOST_CONFERENCES = 20;

export interface PerConference<T> {
  of(cid: string): T | undefined;
  keep(cid: string, value: T): void;
  forget(cid: string): void;
  subscribe(listener: () => void): () => void;
}

export function perConference<T>(key: string): PerConference<T> {
  let kept: Record<string, T> | null = null;
  const listeners = new Set<() => void>();
  const read = (): Record<string, T> => {
    try {
      return (JSON.parse(localStorage.getItem(key) ?? '{}') ?? {}) as Record<string, T>;
    } catch {
      return {};
    }
  };
  const all = () => (kept ??= read());
  const others = (cid: string) => Object.entries(all()).filter(([of]) => of !== cid);
  const write = (next: Record<string, T>) => {
    kept = next;
    try {
      localStorage.setItem(key, JSON.stringify(next));
    } catch {
      // Then it is kept for as long as the page is open.
    }
    listeners.forEach((listener) => listener());
  };
  return {
    of: (cid) => all()[cid],
    keep: (cid, value) =>
      write({ ...Object.fromEntries(others(cid).slice(-(MOST_CONFERENCES - 1))), [cid]: value }),
    forget: (cid) => write(Object.fromEntries(others(cid))),
    subscribe(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
