import { useState } from 'react';

export interface Change {
  field: string;
  before: unknown;
  after: unknown;
}

export interface Draft<T> {
  value: T;
  changes: Change[];
  /** What to send: only what was changed. */
  patch: Partial<T>;
  /** The revision that the edits were made on. */
  match: string;
  /** Somebody else changed the thing while it was edited here; what the fields are there now. */
  stale: boolean;
  theirs: T;
  set: <K extends keyof T>(field: K, value: T[K]) => void;
  reset: () => void;
  /** Keeps the edits, on top of what the thing is now. */
  rebase: () => void;
}

export function same(a: unknown, b: unknown): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b);
}

/**
 * Edits of something that others may change meanwhile: without edits it follows the server; with edits it
 * stays on the revision they were made on, and tells when that is no longer the latest.
 */
export function useDraft<T extends object>(server: T & { revision: string }): Draft<T> {
  const [edits, setEdits] = useState<Partial<T>>({});
  const [base, setBase] = useState<(T & { revision: string }) | null>(null);

  const from = base ?? server;
  const fields = Object.keys(edits) as (keyof T)[];
  const changed = fields.filter((field) => !same(edits[field], from[field]));
  const patch = Object.fromEntries(changed.map((field) => [field, edits[field]])) as Partial<T>;
  return {
    value: { ...from, ...edits },
    changes: changed.map((field) => ({ field: String(field), before: from[field], after: edits[field] })),
    patch,
    match: from.revision,
    stale: changed.length > 0 && from.revision !== server.revision,
    theirs: server,
    set(field, value) {
      if (changed.length === 0) setBase(server);
      setEdits({ ...(changed.length === 0 ? {} : edits), [field]: value } as Partial<T>);
    },
    reset() {
      setEdits({});
      setBase(null);
    },
    rebase() {
      setBase(server);
    },
  };
}
