import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import { session } from '../api/session';
import { serverOf } from '../ui/foreign';
import { useMeeting } from './context';
import { useMyself } from './useMyself';

/** Whether one may give the conference another ID: its owner may, and administrators with full rights. */
export function useMayRename(): boolean {
  const { room } = useMeeting();
  const { mine, moderates } = useMyself();
  const { data } = useQuery({ ...queries.me(), enabled: moderates && session.token() !== null });
  if (!moderates || room.call || !mine?.user || serverOf(room.cid) !== null) return false;
  return mine.role === 'owner' || data?.admin === 'full';
}
