import { useEffect, useMemo, useRef, useState } from 'react';
import { IconChevronLeft, IconChevronRight } from '@tabler/icons-react';
import { ControlButton } from './ControlButton';
import { useLocal, useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import classes from './Room.module.css';
import type { Moving } from './MoveHandle';
import { Tile } from './Tile';
import { useScene } from './useScene';

/** Faces and content. Tiles keep their element wherever they go, so that pictures never blink. */
export function Stage({ controls }: { controls: RoomControls }) {
  const { meeting, local } = useVisit();
  const { me, participants, speaking, quality } = useMeeting();
  const own = useLocal(local);
  const { ref, scene, setPage, named, movable, move, moveTo, reset } = useScene(controls);
  const { t } = useMeetingText();
  const [said, say] = useState('');
  // Tiles are drawn again only if something of theirs has changed.
  const latest = useRef({ move, moveTo, reset });
  useEffect(() => {
    latest.current = { move, moveTo, reset };
  });
  const moving = useMemo<Moving>(
    () => ({
      move(person, by) {
        const place = latest.current.move(person.id, by);
        say(t('order.now', { name: person.name, place }));
      },
      moveTo: (id, other) => latest.current.moveTo(id, other),
      reset: () => latest.current.reset(),
    }),
    [t],
  );

  const tiles = [...scene.tiles].sort((a, b) => (tileKey(a) < tileKey(b) ? -1 : 1));

  return (
    <div ref={ref} style={{ position: 'absolute', inset: 0 }}>
      {tiles.map((tile) => {
        const person = participants.get(tile.participant);
        if (!person) return null;
        const mine = tile.participant === me;
        const picture = mine ? null : meeting.receive.picture(tile.participant, tile.kind);
        const ownTrack = tile.kind === 'content' ? own.content : own.cameraOn ? own.camera : null;
        return (
          <Tile
            key={tileKey(tile)}
            person={person}
            kind={tile.kind}
            box={tile.box}
            main={tile.main}
            mine={mine}
            muted={mine ? own.muted : person.muted}
            track={mine ? ownTrack : (picture?.track ?? null)}
            quality={picture ? quality.get(picture.mid) : undefined}
            audioOnly={controls.audioOnly && !mine}
            speaking={speaking.includes(tile.participant) && tile.kind === 'video'}
            pinned={controls.pinned === tile.participant && tile.kind === 'video'}
            pin={controls.pin}
            named={named}
            moving={movable && !tile.main && tile.kind === 'video' ? moving : null}
          />
        );
      })}
      <div role="status" className={classes.unseen}>
        {said}
      </div>
      {tiles.length === 0 && participants.size > 0 && <EmptyStage />}
      {scene.pages > 1 && <Pager page={scene.page} pages={scene.pages} go={setPage} />}
    </div>
  );
}

function EmptyStage() {
  const { t } = useMeetingText();
  const { room } = useMeeting();
  return (
    <div className={classes.empty}>{t(room.mode === 'lecture' ? 'podium.noLecturer' : 'podium.empty')}</div>
  );
}

const tileKey = ({ kind, participant }: { kind: string; participant: string }) => `${kind}:${participant}`;

function Pager({ page, pages, go }: { page: number; pages: number; go: (page: number) => void }) {
  const { t } = useMeetingText();
  return (
    <nav className={classes.pager} aria-label={t('room.pages')}>
      <ControlButton
        label={t('room.previous')}
        icon={<IconChevronLeft />}
        disabled={page === 0}
        onClick={() => go(page - 1)}
      />
      <span>{t('room.page', { page: page + 1, pages })}</span>
      <ControlButton
        label={t('room.next')}
        icon={<IconChevronRight />}
        disabled={page === pages - 1}
        onClick={() => go(page + 1)}
      />
    </nav>
  );
}
