import { Loader } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import { useMeeting, useMeetingText } from './context';
import classes from './Room.module.css';

/** Where one is, and with how many. */
export function RoomHead() {
  const { t } = useMeetingText();
  const { room, participants, phase } = useMeeting();
  return (
    <header className={classes.head} data-phase={phase}>
      <h1>{room.name}</h1>
      {participants.size > 0 && (
        <span className={classes.people}>
          <IconUsers size={16} aria-hidden />
          {t('room.people', { count: participants.size })}
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
