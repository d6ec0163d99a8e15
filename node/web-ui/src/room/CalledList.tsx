import { Button, Group, Stack, Text, Title } from '@mantine/core';
import {
  IconPhone,
  IconPhoneCalling,
  IconPhoneOff,
  IconPhonePause,
  IconPhoneX,
  IconWifiOff,
} from '@tabler/icons-react';
import type { CalledPerson } from '../meeting/messages';
import { Face } from '../ui/Face';
import { useMeeting, useMeetingText, useVisit } from './context';

const ICONS = {
  ringing: IconPhoneCalling,
  declined: IconPhoneX,
  missed: IconPhoneOff,
  busy: IconPhonePause,
  unreachable: IconWifiOff,
};

/** Who was called and is not in yet, and how that is; moderators see it. */
export function CalledList() {
  const { t } = useMeetingText();
  const { called, participants } = useMeeting();
  const inside = new Set([...participants.values()].map(({ user }) => user));
  const out = called.filter(({ user }) => !inside.has(user));
  if (out.length === 0) return null;
  return (
    <section aria-labelledby="called-list">
      <Title order={3} size="h5" id="called-list" px={8} py={4}>
        {t('called.list', { count: out.length })}
      </Title>
      <Stack component="ul" gap={2} m={0} p={0} mb="xs" style={{ listStyle: 'none' }} aria-live="polite">
        {out.map((person) => (
          <Row key={person.user} person={person} />
        ))}
      </Stack>
    </section>
  );
}

function Row({ person }: { person: CalledPerson }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
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
      {person.state !== 'ringing' && (
        <Button
          size="compact-sm"
          variant="default"
          leftSection={<IconPhone size={16} aria-hidden />}
          aria-label={t('called.againOne', { name: person.name })}
          onClick={() => meeting.call([person.user])}
        >
          {t('common:call.again')}
        </Button>
      )}
    </Group>
  );
}
