import { useElementSize } from '@mantine/hooks';
import { useEffect, useMemo, useState } from 'react';
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
  const { view, pinned } = useView(controls);
  useFollowed(pinned);
  const { ref, width, height } = useElementSize();
  const [page, setPage] = useState(0);
  const [lastSpeaker, setLastSpeaker] = useState<string | null>(null);
  const loudest = speaking.find((id) => id !== me) ?? lastSpeaker;
  if (loudest !== lastSpeaker) setLastSpeaker(loudest);

  const people = useMemo(
    () => inOrderOfComing(onStage({ participants, room, me })),
    [participants, room, me],
  );
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
    }),
    [people, me, speaking, lastSpeaker, pinned, view, width, height, page, audioOnly],
  );
  const scene = useMemo(() => arrange(input), [input]);
  useEffect(() => {
    if (width > 0) meeting.show(shownTiles(scene, input, window.devicePixelRatio));
  }, [meeting, scene, input, width]);
  return { ref, scene, people, setPage };
}
