import { hasPodium, moderates } from '../meeting/state';
import { useMeeting } from './context';

const ALL = { chat: true, audio: true, video: true };

/** What one is in the meeting, and may do. */
export function useMyself() {
  const { me, participants, room } = useMeeting();
  const mine = me ? participants.get(me) : undefined;
  const guest = mine?.guest === true && !moderates(mine);
  // A node of before says nothing of single people.
  const silent = mine?.no_chat ?? (guest && !room.guests.chat ? ('guests' as const) : null);
  return {
    mine,
    moderates: moderates(mine),
    /** What guests may not do here, whatever one's own switches say; all others may. */
    may: { ...(guest ? room.guests : ALL), chat: silent === null },
    /** Why one does not write into the chat. */
    silent,
    /** One’s rights let one show a screen. */
    shares: mine?.screenless !== true,
    /** There is a podium, and one is not on it. */
    offPodium: mine !== undefined && hasPodium(room) && mine.podium === null,
    onPodium: mine !== undefined && hasPodium(room) && mine.podium !== null,
    /** Neither seen nor heard by all. */
    listens:
      mine !== undefined &&
      (room.mode === 'role_based' || room.mode === 'lecture') &&
      mine.podium === null &&
      !mine.remark,
  };
}
