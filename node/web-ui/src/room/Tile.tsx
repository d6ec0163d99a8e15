import {
  IconHandStop,
  IconMicrophone,
  IconMicrophoneOff,
  IconPin,
  IconPinFilled,
  IconPlugConnectedX,
  IconScreenShare,
} from '@tabler/icons-react';
import { memo } from 'react';
import type { Box } from '../meeting/layout';
import type { Participant, PictureKind, SlotQuality } from '../meeting/messages';
import { useMeetingText } from './context';
import { DRAGGED, MoveHandle, type Moving } from './MoveHandle';
import { Portrait } from './Portrait';
import { Reaction } from './Reaction';
import classes from './Tile.module.css';
import { Video } from './Video';

interface Props {
  person: Participant;
  kind: PictureKind;
  box: Box;
  main: boolean;
  mine: boolean;
  muted: boolean;
  track: MediaStreamTrack | null;
  quality: SlotQuality | undefined;
  audioOnly: boolean;
  speaking: boolean;
  pinned: boolean;
  pin: (participant: string) => void;
  /** Whether the name is on the picture. */
  named: boolean;
  /** How one puts it elsewhere. */
  moving: Moving | null;
}

/** One person or one shared screen. */
export const Tile = memo(function Tile(props: Props) {
  const { t } = useMeetingText();
  const {
    person,
    kind,
    box,
    main,
    mine,
    muted,
    track,
    quality,
    audioOnly,
    speaking,
    pinned,
    pin,
    named,
    moving,
  } = props;
  const content = kind === 'content';
  const weak = quality?.reason === 'bandwidth';
  const paused = weak && quality.layer === null;
  const has = content ? person.content : mine || person.camera;
  const picture = has && !paused && !audioOnly ? track : null;
  const name = mine ? t('tile.you', { name: person.name }) : person.name;
  const said = content ? t('tile.screen', { name }) : name;
  const small = box.height < 130;
  const words = person.away
    ? t('tile.away')
    : paused
      ? t('tile.paused')
      : content && !picture
        ? t('tile.screenComes')
        : null;
  return (
    <section
      className={classes.tile}
      style={{
        transform: `translate(${box.x}px, ${box.y}px)`,
        width: box.width,
        height: box.height,
      }}
      aria-label={said}
      data-kind={kind}
      data-main={main || undefined}
      data-small={small || undefined}
      data-away={person.away || undefined}
      data-speaking={(speaking && !muted) || undefined}
      data-participant={person.id}
      onDragOver={moving ? (event) => event.preventDefault() : undefined}
      onDrop={
        moving
          ? (event) => {
              event.preventDefault();
              const moved = event.dataTransfer.getData(DRAGGED);
              if (moved && moved !== person.id) moving.moveTo(moved, person.id);
            }
          : undefined
      }
    >
      <div className={classes.behind}>
        {!content && (
          <Portrait
            name={person.name}
            size={Math.max(32, Math.min(128, box.height * 0.42, box.width * 0.42))}
          />
        )}
        {words && (box.height >= 200 || content) && <span className={classes.note}>{words}</span>}
      </div>
      {picture && <Video track={picture} mirrored={mine && !content} whole={content} />}
      <div className={classes.marks}>
        {person.away && (
          <span className={classes.mark} data-quiet role="img" aria-label={t('tile.away')}>
            <IconPlugConnectedX aria-hidden />
          </span>
        )}
        {person.hand !== null && !content && (
          <span className={classes.mark} role="img" aria-label={t('tile.hand')}>
            <IconHandStop aria-hidden />
          </span>
        )}
        {!content && <Reaction reaction={person.reaction} />}
      </div>
      <div className={classes.foot}>
        <span className={classes.name}>
          {content ? (
            <IconScreenShare aria-hidden />
          ) : muted ? (
            <IconMicrophoneOff className={classes.muted} role="img" aria-label={t('tile.muted')} />
          ) : (
            <IconMicrophone role="img" aria-label={t('tile.unmuted')} />
          )}
          {named && <span>{said}</span>}
        </span>
        {weak && <Bars lit={paused ? 1 : 2} />}
      </div>
      {moving && <MoveHandle person={person} moving={moving} />}
      <button
        type="button"
        className={classes.pin}
        hidden={content}
        aria-pressed={pinned}
        aria-label={t(pinned ? 'tile.unpin' : 'tile.pin', { name: person.name })}
        onClick={() => pin(person.id)}
      >
        {pinned ? <IconPinFilled aria-hidden /> : <IconPin aria-hidden />}
      </button>
    </section>
  );
});

const heights = [6, 10, 14];

function Bars({ lit }: { lit: number }) {
  const { t } = useMeetingText();
  return (
    <span className={classes.bars} role="img" aria-label={t('tile.weak')}>
      {heights.map((height, place) => (
        <i key={height} style={{ height }} data-lit={place < lit || undefined} />
      ))}
    </span>
  );
}
