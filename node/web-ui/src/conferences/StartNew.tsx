import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { queries } from '../api/queries';
import type { Conference } from '../api/types';
import { CallChoice } from '../room/CallChoice';
import { useMeetingText } from '../room/context';
import { starting } from '../room/starting';
import { ErrorState, Loading } from '../ui/States';
import { useMe } from '../ui/useMe';

/** Leads into a conference that was just made, which starts and calls people as one comes in. */
export function useStartIn() {
  const navigate = useNavigate();
  return (cid: string, users: string[] | null) => {
    starting.put(cid, users);
    void navigate({ to: '/m/$cid', params: { cid }, search: { now: true } });
  };
}

/** Whom a conference that was just made calls as it starts. */
export function StartNew({ conference }: { conference: Conference }) {
  const { t } = useMeetingText();
  const me = useMe();
  const start = useStartIn();
  const people = useQuery(queries.conferencePeople(conference.cid));
  if (people.error) return <ErrorState error={people.error} retry={() => void people.refetch()} />;
  if (!people.data) return <Loading rows={4} />;
  return (
    <CallChoice
      text={t('start.created', { name: conference.name })}
      expected={people.data.filter(({ user, role }) => role !== 'owner' && user !== me.id)}
      start={(users) => start(conference.cid, users)}
    />
  );
}
