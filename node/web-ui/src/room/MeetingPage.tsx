import { Center, Loader } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { calls } from '../api/calls';
import { RingsHere } from '../calling/RingsHere';
import { session } from '../api/session';
import { choices } from '../meeting/choices';
import type { Local } from '../meeting/local';
import { passes, seats } from '../meeting/seat';
import { useMeetingText, VisitContext } from './context';
import { enter, ownDevices, type Visit } from './enter';
import { Closed } from './Closed';
import { PreJoin } from './PreJoin';
import { Room } from './Room';
import { useDoor, type Door } from './useDoor';

const route = getRouteApi('/m/$cid');

/** One visit to one room: the door, the meeting, and what is said when it is over. */
export function MeetingPage() {
  const { cid } = route.useParams();
  const id = cid.toLowerCase();
  const signedIn = useSyncExternalStore(session.subscribe, () => session.token() !== null);
  return (
    <>
      {signedIn && <RingsHere />}
      <Visitor key={id} cid={id} />
    </>
  );
}

function Visitor({ cid }: { cid: string }) {
  const { t } = useMeetingText();
  const [armed, arm] = useState(false);
  const door = useDoor(cid, armed);
  const [local] = useState(ownDevices);
  const [visit, setVisit] = useState<Visit | null>(null);
  const room = 'room' in door ? door.room : cid;
  useDocumentTitle(t('page.title', { room }));
  useEffect(() => () => visit?.end(), [visit]);

  const join = useCallback(
    async (name: string, guest: boolean) => {
      const token = guest ? await passFor(cid, name) : session.token;
      setVisit(enter(cid, token, local));
    },
    [cid, local],
  );
  const again = useCallback(() => {
    setVisit(null);
    void local.start();
  }, [local]);
  const { now } = route.useSearch();
  const back = useComingBack(cid, door, local, join, !!now);

  if (visit) {
    return (
      <VisitContext value={visit}>
        <Room again={again} />
      </VisitContext>
    );
  }
  if (door.state === 'looking' || back) {
    return (
      <Center mih="100dvh">
        <Loader role="status" aria-label={t(back ? 'page.comingBack' : 'common:state.loading')} />
      </Center>
    );
  }
  if (door.state === 'account' || door.state === 'guest') {
    return <PreJoin {...{ cid, door, local, join, armed, arm }} />;
  }
  return <Closed cid={cid} door={door} />;
}

/** A token for this room; the one of before keeps the guest who they were. */
async function passFor(cid: string, name: string): Promise<() => string | null> {
  const before = passes.of(cid);
  if (before?.name !== name) {
    const guest = await calls
      .comeAsGuest(cid, name, before?.token)
      // A token of before that is worth nothing any more must not keep anybody out.
      .catch((error: unknown) => (before ? calls.comeAsGuest(cid, name) : Promise.reject(error)));
    passes.keep(cid, { token: guest.token, name, expires_at: guest.expires_at });
  }
  return () => passes.of(cid)?.token ?? null;
}

/** A page that was loaded again goes straight back to its place, as does a call (`now`). */
function useComingBack(
  cid: string,
  door: Door,
  local: Local,
  join: (name: string, guest: boolean) => Promise<void>,
  now: boolean,
): boolean {
  const guest = door.state === 'guest';
  const [back, setBack] = useState(() => now || seats.of(cid) !== null);
  const started = useRef(false);
  const known = door.state === 'account' || (guest && passes.of(cid) !== null);
  useEffect(() => {
    if (started.current || door.state === 'looking') return;
    started.current = true;
    const come = async () => {
      await local.start();
      if (back && known)
        await join(passes.of(cid)?.name ?? choices.current().name, guest).catch(() => undefined);
      setBack(false);
    };
    void come();
  }, [cid, back, known, guest, door.state, local, join]);
  useEffect(() => () => local.close(), [local]);
  return back && (door.state === 'looking' || known);
}
