import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import { useMeeting } from './context';
import { useAsks } from './useAsks';

/** Whether one may give the conference another ID: not who is a moderator for this meeting alone. */
export function useMayRename(): boolean {
  const { room } = useMeeting();
  const asks = useAsks();
  const { data } = useQuery({ ...queries.conference(room.cid), enabled: asks });
  return asks && data?.moderates === true;
}
