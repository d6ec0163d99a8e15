import { ActionIcon, Button, Group, Stack, Tooltip } from '@mantine/core';
import { IconLock, IconLockOpen, IconMicrophoneOff, IconShieldLock, IconUserPlus } from '@tabler/icons-react';
import { inOrderOfHands, knowsAll } from '../meeting/state';
import { CalledList } from './CalledList';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import { Crowd } from './Crowd';
import { PersonRow } from './PersonRow';
import classes from './Room.module.css';
import { RemovedList } from './RemovedList';
import { useMyself } from './useMyself';
import { WaitingList } from './WaitingList';
import { WatcherList } from './WatcherList';

/** Everybody: raised hands first, in their order. */
export function PeoplePanel({ controls }: { controls: RoomControls }) {
  const meeting = useMeeting();
  const { moderates } = useMyself();
  return (
    <div className={classes.panelBody}>
      {moderates && <WaitingList />}
      {moderates && <ForAll controls={controls} />}
      {moderates && <CalledList />}
      {moderates && <WatcherList />}
      {knowsAll(meeting) ? <Everybody controls={controls} /> : <Crowd controls={controls} />}
      {moderates && <RemovedList />}
    </div>
  );
}

/** All at once, of those whom all are told of. */
function Everybody({ controls }: { controls: RoomControls }) {
  const { participants, me } = useMeeting();
  const people = inOrderOfHands([...participants.values()].filter((one) => !one.waiting));
  return (
    <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }}>
      {people.map((person, place) => (
        <PersonRow
          key={person.id}
          person={person}
          place={place}
          mine={person.id === me}
          controls={controls}
        />
      ))}
    </Stack>
  );
}

/** What a moderator does to the meeting as a whole. */
function ForAll({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room } = useMeeting();
  return (
    <Group gap="xs" px={8} py={8}>
      {!room.call && room.open && (
        <Button
          size="compact-sm"
          leftSection={<IconUserPlus size={16} aria-hidden />}
          onClick={() => controls.open('invite')}
        >
          {t('called.action')}
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconMicrophoneOff size={16} aria-hidden />}
        onClick={() => meeting.moderate('mute_all')}
      >
        {t('act.muteAll')}
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={
          room.locked ? <IconLockOpen size={16} aria-hidden /> : <IconLock size={16} aria-hidden />
        }
        onClick={() => meeting.moderate(room.locked ? 'unlock' : 'lock')}
      >
        {t(room.locked ? 'act.unlock' : 'act.lock')}
      </Button>
      {!room.call && (
        <Tooltip label={t('entryRules.open')}>
          <ActionIcon
            variant="default"
            size={26}
            aria-label={t('entryRules.open')}
            onClick={() => controls.open('entryRules')}
          >
            <IconShieldLock size={16} aria-hidden />
          </ActionIcon>
        </Tooltip>
      )}
    </Group>
  );
}
