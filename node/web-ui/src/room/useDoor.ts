import { useQuery } from '@tanstack/react-query';
import { useState, useSyncExternalStore } from 'react';
import { asProblem } from '../api/problem';
import { queries } from '../api/queries';
import { session } from '../api/session';
import { serverOf } from '../ui/foreign';
import type { Conference, Door as GuestDoor, DoorRegistration } from '../api/types';

/** Whether and as whom somebody may come in. */
export type Door =
  | { state: 'looking' }
  | {
      state: 'account';
      room: string;
      description: string;
      place: string;
      name: string;
      begins: Begins | null;
    }
  /** `registration`: how one registers, where guests do. */
  | {
      state: 'guest';
      room: string;
      description: string;
      place: string;
      begins: Begins | null;
      registration: DoorRegistration | null;
      rights: GuestDoor['rights'];
    }
  /** Not signed in, and the room is not open for guests, or does not exist: strangers are not told which. */
  | { state: 'stranger' }
  /** The room is open for guests, and none come from the network where this page is. */
  | { state: 'elsewhere'; room: string }
  | { state: 'missing' }
  | { state: 'failed'; error: unknown; retry: () => void };

/** The meeting has not begun: when it does by its schedule, if it has one. */
export interface Begins {
  start: string | null;
}

/**
 * So often one looks whether it has begun: where somebody waits for it or it is near, and else. A moderator may begin it
 * at any time.
 */
const LOOK_MS = { near: 5_000, far: 30_000 };
const NEAR_MS = 120_000;

/** Not all at the same moment: `spread` is below 1. */
function lookMs(begins: Begins | null, waits: boolean, spread: number): number | false {
  if (!begins) return false;
  const far = !waits && begins.start !== null && Date.parse(begins.start) - Date.now() > NEAR_MS;
  return Math.round((far ? LOOK_MS.far : LOOK_MS.near) * (1 + spread / 2));
}

/** `waits`: whoever looks comes in by themselves once it begins, also while they look at another tab. */
export function useDoor(cid: string, waits: boolean): Door {
  const signedIn = useSyncExternalStore(session.subscribe, () => session.token() !== null);
  const foreign = serverOf(cid) !== null;
  const me = useQuery({ ...queries.me(), enabled: signedIn });
  const [spread] = useState(Math.random);
  const room = useQuery({
    ...queries.conference(cid),
    enabled: signedIn && !foreign,
    refetchIntervalInBackground: waits,
    refetchInterval: ({ state }) => lookMs(state.data ? beginsOf(state.data) : null, waits, spread),
  });
  const door = useQuery({
    ...queries.door(cid),
    enabled: !signedIn && !foreign,
    refetchIntervalInBackground: waits,
    refetchInterval: ({ state }) =>
      state.data?.guests === false
        ? LOOK_MS.far
        : lookMs(state.data ? shutDoor(state.data) : null, waits, spread),
  });
  // Its server tells whether one may come in, once one asks to.
  if (foreign) {
    if (!signedIn) return { state: 'stranger' };
    if (me.error) return { state: 'failed', error: me.error, retry: () => void me.refetch() };
    if (!me.data) return { state: 'looking' };
    const name = me.data.display_name;
    return { state: 'account', room: cid, description: '', place: '', name, begins: null };
  }
  const asked = signedIn ? room : door;
  const error = asked.error ?? (signedIn ? me.error : null);
  if (error) {
    const { code } = asProblem(error);
    if (code === 'not-found' || code === 'invalid-field') return { state: signedIn ? 'missing' : 'stranger' };
    // A look that failed while one waits is made again by itself.
    if (asked.data && (!signedIn || me.data)) return known();
    const retry = () => {
      void asked.refetch();
      if (signedIn) void me.refetch();
    };
    return { state: 'failed', error, retry };
  }
  return known();

  function known(): Door {
    if (signedIn) {
      if (!room.data || !me.data) return { state: 'looking' };
      const { name, description, ...conference } = room.data;
      const begins = beginsOf(conference);
      const { place } = conference.settings;
      return { state: 'account', room: name, description, place, name: me.data.display_name, begins };
    }
    if (!door.data) return { state: 'looking' };
    if (!door.data.guests) return { state: 'elsewhere', room: door.data.name };
    const { name, description, place, registration, rights } = door.data;
    const begins = shutDoor(door.data);
    return { state: 'guest', room: name, description, place, begins, registration, rights };
  }
}

function shutDoor({ open, next }: GuestDoor): Begins | null {
  return open ? null : { start: next?.start ?? null };
}

/** Who moderates comes in before it begins. */
function beginsOf({
  meeting,
  moderates,
  next,
}: Pick<Conference, 'meeting' | 'moderates' | 'next'>): Begins | null {
  return meeting.open || moderates ? null : { start: next?.start ?? null };
}
