import { ActionIcon, Group, Loader, Stack, Text, TextInput, Tooltip } from '@mantine/core';
import { IconChevronLeft, IconChevronRight, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useMeeting, useMeetingText } from './context';
import type { RoomControls } from './controls';
import { PersonRow } from './PersonRow';
import { LISTED, useListed } from './useListed';

/** More people than everybody is told of: the node is asked for one page at a time, and for names. */
export function Crowd({ controls }: { controls: RoomControls }) {
  const { t } = useMeetingText();
  const { participants, me } = useMeeting();
  const [find, setFind] = useState('');
  const [from, setFrom] = useState(0);
  const page = useListed(find, from);
  return (
    <>
      <TextInput
        type="search"
        px={8}
        pb={8}
        aria-label={t('people.find')}
        placeholder={t('people.find')}
        leftSection={<IconSearch size={16} aria-hidden />}
        leftSectionProps={{ style: { insetInlineStart: 8 } }}
        maxLength={100}
        value={find}
        onChange={(event) => {
          setFind(event.currentTarget.value);
          setFrom(0);
        }}
      />
      {page ? (
        <Pages from={page.from} shown={page.participants.length} found={page.found} go={setFrom} />
      ) : (
        <Loader size={20} mx={8} aria-label={t('people.loading')} />
      )}
      <Stack component="ul" gap={2} m={0} p={0} style={{ listStyle: 'none' }}>
        {page?.participants.map((listed, place) => {
          // Of those whom everybody hears of, it is known by now what has changed since.
          const person = participants.get(listed.id) ?? listed;
          return (
            <PersonRow
              key={person.id}
              person={person}
              place={page.from + place}
              mine={person.id === me}
              controls={controls}
            />
          );
        })}
      </Stack>
    </>
  );
}

interface PagesProps {
  from: number;
  shown: number;
  found: number;
  go: (from: number) => void;
}

/** Which of them one sees, and the way to the others. */
function Pages({ from, shown, found, go }: PagesProps) {
  const { t, i18n } = useMeetingText();
  const number = (value: number) => value.toLocaleString(i18n.language);
  const range = { from: number(from + 1), to: number(from + shown), found: number(found) };
  return (
    <Group component="nav" aria-label={t('people.pages')} justify="space-between" wrap="nowrap" px={8} pb={4}>
      <Text size="sm" c="dimmed" role="status">
        {shown > 0 ? t('people.range', range) : t('people.nobody')}
      </Text>
      {found > LISTED && (
        <Group gap={4} wrap="nowrap">
          <Step
            label={t('people.before')}
            icon={<IconChevronLeft size={18} aria-hidden />}
            off={from === 0}
            onClick={() => go(Math.max(0, from - LISTED))}
          />
          <Step
            label={t('people.after')}
            icon={<IconChevronRight size={18} aria-hidden />}
            off={from + shown >= found}
            onClick={() => go(from + LISTED)}
          />
        </Group>
      )}
    </Group>
  );
}

function Step(props: { label: string; icon: React.ReactNode; off: boolean; onClick: () => void }) {
  return (
    <Tooltip label={props.label}>
      <ActionIcon
        variant="default"
        size={36}
        aria-label={props.label}
        // It keeps the focus at the end of the list.
        aria-disabled={props.off}
        data-disabled={props.off || undefined}
        onClick={() => props.off || props.onClick()}
      >
        {props.icon}
      </ActionIcon>
    </Tooltip>
  );
}
