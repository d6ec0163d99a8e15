import { useQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useState } from 'react';
import { calls } from '../api/calls';
import { asProblem } from '../api/problem';
import type { OwnRegistration } from '../api/types';
import { links, ownLink } from './links';

/** What this browser has to show at a door. */
export type Own =
  | { state: 'looking' }
  | { state: 'none' }
  /** The link that was shown is good for nothing. */
  | { state: 'invalid' }
  | { state: 'failed'; error: unknown; retry: () => void }
  | { state: 'registered'; link: string; who: OwnRegistration };

export interface OwnRegistrationState {
  own: Own;
  /** Somebody has registered here. */
  keep: (link: string) => void;
  forget: () => void;
  /** The server did not take it: it is good no more. */
  reject: () => void;
}

/** The registration of this browser for a conference, as the server knows it; `asked`: for a guest. */
export function useOwnRegistration(cid: string, asked: boolean): OwnRegistrationState {
  const [link, setLink] = useState(() => ownLink(cid));
  const [rejected, setRejected] = useState<string | null>(null);
  // A personal link that is opened in a tab that shows the page already.
  useEffect(() => {
    const look = () => setLink(ownLink(cid));
    window.addEventListener('hashchange', look);
    return () => window.removeEventListener('hashchange', look);
  }, [cid]);
  const found = useQuery({
    queryKey: ['registration', cid, link],
    queryFn: ({ signal }) => calls.ownRegistration(cid, link!, signal),
    enabled: asked && link !== null,
    retry: false,
    // Whoever comes by it hears it if it is good no more.
    staleTime: Infinity,
  });
  const keep = useCallback(
    (link: string) => {
      links.keep(cid, link);
      setLink(link);
    },
    [cid],
  );
  const forget = useCallback(() => {
    links.forget(cid);
    setLink(null);
  }, [cid]);
  const reject = useCallback(() => setRejected(link), [link]);
  return { own: ownOf(), keep, forget, reject };

  function ownOf(): Own {
    if (!asked || link === null) return { state: 'none' };
    if (link === rejected) return { state: 'invalid' };
    if (found.data) return { state: 'registered', link, who: found.data };
    if (!found.error) return { state: 'looking' };
    if (asProblem(found.error).code === 'link-not-valid') return { state: 'invalid' };
    return { state: 'failed', error: found.error, retry: () => void found.refetch() };
  }
}
