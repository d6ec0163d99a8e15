import { Center, Loader } from '@mantine/core';
import { useDocumentTitle } from '@mantine/hooks';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { getRouteApi } from '@tanstack/react-router';
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { RingsHere } from '../calling/RingsHere';
import { session } from '../api/session';
import type { AgreedDocument, DocumentHead, Guest, OwnRegistration } from '../api/types';
import { openOf } from '../guest/useAgreement';
import { AtDoor } from '../registration/AtDoor';
import { links } from '../registration/links';
import { useOwnRegistration, type Own } from '../registration/useOwnRegistration';
import { choices } from '../meeting/choices';
import type { Local } from '../meeting/local';
import { passes, seats } from '../meeting/seat';
import { useMeetingText, VisitContext } from './context';
import { ownDevices, prepare, type Visit } from './enter';
import { Closed } from './Closed';
import { PreJoin } from './PreJoin';
import { Room } from './Room';
import { useDoor, type Door } from './useDoor';

const route = getRouteApi('/m/$cid');

/** One visit to one room: the door, the meeting, and what is said when it is over. */
export function MeetingPage() {
  const { cid } = route.useParams();
  const id = cid.toLowerCase();
  const { visit, renamed } = useRenamed(id);
  const signedIn = useSyncExternalStore(session.subscribe, () => session.token() !== null);
  return (
    <>
      {signedIn && <RingsHere except={id} />}
      <Visitor key={visit} cid={id} renamed={renamed} />
    </>
  );
}

/** A visit goes on where the conference gets another ID meanwhile: the address follows it. */
function useRenamed(id: string) {
  const navigate = route.useNavigate();
  // All names that the conference had during the visit; the first one tells the visit from others.
  const [names, setNames] = useState([id]);
  if (!names.includes(id)) setNames([id]);
  const renamed = useCallback(
    (now: string) => {
      setNames((before) => [...before, now]);
      void navigate({ to: '/m/$cid', params: { cid: now }, search: (search) => search, replace: true });
    },
    [navigate],
  );
  return { visit: names.includes(id) ? names[0] : id, renamed };
}

/** Who has to register first does; the others, and those who have, go to their devices. */
function Visitor({ cid, renamed }: { cid: string; renamed: (cid: string) => void }) {
  const { t } = useMeetingText();
  const [armed, arm] = useState(false);
  const door = useDoor(cid, armed);
  const room = 'room' in door ? door.room : cid;
  useDocumentTitle(t('page.title', { room }));
  const cache = useQueryClient();
  const guest = door.state === 'guest';
  // A link that leads to a conference with another ID by now still says whose it is.
  const registration = useOwnRegistration(cid, guest || door.state === 'stranger');
  const { own, reject } = registration;
  const elsewhere = useFollowLink(cid, own);
  // A page that was loaded again is inside already; and whoever has come so far stays, whatever the door says later.
  const [passed, pass] = useState(() => seats.of(cid) !== null && passes.of(cid) !== null);
  const refused = useCallback(async () => {
    await cache.invalidateQueries({ queryKey: queries.door(cid).queryKey });
    reject();
    pass(false);
  }, [cache, cid, reject]);
  if (elsewhere || (own.state === 'looking' && door.state === 'stranger')) return <Looking />;
  if (!passed) {
    if (door.state === 'looking' || (guest && own.state === 'looking')) return <Looking />;
    const registers =
      guest && (door.registration !== null || own.state === 'invalid' || own.state === 'failed');
    // Who has a good link for what goes on comes with one click less.
    const comes = own.state === 'registered' && guest && door.begins === null;
    if (registers && !comes) {
      return (
        <AtDoor
          cid={cid}
          room={room}
          description={door.description}
          place={door.place}
          begins={door.begins}
          form={door.registration}
          registration={registration}
          goOn={() => pass(true)}
        />
      );
    }
    pass(true);
  }
  const who = own.state === 'registered' ? own.who : null;
  return <Entrance {...{ cid, door, armed, arm, who, refused, renamed }} />;
}

/** Whoever comes by a personal link goes to where their conference is found by now. Gives whether they do. */
function useFollowLink(cid: string, own: Own): boolean {
  const navigate = route.useNavigate();
  const now = own.state === 'registered' ? own.who.cid : cid;
  const link = own.state === 'registered' ? own.link : null;
  useEffect(() => {
    if (now === cid || link === null) return;
    links.keep(now, link);
    void navigate({ to: '/m/$cid', params: { cid: now }, replace: true });
  }, [cid, now, link, navigate]);
  return now !== cid;
}

