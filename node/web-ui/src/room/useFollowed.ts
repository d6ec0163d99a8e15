import { useEffect } from 'react';
import { knowsAll } from '../meeting/state';
import { useMeeting, useVisit } from './context';

/** Whoever is pinned here is heard of, even if they are one of many. */
export function useFollowed(pinned: string | null) {
  const { meeting } = useVisit();
  const whole = knowsAll(useMeeting());
  useEffect(() => meeting.hearOf(pinned && !whole ? [pinned] : []), [meeting, pinned, whole]);
}
