import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useMemo, useState } from 'react';
import type { AgreedDocument, DocumentHead } from '../api/types';

/** What somebody is asked to agree to before they come in, and whether they have. */
export interface AgreementState {
  documents: DocumentHead[];
  checked: boolean;
  /** They went on without. */
  missing: boolean;
  choose: (checked: boolean) => void;
  /** Whether all is agreed to that is asked; says so on the page if not. */
  check: () => boolean;
  /** The versions that the server is told. */
  agreed: () => AgreedDocument[];
  /** The server asks for something else by now: it is shown, and nothing is agreed to. */
  changed: () => Promise<void>;
}

/** What of `documents` was not agreed to in its present version. */
export function openOf(documents: DocumentHead[], agreed: AgreedDocument[] = []): DocumentHead[] {
  return documents.filter(
    ({ place, version }) => !agreed.some((one) => one.place === place && one.version === version),
  );
}

export function useAgreement(documents: DocumentHead[]): AgreementState {
  const cache = useQueryClient();
  const versions = documents.map(({ place, version }) => `${place}.${version}`).join();
  // A tick is for what was shown then.
  const [ticked, tick] = useState<string | null>(null);
  const [missing, setMissing] = useState(false);
  const checked = ticked === versions;
  const choose = useCallback(
    (on: boolean) => {
      tick(on ? versions : null);
      setMissing(false);
    },
    [versions],
  );
  const changed = useCallback(async () => {
    tick(null);
    await cache.invalidateQueries({ queryKey: ['server'] });
  }, [cache]);
  return useMemo(() => {
    const isDone = documents.length === 0 || checked;
    return {
      documents,
      checked,
      missing,
      choose,
      changed,
      check: () => {
        setMissing(!isDone);
        return isDone;
      },
      agreed: () => (checked ? documents.map(({ place, version }) => ({ place, version })) : []),
    };
  }, [documents, checked, missing, choose, changed]);
}
