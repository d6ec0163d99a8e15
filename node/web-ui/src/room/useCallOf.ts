import { useQueryClient } from '@tanstack/react-query';
import { useEffect } from 'react';
import { session } from '../api/session';
import type { Call } from '../api/types';
import { useCallNamed } from '../calling/useCallNamed';
import { useMeeting } from './context';

/** Asks again what became of the call whenever somebody comes or goes: who came by its address hears nothing else of it. */
export function useCallNews() {
  const cache = useQueryClient();
  const { room, participants, phase } = useMeeting();
  const here = participants.size;
  const over = phase === 'over';
  useEffect(() => {
    if (room.call) void cache.invalidateQueries({ queryKey: ['calls'] });
  }, [cache, room.call, here, over]);
}

/**
 * The call that this meeting is, if it is one; it is over once one of the two has left. Of one that was declined before
 * this page came in, nothing is known but that there is no such room, or none any more.
 */
export function useCallOf(): Call | undefined {
  const { room, over } = useMeeting();
  const mayBe = (over === 'not-found' || over === 'room-deleted') && session.token() !== null;
  return useCallNamed(room.cid, room.call || mayBe);
}
