import { ActionIcon, Button, Group, Menu, Modal, Stack, Text, Title } from '@mantine/core';
import {
  IconClockPlus,
  IconDoorOff,
  IconDots,
  IconLayoutGrid,
  IconLock,
  IconLockOpen,
  IconMicrophoneOff,
  IconPlayerPlay,
  IconShieldLock,
  IconUserPlus,
  IconUsers,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Conference, ConferenceRemoved, Participant } from '../api/types';
import { ActItems, actsOf } from '../room/acts';
import { Called } from '../room/CalledList';
import { ChoosePeople } from '../room/CallPeople';
import { useMeetingText } from '../room/context';
import type { Desk } from '../room/desk';
import { GateRules } from '../room/EntryRules';
import { ExtendBy } from '../room/Extend';
import { PersonLine } from '../room/PersonLine';
import { RemovedPeople } from '../room/RemovedList';
import { Waiting } from '../room/WaitingList';
import { WatchingPrograms } from '../room/WatcherList';
import { Confirm, useClose } from '../ui/Confirm';
import { Search } from '../ui/Search';
import { EmptyState, ErrorState, Loading } from '../ui/States';
import { useMe } from '../ui/useMe';
import { found, inOrder } from './nowPeople';
import { useDesk } from './useDesk';

/** Nobody is told outside a meeting who comes and goes there: it is asked as long as one looks. */
const EVERY_MS = 3_000;
/** Of more one is looked for. */
const SHOWN = 50;

/** A conference as it goes on: who is in, waits and is called, and what a moderator does about it without being in. */
export function Now({ conference: before }: { conference: Conference }) {
  const { t } = useMeetingText();
  const { cid } = before;
  const asked = { refetchInterval: EVERY_MS };
  const conference = useQuery({ ...queries.conference(cid), ...asked }).data ?? before;
  const people = useQuery({ ...queries.participants(cid), ...asked });
  const called = useQuery({ ...queries.calledPeople(cid), ...asked });
  const programs = useQuery({ ...queries.watchers(cid), ...asked }).data ?? [];
  const gone = useQuery({ ...queries.removedPeople(cid), ...asked }).data ?? [];
  const desk = useDesk(conference);
  if (people.error && !people.data) {
    return <ErrorState error={people.error} retry={() => void people.refetch()} />;
  }
  if (!people.data) return <Loading rows={6} />;
  const { launch, meeting } = conference;
  const inside = people.data.filter((one) => !one.waiting);
  const waiting = people.data.filter((one) => one.waiting);
  const out = (called.data ?? []).map((one) => ({ ...one, name: one.display_name }));
  if (meeting.began_at === null && people.data.length === 0) {
    const start = launch !== 'virtual_room' && !meeting.open && (
      <Button leftSection={<IconPlayerPlay size={16} aria-hidden />} onClick={() => desk.moderate('start')}>
        {t('notice.start')}
      </Button>
    );
    return <EmptyState icon={<IconUsers />} title={t('now.none')} text={t('now.noneText')} action={start} />;
  }
  return (
    <Stack gap="md">
      <ForAll conference={conference} people={inside} desk={desk} />
      <LaidOut conference={conference} desk={desk} />
      <div aria-live="polite">
        <Waiting
          waiting={waiting.map((one) => ({ ...one, guest: one.user === null }))}
          count={waiting.length}
          desk={desk}
        />
      </div>
      <Called out={out} desk={desk} />
      <WatchingPrograms programs={programs} count={programs.length} desk={desk} />
      <People conference={conference} people={inside} desk={desk} />
      <RemovedPeople people={removedOf(gone)} count={gone.length} desk={desk} />
    </Stack>
  );
}

/** As the list in a meeting has them, the last one first. */
function removedOf(gone: ConferenceRemoved[]) {
  return gone.map((one) => ({ ...one, guest: !one.user, at: one.since })).reverse();
}

/** What everybody is shown, where a moderator has said so; and the way back. */
function LaidOut({ conference, desk }: Omit<Props, 'people'>) {
  const { t } = useMeetingText();
  const { layout } = conference.meeting;
  if (!layout) return null;
  const shown = layout.kept ?? t(`layout.${layout.arrangement}`);
  return (
    <Group gap="sm" px={8} role="status" justify="flex-end">
      <IconLayoutGrid size={18} aria-hidden style={{ flexShrink: 0 }} />
      <Text size="sm" flex="1 1 14rem">
        {t(layout.locked ? 'now.laidOutLocked' : 'now.laidOut', { layout: shown })}
      </Text>
      <Button size="compact-sm" variant="default" onClick={() => desk.moderate('clear_layout')}>
        {t('layout.free')}
      </Button>
    </Group>
  );
}

interface Props {
  conference: Conference;
  people: Participant[];
  desk: Desk;
}

