import { useElementSize } from '@mantine/hooks';
import { useEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { Participant } from '../meeting/messages';
import { inOwnOrder, moved, orders } from '../meeting/order';
import { arrange, shownTiles, type SceneInput } from '../meeting/scene';
import { inOrderOfComing, onStage } from '../meeting/state';
import { useMeeting, useVisit } from './context';
import type { RoomControls } from './controls';
import { useFollowed } from './useFollowed';
import { useView } from './useView';

/** Who is where, and the node told of it. */
export function useScene(controls: RoomControls) {
  const { audioOnly } = controls;
  const { meeting } = useVisit();
  const { participants, me, speaking, room } = useMeeting();
  const { view, pinned, locked, slots, shuffleS, named } = useView(controls);
  const step = useStep(shuffleS);
  const own = useSyncExternalStore(orders.subscribe, () => orders.of(room.cid));
  const placed = slots.flatMap((slot) => (slot.kind === 'person' ? [slot.participant] : []));
  useFollowed(pinned ? [pinned, ...placed] : placed);
  const { ref, width, height } = useElementSize();
  const [page, setPage] = useState(0);
  const [lastSpeaker, setLastSpeaker] = useState<string | null>(null);
  const loudest = speaking.find((id) => id !== me) ?? lastSpeaker;
  if (loudest !== lastSpeaker) setLastSpeaker(loudest);

  const people = useMemo(() => {
    const coming = inOrderOfComing(onStage({ participants, room, me }));
    return locked ? coming : inOwnOrder(coming, own);
  }, [participants, room, me, locked, own]);
  const input = useMemo<SceneInput>(
    () => ({
      people,
      me,
      speaking,
      lastSpeaker,
      pinned,
      view,
      stage: { width, height },
      page,
      audioOnly,
      slots,
      step,
    }),
    [people, me, speaking, lastSpeaker, pinned, view, width, height, page, audioOnly, slots, step],
  );
  const scene = useMemo(() => arrange(input), [input]);
  useEffect(() => {
    if (width > 0) meeting.show(shownTiles(scene, input, window.devicePixelRatio));
  }, [meeting, scene, input, width]);
  /** For oneself; a gallery that nobody has laid out otherwise. */
  const movable = view === 'gallery' && !locked && slots.length === 0 && people.length > 1;
  const keep = (next: Participant[]) => orders.keep(room.cid, next);
  return {
    ref,
    scene,
    people,
    setPage,
    named,
    movable,
    /** Gives the place that they have then, from 1. */
    move(id: string, by: number) {
      const next = moved(people, id, by);
      keep(next);
      return next.findIndex((one) => one.id === id) + 1;
    },
    moveTo(id: string, other: string) {
      const at = (of: string) => people.findIndex((one) => one.id === of);
      keep(moved(people, id, at(other) - at(id)));
    },
    reset: () => orders.forget(room.cid),
  };
}

/** Rises by one each `seconds`, at the same time for everybody whose clock is right. */
function useStep(seconds: number | null): number | null {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    if (seconds === null) return;
    const timer = setInterval(() => setNow(Date.now()), 1_000);
    return () => clearInterval(timer);
  }, [seconds]);
  return seconds === null ? null : Math.floor(now / (seconds * 1_000));
}
