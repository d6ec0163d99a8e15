import { Button, Group, Stack, Text, Title } from '@mantine/core';
import { IconArrowBackUp } from '@tabler/icons-react';
import i18n from '../i18n';
import type { RemovedPerson } from '../meeting/messages';
import { Face } from '../ui/Face';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { Desk } from './desk';

/** Whom moderators removed from this run, and may let back; they see it. */
export function RemovedList() {
  const { meeting } = useVisit();
  const { removed } = useMeeting();
  return <RemovedPeople {...removed} desk={meeting} />;
}

type Person = Pick<RemovedPerson, 'id' | 'name' | 'guest' | 'programs_only'> & { at: number | string };

interface Props {
  people: Person[];
  /** Those who are not told by name included. */
  count: number;
  desk: Desk;
}

/** The same, from wherever one moderates. */
export function RemovedPeople({ people, count, desk }: Props) {
  const { t } = useMeetingText();
  if (count === 0) return null;
  return (
    <section aria-labelledby="removed-list">
      <Title order={3} size="h5" id="removed-list" px={8} pt="sm">
        {t('removed.list', { count })}
      </Title>
      <Text size="xs" c="dimmed" px={8} pb={4}>
        {t('removed.text')}
      </Text>
      <Stack component="ul" gap={2} m={0} p={0} mb="xs" style={{ listStyle: 'none' }}>
        {people.map((person) => (
          <Row key={person.id} person={person} desk={desk} />
        ))}
      </Stack>
      {count > people.length && (
        <Text size="xs" c="dimmed" px={8} py={4}>
          {t('waiting.more', { count: count - people.length })}
        </Text>
      )}
    </section>
  );
}

function Row({ person, desk }: { person: Person; desk: Desk }) {
  const { t } = useMeetingText();
  const at = new Intl.DateTimeFormat(i18n.language, { timeStyle: 'short' }).format(new Date(person.at));
  const facts = [
    t('removed.at', { at }),
    person.programs_only && t('people.program'),
    person.guest && t('people.guest'),
  ];
  return (
    <Group component="li" wrap="nowrap" gap="sm" px={8} py={6}>
      <Face name={person.name} size={36} />
      <div style={{ flex: 1, minWidth: 0 }}>
        <Text size="sm" truncate fw={500}>
          {person.name}
        </Text>
        <Text size="xs" c="dimmed" truncate>
          {facts.filter(Boolean).join(' · ')}
        </Text>
      </div>
      <Button
        size="compact-sm"
        variant="default"
        leftSection={<IconArrowBackUp size={16} aria-hidden />}
        aria-label={t('removed.letBackOne', { name: person.name })}
        onClick={() => desk.letBack(person.id)}
      >
        {t('removed.letBack')}
      </Button>
    </Group>
  );
}