/** What is done to the meeting as a whole. */
function ForAll({ conference, people, desk }: Props) {
  const { t } = useMeetingText();
  const me = useMe();
  const [opened, open] = useState<'call' | 'extend' | 'rules' | 'end' | null>(null);
  const close = () => open(null);
  const { meeting, settings, cid } = conference;
  const named = useQuery({ ...queries.conferencePeople(cid), retry: false }).data ?? [];
  const inside = new Set(people.map(({ user }) => user));
  const expected = named.filter(({ role, user }) => role !== 'owner' && user !== me.id && !inside.has(user));
  const endsAt = meeting.ends_at === null ? null : Date.parse(meeting.ends_at);
  const titles = {
    call: t('called.who'),
    extend: t('extend.title'),
    rules: t('entryRules.title'),
    end: '',
  };
  const closer = useClose();
  return (
    <Group gap="xs">
      {!meeting.open && (
        <Button
          size="compact-sm"
          leftSection={<IconPlayerPlay size={16} aria-hidden />}
          onClick={() => desk.moderate('start')}
        >
          {t('notice.start')}
        </Button>
      )}
      {meeting.open && (
        <Button
          size="compact-sm"
          leftSection={<IconUserPlus size={16} aria-hidden />}
          onClick={() => open('call')}
        >
          {t('called.action')}
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconMicrophoneOff size={16} aria-hidden />}
        onClick={() => desk.moderate('mute_all')}
      >
        {t('act.muteAll')}
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={
          meeting.locked ? <IconLockOpen size={16} aria-hidden /> : <IconLock size={16} aria-hidden />
        }
        onClick={() => desk.moderate(meeting.locked ? 'unlock' : 'lock')}
      >
        {t(meeting.locked ? 'act.unlock' : 'act.lock')}
      </Button>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconShieldLock size={16} aria-hidden />}
        onClick={() => open('rules')}
      >
        {t('now.rules')}
      </Button>
      {conference.launch === 'scheduled' && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconClockPlus size={16} aria-hidden />}
          onClick={() => open('extend')}
        >
          {t('extend.action')}
        </Button>
      )}
      <Button
        size="compact-sm"
        variant="default"
        c="var(--plenary-bad)"
        leftSection={<IconDoorOff size={16} aria-hidden />}
        onClick={() => open('end')}
      >
        {t('end.forAll')}
      </Button>
      <Modal
        opened={opened !== null && opened !== 'end'}
        onClose={close}
        title={opened === null ? '' : titles[opened]}
        closeButtonProps={closer}
      >
        {opened === 'call' && (
          <ChoosePeople inside={inside} expected={expected.length} desk={desk} done={close} />
        )}
        {opened === 'extend' && <ExtendBy endsAt={endsAt} desk={desk} done={close} />}
        {opened === 'rules' && (
          <Stack gap="md">
            <GateRules gate={{ ...settings, locked: meeting.locked }} pin={settings.pin} desk={desk} />
          </Stack>
        )}
      </Modal>
      <Confirm
        opened={opened === 'end'}
        close={close}
        title={t('now.endTitle')}
        verb={t('end.forAll')}
        act={() => calls.moderate(cid, { act: 'end' })}
      >
        {t('now.endText', { name: conference.name })}
      </Confirm>
    </Group>
  );
}

/** Who is in: hands first, in their order. */
function People({ conference, people, desk }: Props) {
  const { t } = useMeetingText();
  const me = useMe();
  const [text, find] = useState('');
  const all = inOrder(people);
  const shown = found(all, text);
  const { mode } = conference.settings;
  return (
    <section aria-labelledby="now-people">
      <Title order={3} size="h5" id="now-people" px={8} mb={4}>
        <span aria-live="polite">{t('now.people', { count: people.length })}</span>
      </Title>
      {people.length > SHOWN && (
        <Search label={t('people.find')} value={text} onChange={(next) => find(next ?? '')} />
      )}
      <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }} aria-labelledby="now-people">
        {shown.slice(0, SHOWN).map((person) => (
          <PersonLine
            key={person.id}
            person={person}
            name={person.user === me.id ? t('tile.you', { name: person.name }) : person.name}
            place={all.indexOf(person)}
            role={roleOf(person, mode, t)}
          >
            <PersonActs person={person} people={people} mode={mode} own={person.user === me.id} desk={desk} />
          </PersonLine>
        ))}
      </Stack>
      {shown.length === 0 && people.length > 0 && (
        <Text size="sm" c="dimmed" px={8} role="status">
          {t('people.nobody')}
        </Text>
      )}
      {shown.length > SHOWN && (
        <Text size="xs" c="dimmed" px={8}>
          {t('now.left', { shown: SHOWN, count: shown.length })}
        </Text>
      )}
    </section>
  );
}

type Mode = Conference['settings']['mode'];

interface ActsProps {
  person: Participant;
  people: Participant[];
  mode: Mode;
  own: boolean;
  desk: Desk;
}

function PersonActs({ person, people, mode, own, desk }: ActsProps) {
  const { t } = useMeetingText();
  const groups = actsOf(t, mode, {
    ...person,
    raised: person.hand !== null,
    asked: person.invitation === 'asked',
    answers: person.via === 'browser',
    own,
    alone: person.podium && !people.some((one) => one.podium && one.id !== person.id),
  });
  return (
    <Menu
      withInitialFocusPlaceholder={false}
      position="bottom-end"
      shadow="md"
      transitionProps={{ duration: 80 }}
    >
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size={36} aria-label={t('act.of', { name: person.name })}>
          <IconDots size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <ActItems groups={groups} act={(act) => desk.moderate(act, person.id)} />
      </Menu.Dropdown>
    </Menu>
  );
}

function roleOf(person: Participant, mode: Mode, t: ReturnType<typeof useMeetingText>['t']): string {
  if (person.away) return t('tile.away');
  const lecture = mode === 'lecture';
  const { role, podium, pinned, invitation, user } = person;
  const parts = [
    role !== 'participant' && t(`people.${role}`),
    podium && t(lecture ? 'lecture.lectures' : pinned ? 'people.pinned' : 'people.podium'),
    invitation && t(lecture ? `lecture.${invitation}` : `invited.${invitation}`),
    person.remark && t('people.remark'),
    person.via === 'whip' && t('people.program'),
    user === null && t('people.guest'),
  ];
  return parts.filter(Boolean).join(' · ');
}
