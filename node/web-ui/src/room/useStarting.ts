import { useEffect } from 'react';
import { useMeeting, useVisit } from './context';
import { starting } from './starting';
import { useMyself } from './useMyself';

/** Who came to start a meeting that they have just set up does so by coming in. */
export function useStarting() {
  const { meeting } = useVisit();
  const { phase, room } = useMeeting();
  const { moderates } = useMyself();
  const { cid, open } = room;
  const ready = phase === 'in' && moderates;
  useEffect(() => {
    const users = ready ? starting.take(cid) : undefined;
    if (users === undefined) return;
    if (!open) meeting.moderate('start');
    if (users === null || users.length > 0) meeting.call(users);
  }, [ready, cid, open, meeting]);
}
