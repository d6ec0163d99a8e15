import { Loader } from '@mantine/core';
import { IconLock, IconUsers } from '@tabler/icons-react';
import { serverOf } from '../ui/foreign';
import { useMeeting, useMeetingText } from './context';
import classes from './Room.module.css';
import { useCallOf } from './useCallOf';

/** Where one is, and with how many. */
export function RoomHead() {
  const { t } = useMeetingText();
  const { room, counts, phase } = useMeeting();
  const call = useCallOf();
  const server = serverOf(room.cid);
  return (
    <header className={classes.head} data-phase={phase}>
      <h1>{call?.with.display_name ?? room.name}</h1>
      {server !== null && <span className={classes.people}>{server}</span>}
      {room.locked && (
        <span className={classes.people}>
          <IconLock size={16} role="img" aria-label={t('room.locked')} />
        </span>
      )}
      {room.mode !== 'all_on_screen' && <span className={classes.people}>{t(`mode.${room.mode}`)}</span>}
      {counts.inside > 0 && !room.call && (
        <span className={classes.people}>
          <IconUsers size={16} aria-hidden />
          {t('room.people', { count: counts.inside })}
        </span>
      )}
      {phase === 'joining' && (
        <span className={classes.people} role="status">
          <Loader size={14} color="#c9d3df" aria-hidden />
          {t('room.joining')}
        </span>
      )}
    </header>
  );
}
