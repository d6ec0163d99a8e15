import { ActionIcon, Badge, Button, Group, Stack, Text, Tooltip } from '@mantine/core';
import {
  IconHandStop,
  IconLock,
  IconLockOpen,
  IconMicrophone,
  IconMicrophoneOff,
  IconPin,
  IconPinFilled,
  IconScreenShare,
  IconVideo,
  IconVideoOff,
} from '@tabler/icons-react';
import type { Participant } from '../meeting/messages';
import { inOrderOfHands } from '../meeting/state';
import { Face } from '../ui/Face';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { RoomControls } from './controls';
import { PersonMenu } from './PersonMenu';
import classes from './Room.module.css';
import { useMyself } from './useMyself';
import { WaitingList } from './WaitingList';

/** Everybody: raised hands first, in their order. */
export function PeoplePanel({ controls }: { controls: RoomControls }) {
  const { participants, me } = useMeeting();
  const { moderates } = useMyself();
  const people = inOrderOfHands([...participants.values()].filter((one) => !one.waiting));
  return (
    <div className={classes.panelBody}>
      {moderates && <WaitingList />}
      {moderates && <ForAll />}
      <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }}>
        {people.map((person, place) => (
          <Row key={person.id} person={person} place={place} mine={person.id === me} controls={controls} />
        ))}
      </Stack>
    </div>
  );
}

/** What a moderator does to the meeting as a whole. */
function ForAll() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { room } = useMeeting();
  return (
    <Group gap="xs" px={8} py={8}>
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
    </Group>
  );
}

interface RowProps {
  person: Participant;
  place: number;
  mine: boolean;
  controls: RoomControls;
}

function Row({ person, place, mine, controls }: RowProps) {
  const { t } = useMeetingText();
  const { moderates } = useMyself();
  const role = roleOf(person, t);
  return (
    <li>
      <Group wrap="nowrap" gap="sm" px={8} py={6}>
        <Face name={person.name} size={36} />
        <div style={{ flex: 1, minWidth: 0 }}>
          <Text size="sm" truncate fw={500}>
            {mine ? t('tile.you', { name: person.name }) : person.name}
          </Text>
          {role && (
            <Text size="xs" c="dimmed" truncate>
              {role}
            </Text>
          )}
        </div>
        {person.hand !== null && (
          <Badge
            color="yellow"
            variant="filled"
            leftSection={<IconHandStop size={14} aria-hidden />}
            aria-label={t('people.hand', { place: place + 1 })}
          >
            {place + 1}
          </Badge>
        )}
        <Group gap={4} wrap="nowrap" c="dimmed">
          {person.content && <IconScreenShare size={18} role="img" aria-label={t('people.sharing')} />}
          {person.muted ? (
            <IconMicrophoneOff size={18} role="img" aria-label={t('tile.muted')} />
          ) : (
            <IconMicrophone size={18} role="img" aria-label={t('tile.unmuted')} />
          )}
          {person.camera ? (
            <IconVideo size={18} role="img" aria-label={t('people.camera')} />
          ) : (
            <IconVideoOff size={18} role="img" aria-label={t('people.noCamera')} />
          )}
        </Group>
        <PinButton person={person} controls={controls} />
        {moderates && <PersonMenu person={person} />}
      </Group>
    </li>
  );
}

function PinButton({ person, controls }: { person: Participant; controls: RoomControls }) {
  const { t } = useMeetingText();
  const pinned = controls.pinned === person.id;
  const label = t(pinned ? 'tile.unpin' : 'tile.pin', { name: person.name });
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        size={36}
        aria-label={label}
        aria-pressed={pinned}
        onClick={() => controls.pin(person.id)}
      >
        {pinned ? <IconPinFilled size={18} aria-hidden /> : <IconPin size={18} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  );
}

function roleOf(person: Participant, t: ReturnType<typeof useMeetingText>['t']): string {
  if (person.away) return t('tile.away');
  const parts = [
    person.role !== 'participant' && t(`people.${person.role}`),
    person.podium !== null && t(person.pinned ? 'people.pinned' : 'people.podium'),
    person.remark && t('people.remark'),
    person.via === 'whip' && t('people.program'),
    person.guest && t('people.guest'),
  ];
  return parts.filter(Boolean).join(' · ');
}
