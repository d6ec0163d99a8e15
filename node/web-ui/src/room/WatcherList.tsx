import { ActionIcon, Group, Stack, Text, Title, Tooltip } from '@mantine/core';
import { IconUserMinus } from '@tabler/icons-react';
import { useState } from 'react';
import i18n from '../i18n';
import type { Watcher } from '../meeting/messages';
import { Confirm } from '../ui/Confirm';
import { Face } from '../ui/Face';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { Desk } from './desk';

/** Programs that watch and stand in no list of people; moderators see them. */
export function WatcherList() {
  const { meeting } = useVisit();
  const { count, programs } = useMeeting().watchers;
  return <WatchingPrograms programs={programs} count={count} desk={meeting} />;
}

type Program = Pick<Watcher, 'id' | 'name' | 'node'> & { since: number | string };

interface Props {
  programs: Program[];
  /** Those that are not told included. */
  count: number;
  desk: Desk;
}

/** The same, from wherever one moderates. */
export function WatchingPrograms({ programs, count, desk }: Props) {
  const { t } = useMeetingText();
  const [leaving, setLeaving] = useState<Program | null>(null);
  // Whoever is being asked about stays asked about: the list may change meanwhile.
  if (count === 0 && leaving === null) return null;
  return (
    <section aria-labelledby="watcher-list">
      <Title order={3} size="h5" id="watcher-list" px={8} py={4}>
        {t('watchers.list', { count })}
      </Title>
      <Stack component="ul" gap={2} m={0} p={0} mb="xs" style={{ listStyle: 'none' }}>
        {programs.map((program) => (
          <Row key={program.id} program={program} remove={setLeaving} />
        ))}
      </Stack>
      {count > programs.length && (
        <Text size="xs" c="dimmed" px={8} py={4}>
          {t('waiting.more', { count: count - programs.length })}
        </Text>
      )}
      <Remove program={leaving} desk={desk} close={() => setLeaving(null)} />
    </section>
  );
}

function Remove({ program, desk, close }: { program: Program | null; desk: Desk; close: () => void }) {
  const { t } = useMeetingText();
  return (
    <Confirm
      opened={program !== null}
      close={close}
      title={t('watchers.removeTitle')}
      verb={t('watchers.removeVerb')}
      act={() => {
        if (program) desk.moderate('remove_watcher', program.id);
        return Promise.resolve();
      }}
    >
      {t('watchers.removeText', { name: program?.name ?? '' })}
    </Confirm>
  );
}

function Row({ program, remove: ask }: { program: Program; remove: (program: Program) => void }) {
  const { t } = useMeetingText();
  const since = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short' }).format(
    new Date(program.since),
  );
  const remove = t('watchers.remove', { name: program.name });
  return (
    <Group component="li" wrap="nowrap" gap="sm" px={8} py={6}>
      <Face name={program.name} size={36} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" truncate fw={500}>
          {program.name}
        </Text>
        <Text size="xs" c="dimmed" truncate>
          {t('watchers.since', { since, node: program.node })}
        </Text>
      </div>
      <Tooltip label={remove}>
        <ActionIcon variant="default" size={36} aria-label={remove} onClick={() => ask(program)}>
          <IconUserMinus size={18} aria-hidden />
        </ActionIcon>
      </Tooltip>
    </Group>
  );
}
