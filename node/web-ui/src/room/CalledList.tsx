import { Button, Group, Stack, Text, Title } from '@mantine/core';
import {
  IconBan,
  IconPhone,
  IconPhoneCalling,
  IconPhoneOff,
  IconPhonePause,
  IconPhoneEnd,
  IconPhoneX,
  IconUserQuestion,
  IconWifiOff,
} from '@tabler/icons-react';
import type { CalledPerson } from '../meeting/messages';
import { Face } from '../ui/Face';
import { useMayCall } from '../ui/useMe';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { Desk } from './desk';

const ICONS = {
  ringing: IconPhoneCalling,
  declined: IconPhoneX,
  missed: IconPhoneOff,
  busy: IconPhonePause,
  unreachable: IconWifiOff,
  cancelled: IconPhoneEnd,
  nobody: IconUserQuestion,
  unreached: IconWifiOff,
  not_allowed: IconBan,
};

/** Who was called and is not in yet, and how that is; moderators see it. */
export function CalledList() {
  const { meeting } = useVisit();
  const { called, participants } = useMeeting();
  const inside = new Set([...participants.values()].map(({ user }) => user));
  return <Called out={called.filter(({ user }) => !inside.has(user))} desk={meeting} />;
}

type Person = Pick<CalledPerson, 'user' | 'name' | 'state'>;

/** The same, from wherever one moderates. */
export function Called({ out, desk }: { out: Person[]; desk: Desk }) {
  const { t } = useMeetingText();
  if (out.length === 0) return null;
  const ringing = out.filter(({ state }) => state === 'ringing').length;
  return (
    <section aria-labelledby="called-list">
      <Group justify="space-between" wrap="nowrap" px={8} py={4}>
        <Title order={3} size="h5" id="called-list">
          {t('called.list', { count: out.length })}
        </Title>
        {ringing > 1 && (
          <Button size="compact-sm" variant="default" onClick={() => desk.callOff(null)}>
            {t('called.stopAll')}
          </Button>
        )}
      </Group>
      <Stack component="ul" gap={2} m={0} p={0} mb="xs" style={{ listStyle: 'none' }} aria-live="polite">
        {out.map((person) => (
          <Row key={person.user} person={person} desk={desk} />
        ))}
      </Stack>
    </section>
  );
}

function Row({ person, desk }: { person: Person; desk: Desk }) {
  const { t } = useMeetingText();
  const mayCall = useMayCall();
  const Icon = ICONS[person.state];
  return (
    <Group component="li" wrap="nowrap" gap="sm" px={8} py={6}>
      <Face name={person.name} size={36} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" truncate fw={500}>
          {person.name}
        </Text>
        <Group gap={4} wrap="nowrap" c="dimmed">
          <Icon size={14} aria-hidden />
          <Text size="xs" truncate>
            {t(`called.${person.state}`)}
          </Text>
        </Group>
      </div>
      {person.state === 'ringing' ? (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPhoneEnd size={16} aria-hidden />}
          aria-label={t('called.stopOne', { name: person.name })}
          onClick={() => desk.callOff([person.user])}
        >
          {t('called.stop')}
        </Button>
      ) : (
        mayCall && (
          <Button
            size="compact-sm"
            variant="default"
            leftSection={<IconPhone size={16} aria-hidden />}
            aria-label={t('called.againOne', { name: person.name })}
            onClick={() => desk.call([person.user])}
          >
            {t('common:call.again')}
          </Button>
        )
      )}
    </Group>
  );
}
