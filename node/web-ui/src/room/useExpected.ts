import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import { session } from '../api/session';
import type { ConferencePerson } from '../api/types';
import { serverOf } from '../ui/foreign';
import { useMeeting } from './context';
import { useMyself } from './useMyself';

/** Who is invited or moderates, and is not in, by name; only those whom the conference itself makes moderators know. */
export function useExpected(): ConferencePerson[] {
  return useExpectedSoon().expected;
}

/** The same, and whether that is not known yet. */
export function useExpectedSoon(): { expected: ConferencePerson[]; loading: boolean } {
  const { room, participants } = useMeeting();
  const { mine, moderates } = useMyself();
  const may = moderates && !room.call && serverOf(room.cid) === null && session.token() !== null;
  const { data, isLoading } = useQuery({ ...queries.conferencePeople(room.cid), enabled: may, retry: false });
  const inside = new Set([...participants.values()].map(({ user }) => user));
  const named = (data ?? []).filter(({ role }) => role !== 'owner');
  return {
    expected: named.filter(({ user }) => user !== mine?.user && !inside.has(user)),
    loading: isLoading,
  };
}
