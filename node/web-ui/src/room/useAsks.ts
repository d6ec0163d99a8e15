import { session } from '../api/session';
import { serverOf } from '../ui/foreign';
import { useMeeting } from './context';
import { useMyself } from './useMyself';

/** Whether a moderator can ask this server for more than the meeting tells: with an account, about a conference of its own. */
export function useAsks(): boolean {
  const { room } = useMeeting();
  const { mine, moderates } = useMyself();
  const own = !room.call && serverOf(room.cid) === null;
  return moderates && own && !!mine?.user && session.token() !== null;
}
