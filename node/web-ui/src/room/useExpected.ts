import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import { session } from '../api/session';
import { useMeeting } from './context';
import { useMyself } from './useMyself';

/** Who is invited or moderates, and is not in; only those whom the conference itself makes moderators know. */
export function useExpected(): string[] {
  const { room, participants } = useMeeting();
  const { mine, moderates } = useMyself();
  const may = moderates && !room.call && session.token() !== null;
  const { data } = useQuery({ ...queries.conference(room.cid), enabled: may, retry: false });
  const inside = new Set([...participants.values()].map(({ user }) => user));
  const named = data ? [...data.settings.moderators, ...(data.settings.invited ?? [])] : [];
  return [...new Set(named)].filter((user) => user !== mine?.user && !inside.has(user)).sort();
}
