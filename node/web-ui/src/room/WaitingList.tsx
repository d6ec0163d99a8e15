import { ActionIcon, Button, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import type { Participant } from '../meeting/messages';
import { waitingIn } from '../meeting/state';
import { Face } from '../ui/Face';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { Desk } from './desk';

/** Who waits to be let in; moderators see it. */
export function WaitingList() {
  const { meeting } = useVisit();
  const { participants, counts } = useMeeting();
  return <Waiting waiting={waitingIn(participants)} count={counts.waiting} desk={meeting} />;
}

interface Props {
  waiting: Pick<Participant, 'id' | 'name' | 'guest'>[];
  /** Those who are not told by name included. */
  count: number;
  desk: Desk;
}

/** The same, from wherever one moderates. */
export function Waiting({ waiting, count, desk }: Props) {
  const { t } = useMeetingText();
  if (waiting.length === 0) return null;
  return (
    <section aria-labelledby="waiting-list">
      <Group justify="space-between" px={8} py={4}>
        <Title order={3} size="h5" id="waiting-list">
          {t('waiting.list', { count })}
        </Title>
        <Button size="compact-sm" variant="light" onClick={() => desk.moderate('admit_all')}>
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
                onClick={() => desk.moderate('remove', person.id)}
              >
                <IconX size={18} aria-hidden />
              </ActionIcon>
            </Tooltip>
            <Tooltip label={t('act.admit', { name: person.name })}>
              <ActionIcon
                size={36}
                aria-label={t('act.admit', { name: person.name })}
                onClick={() => desk.moderate('admit', person.id)}
              >
                <IconCheck size={18} aria-hidden />
              </ActionIcon>
            </Tooltip>
          </Group>
        ))}
      </Stack>
      {count > waiting.length && (
        <Text size="xs" c="dimmed" px={8} py={4}>
          {t('waiting.more', { count: count - waiting.length })}
        </Text>
      )}
    </section>
  );
}
