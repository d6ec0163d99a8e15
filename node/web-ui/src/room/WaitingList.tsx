import { ActionIcon, Button, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { waitingIn } from '../meeting/state';
import { Face } from '../ui/Face';
import { useMeeting, useMeetingText, useVisit } from './context';

/** Who waits to be let in; moderators see it. */
export function WaitingList() {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const { participants, counts } = useMeeting();
  const waiting = waitingIn(participants);
  if (waiting.length === 0) return null;
  return (
    <section aria-labelledby="waiting-list">
      <Group justify="space-between" px={8} py={4}>
        <Title order={3} size="h5" id="waiting-list">
          {t('waiting.list', { count: counts.waiting })}
        </Title>
        <Button size="compact-sm" variant="light" onClick={() => meeting.moderate('admit_all')}>
          {t('act.admitAll')}
        </Button>
      </Group>
      <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }}>
        {waiting.map((person) => (
          <Group component="li" key={person.id} wrap="nowrap" gap="sm" px={8} py={6}>
            <Face name={person.name} size={36} />
            <div style={{ flex: 1, minWidth: 0 }}>
              <Text size="sm" truncate fw={500}>
                {person.name}
              </Text>
              {person.guest && (
                <Text size="xs" c="dimmed">
                  {t('people.guest')}
                </Text>
              )}
            </div>
            <Tooltip label={t('act.refuse', { name: person.name })}>
              <ActionIcon
                variant="default"
                size={36}
                aria-label={t('act.refuse', { name: person.name })}
                onClick={() => meeting.moderate('remove', person.id)}
              >
                <IconX size={18} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={t('act.admit', { name: person.name })}>
              <ActionIcon
                size={36}
                aria-label={t('act.admit', { name: person.name })}
                onClick={() => meeting.moderate('admit', person.id)}
              >
                <IconCheck size={18} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
        ))}
      </Stack>
      {counts.waiting > waiting.length && (
        <Text size="xs" c="dimmed" px={8} py={4}>
          {t('waiting.more', { count: counts.waiting - waiting.length })}
        </Text>
      )}
    </section>
  );
}
