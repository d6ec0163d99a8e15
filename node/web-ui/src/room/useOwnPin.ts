import { useCallback, useSyncExternalStore } from 'react';
import { personKey } from '../meeting/order';
import { pinnedOf, pins } from '../meeting/pins';
import { useMeeting, useVisit } from './context';

/** Whom one has large for oneself; kept over reloads and lost nodes, until one chooses somebody else. */
export function useOwnPin() {
  const { meeting } = useVisit();
  const { room, participants } = useMeeting();
  const kept = useSyncExternalStore(pins.subscribe, () => pins.of(room.cid));
  const pin = useCallback(
    (id: string) => {
      const { room, participants } = meeting.current();
      const one = participants.get(id);
      if (!one || pinnedOf(pins.of(room.cid), participants) === id) pins.forget(room.cid);
      else pins.keep(room.cid, { id, person: personKey(one) });
    },
    [meeting],
  );
  return { pinned: pinnedOf(kept, participants), pin };
}
