import { useQuery } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { asProblem } from '../api/problem';
import { queries } from '../api/queries';
import { session } from '../api/session';
import type { Conference } from '../api/types';

/** Whether and as whom somebody may come in. */
export type Door =
  | { state: 'looking' }
  | { state: 'account'; room: string; name: string; begins: Begins | null }
  | { state: 'guest'; room: string; begins: Begins | null }
  /** Not signed in, and the room is not open for guests, or does not exist: strangers are not told which. */
  | { state: 'stranger' }
  | { state: 'missing' }
  | { state: 'failed'; error: unknown; retry: () => void };

/** The meeting has not begun: when it does by its schedule, if it has one. */
export interface Begins {
  start: string | null;
}

/** Who waits for the beginning looks so often whether it has come. */
const LOOK_MS = 5_000;

export function useDoor(cid: string): Door {
  const signedIn = useSyncExternalStore(session.subscribe, () => session.token() !== null);
  const me = useQuery({ ...queries.me(), enabled: signedIn });
  const room = useQuery({
    ...queries.conference(cid),
    enabled: signedIn,
    refetchInterval: ({ state }) => (state.data && beginsOf(state.data) ? LOOK_MS : false),
  });
  const door = useQuery({
    ...queries.door(cid),
    enabled: !signedIn,
    refetchInterval: ({ state }) => (state.data && !state.data.open ? LOOK_MS : false),
  });
  const asked = signedIn ? room : door;
  const error = asked.error ?? (signedIn ? me.error : null);
  if (error) {
    const { code } = asProblem(error);
    if (code === 'not-found' || code === 'invalid-field') return { state: signedIn ? 'missing' : 'stranger' };
    const retry = () => {
      void asked.refetch();
      if (signedIn) void me.refetch();
    };
    return { state: 'failed', error, retry };
  }
  if (signedIn) {
    if (!room.data || !me.data) return { state: 'looking' };
    return {
      state: 'account',
      room: room.data.name,
      name: me.data.display_name,
      begins: beginsOf(room.data),
    };
  }
  if (!door.data) return { state: 'looking' };
  const begins = door.data.open ? null : { start: door.data.next?.start ?? null };
  return { state: 'guest', room: door.data.name, begins };
}

/** Who moderates comes in before it begins. */
function beginsOf({ meeting, moderates, next }: Conference): Begins | null {
  return meeting.open || moderates ? null : { start: next?.start ?? null };
}