function Looking({ label }: { label?: string }) {
  const { t } = useMeetingText();
  return (
    <Center mih="100dvh">
      <Loader role="status" aria-label={label ?? t('common:state.loading')} />
    </Center>
  );
}

interface EntranceProps {
  cid: string;
  door: Door;
  armed: boolean;
  arm: (armed: boolean) => void;
  /** As whom a guest has registered. */
  who: OwnRegistration | null;
  /** The registration was not good any more. */
  refused: () => Promise<void>;
  /** The conference is found by another ID from now on. */
  renamed: (cid: string) => void;
}

function Entrance({ cid, door, armed, arm, who, refused, renamed }: EntranceProps) {
  const registered = who?.name ?? null;
  const { t } = useMeetingText();
  const [local] = useState(ownDevices);
  const [entry, setEntry] = useState(() => prepare(cid, local, renamed));
  const [visit, setVisit] = useState<Visit | null>(null);
  useEffect(() => () => visit?.end(), [visit]);
  useEffect(() => entry.stay(), [entry]);

  const join = useCallback(
    async (name: string, guest: boolean, agreed: AgreedDocument[], anew = true) => {
      const link = guest && registered !== null ? links.of(cid) : null;
      const token = guest ? await passFor(cid, { name, link, agreed, anew }) : session.token;
      setVisit(entry.enter(token));
    },
    [cid, entry, registered],
  );
  const again = useCallback(() => {
    setVisit(null);
    setEntry(prepare(cid, local, renamed));
    void local.start();
  }, [cid, local, renamed]);
  const documents = useAsked(cid, door.state === 'guest', who);
  const { now } = route.useSearch();
  const back = useComingBack(cid, door, local, join, !!now);

  if (visit) {
    return (
      <VisitContext value={visit}>
        <Room again={again} />
      </VisitContext>
    );
  }
  if (back) return <Looking label={t('page.comingBack')} />;
  if (door.state === 'looking' || documents === null) return <Looking />;
  if (door.state === 'account' || door.state === 'guest') {
    return <PreJoin {...{ cid, door, local, entry, join, armed, arm, registered, documents, refused }} />;
  }
  return <Closed cid={cid} door={door} />;
}

/** What a guest is asked to agree to before coming in; null until that is known. */
function useAsked(cid: string, guest: boolean, who: OwnRegistration | null): DocumentHead[] | null {
  const server = useQuery({ ...queries.server(), enabled: guest });
  if (!guest || who?.agreed || server.error) return [];
  return server.data ? openOf(server.data.documents, passes.kept(cid)?.agreed) : null;
}

interface Wanted {
  name: string;
  link: string | null;
  agreed: AgreedDocument[];
  anew: boolean;
}

/** A token for this room; that or the key of before keeps the guest who they were, and a link who they registered as. */
async function passFor(cid: string, { name, link, agreed, anew }: Wanted): Promise<() => string | null> {
  const before = passes.of(cid);
  const kept = passes.kept(cid);
  const keep = (guest: Guest) => {
    const { token, expires_at } = guest;
    const all = [...agreed, ...(kept?.agreed ?? [])];
    const back = guest.key ? guest : kept;
    passes.keep(cid, {
      token,
      name: link === null ? name : guest.name,
      expires_at,
      key: back?.key,
      kept_until: back?.kept_until,
      agreed: all,
    });
  };
  if (link !== null && (anew || !before)) {
    keep(await calls.comeAsGuest(cid, { link, agreed }));
  } else if (before?.name !== name || agreed.length > 0 || (anew && passes.isDue(cid))) {
    keep(
      await calls
        .comeAsGuest(cid, { name, token: before?.token, key: kept?.key, agreed })
        // A token of before that is worth nothing any more must not keep anybody out.
        .catch((error: unknown) => (kept ? calls.comeAsGuest(cid, { name, agreed }) : Promise.reject(error))),
    );
  }
  return () => passes.of(cid)?.token ?? null;
}

/** A page that was loaded again goes straight back to its place, as does a call (`now`). */
function useComingBack(
  cid: string,
  door: Door,
  local: Local,
  join: (name: string, guest: boolean, agreed: AgreedDocument[], anew?: boolean) => Promise<void>,
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
        await join(passes.of(cid)?.name ?? choices.current().name, guest, [], false).catch(() => undefined);
      setBack(false);
    };
    void come();
  }, [cid, back, known, guest, door.state, local, join]);
  useEffect(() => () => local.close(), [local]);
  return back && (door.state === 'looking' || known);
}
