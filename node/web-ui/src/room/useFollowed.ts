import { useEffect } from 'react';
import { knowsAll } from '../meeting/state';
import { useMeeting, useVisit } from './context';

/** Whoever is pinned here or has a place is heard of, even if they are one of many. */
export function useFollowed(participants: string[]) {
  const { meeting } = useVisit();
  const whole = knowsAll(useMeeting());
  const all = whole ? '' : [...new Set(participants)].join();
  useEffect(() => meeting.hearOf(all ? all.split(',') : []), [meeting, all]);
}
