import { hasPodium, moderates } from '../meeting/state';
import { useMeeting } from './context';

/** What one is in the meeting, and may do. */
export function useMyself() {
  const { me, participants, room } = useMeeting();
  const mine = me ? participants.get(me) : undefined;
  return {
    mine,
    moderates: moderates(mine),
    /** There is a podium, and one is not on it. */
    offPodium: mine !== undefined && hasPodium(room) && mine.podium === null,
    onPodium: mine !== undefined && hasPodium(room) && mine.podium !== null,
    /** Neither seen nor heard by all. */
    listens:
      mine !== undefined &&
      ((room.mode === 'role_based' && mine.podium === null && !mine.remark) ||
        (room.mode === 'lecture' && mine.role === 'participant' && !mine.remark)),
  };
}
