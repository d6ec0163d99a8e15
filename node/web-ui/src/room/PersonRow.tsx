import { ActionIcon, Badge, Group, Text, Tooltip } from '@mantine/core';
import {
  IconHandStop,
  IconMicrophone,
  IconMicrophoneOff,
  IconPin,
  IconPinFilled,
  IconScreenShare,
  IconVideo,
  IconVideoOff,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import type { InvitedPerson, Participant } from '../meeting/messages';
import { Face } from '../ui/Face';
import { serverOf } from '../ui/foreign';
import { useMeeting, useMeetingText } from './context';
import type { RoomControls } from './controls';
import { PersonMenu } from './PersonMenu';
import { useInvitation } from './useInvitation';
import { useMyself } from './useMyself';

interface Props {
  person: Participant;
  place: number;
  mine: boolean;
  controls: RoomControls;
}

/** One of those who are in, with what they do and what can be done about them. */
export function PersonRow({ person, place, mine, controls }: Props) {
  const { t } = useMeetingText();
  const { moderates } = useMyself();
  const invitation = useInvitation(person.id);
  const lecture = useMeeting().room.mode === 'lecture';
  const own = useQuery(queries.server()).data?.name;
  const server = person.user === null ? null : serverOf(person.user);
  const role = [
    roleOf(person, t, moderates ? invitation : null, moderates && person.own_layout === true, lecture),
    server !== own && server,
  ]
    .filter(Boolean)
    .join(' · ');
  return (
    <li>
      <Group wrap="nowrap" gap="sm" px={8} py={6}>
        <Face name={person.name} size={36} />
        <div style={{ flex: 1, minWidth: 0 }}>
          <Text size="sm" truncate fw={500}>
            {mine ? t('tile.you', { name: person.name }) : person.name}
          </Text>
          <Group gap={6} wrap="nowrap">
            {person.hand !== null && (
              <Badge
                color="yellow"
                variant="filled"
                size="sm"
                style={{ flexShrink: 0 }}
                leftSection={<IconHandStop size={12} aria-hidden />}
                aria-label={t('people.hand', { place: place + 1 })}
              >
                {place + 1}
              </Badge>
            )}
            {role && (
              <Text size="xs" c="dimmed" truncate>
                {role}
              </Text>
            )}
          </Group>
        </div>
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
        <Group gap={0} wrap="nowrap">
          <PinButton person={person} controls={controls} />
          {moderates && <PersonMenu person={person} controls={controls} />}
        </Group>
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

function roleOf(
  person: Participant,
  t: ReturnType<typeof useMeetingText>['t'],
  invitation: InvitedPerson['state'] | null,
  ownLayout: boolean,
  lecture: boolean,
): string {
  if (person.away) return t('tile.away');
  const parts = [
    person.role !== 'participant' && t(`people.${person.role}`),
    person.podium !== null &&
      t(lecture ? 'lecture.lectures' : person.pinned ? 'people.pinned' : 'people.podium'),
    person.remark && t('people.remark'),
    invitation && t(lecture ? `lecture.${invitation}` : `invited.${invitation}`),
    ownLayout && t('layOut.own'),
    person.via === 'whip' && t('people.program'),
    person.guest && t('people.guest'),
  ];
  return parts.filter(Boolean).join(' · ');
}
