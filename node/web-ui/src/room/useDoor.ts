import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { queries } from '../api/queries';
import { asProblem } from '../api/problem';
import { session } from '../api/session';

/** Whether and as whom somebody may come in. */
export type Door =
  | { state: 'looking' }
  | { state: 'account'; room: string; name: string }
  | { state: 'guest'; room: string }
  /** Not signed in, and the room is not open for guests, or does not exist: strangers are not told which. */
  | { state: 'stranger' }
  | { state: 'missing' }
  | { state: 'failed'; error: unknown; retry: () => void };

export function useDoor(cid: string): Door {
  const signedIn = useSyncExternalStore(session.subscribe, () => session.token() !== null);
  const me = useQuery({ ...queries.me(), enabled: signedIn });
  const room = useQuery({ ...queries.conference(cid), enabled: signedIn });
  const door = useQuery({ ...queries.door(cid), enabled: !signedIn });
  const asked = signedIn ? room : door;
  const error = asked.error ?? (signedIn ? me.error : null);
  if (error) {
    const { code } = asProblem(error);
    if (code === 'not-found' || code === 'invalid-field') return { state: signedIn ? 'missing' : 'stranger' };
    const retry = () => {
      void asked.refetch();
      if (signedIn) void me.refetch();
    };
    return { state: 'failed', error, retry };
  }
  if (signedIn) {
    if (!room.data || !me.data) return { state: 'looking' };
    return { state: 'account', room: room.data.name, name: me.data.display_name };
  }
  return door.data ? { state: 'guest', room: door.data.name } : { state: 'looking' };
}
