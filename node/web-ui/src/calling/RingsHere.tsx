import { useQuery } from '@tanstack/react-query';
import { useContext, useEffect } from 'react';
import { queries } from '../api/queries';
import { LiveContext } from '../live/LiveState';
import { Ringing } from './Ringing';

/** On pages without the frame of the others, for who is signed in. */
export function RingsHere({ except }: { except?: string }) {
  const live = useContext(LiveContext)!;
  const { data: me } = useQuery(queries.me());
  useEffect(() => {
    if (me) live.start(me);
  }, [live, me]);
  return me ? <Ringing except={except} /> : null;
}
