import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { queries } from '../api/queries';
import { session } from '../api/session';
import { addressOf, serverOf } from './foreign';

/** Where anybody finds a conference. Where the pages of another server are is told to those who are signed in. */
export function useRoomAddress(cid: string): string {
  const server = serverOf(cid);
  const signedIn = useSyncExternalStore(session.subscribe, () => session.token() !== null);
  const { data } = useQuery({ ...queries.mayMeet(server ?? ''), enabled: signedIn && server !== null });
  return addressOf(cid, location.origin, data?.pages);
}
