import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import type { Call } from '../api/types';
import { serverOf } from '../ui/foreign';
import { leadsTo } from './callText';

/** One's own call that is talked in this room; in rooms of other servers, the one that leads there. */
export function useCallNamed(room: string, enabled = true): Call | undefined {
  const isAway = serverOf(room) !== null;
  const { data: own } = useQuery({ ...queries.call(room), enabled: enabled && !isAway });
  const { data: all } = useQuery({ ...queries.calls(), enabled: enabled && isAway });
  return isAway ? all?.find((call) => leadsTo(call, room)) : own;
}
