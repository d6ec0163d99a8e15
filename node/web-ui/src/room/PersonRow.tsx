import { ActionIcon, Group, Tooltip } from '@mantine/core';
import { IconPin, IconPinFilled } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import type { InvitedPerson, Participant } from '../meeting/messages';
import { serverOf } from '../ui/foreign';
import { useMeeting, useMeetingText } from './context';
import type { RoomControls } from './controls';
import { PersonLine } from './PersonLine';
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
  const name = mine ? t('tile.you', { name: person.name }) : person.name;
  return (
    <PersonLine person={person} name={name} place={place} role={role}>
      <Group gap={0} wrap="nowrap">
        <PinButton person={person} controls={controls} />
        {moderates && <PersonMenu person={person} controls={controls} />}
      </Group>
    </PersonLine>
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
