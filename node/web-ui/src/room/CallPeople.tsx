import { Button, Group, MultiSelect, Stack, Text } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconPhone, IconPhoneCall } from '@tabler/icons-react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queries } from '../api/queries';
import { DirectoryAway } from '../ui/DirectoryAway';
import { useFound } from '../ui/useFound';
import { useMayCall } from '../ui/useMe';
import { useMeeting, useMeetingText, useVisit } from './context';
import type { Desk } from './desk';
import { Named } from './Named';
import { useExpected } from './useExpected';

const MOST = 100;

/** Whether it is somebody of another server: user@server. */
const isAway = (call: string) => /^[^@\s\\#]+@[^@\s.]+(\.[^@\s.]+)+$/.test(call);

/** Rings at people of the address book, whoever is named with their server, or all who are invited. */
export function CallPeople({ done }: { done: () => void }) {
  const { meeting } = useVisit();
  const { participants } = useMeeting();
  const expected = useExpected().length;
  const inside = new Set([...participants.values()].map(({ user }) => user));
  return <ChoosePeople inside={inside} expected={expected} desk={meeting} done={done} />;
}

interface Props {
  inside: ReadonlySet<string | null>;
  /** How many are invited and not in. */
  expected: number;
  desk: Desk;
  done: () => void;
}

/** The same, from wherever one moderates. */
export function ChoosePeople(props: Props) {
  const { t } = useMeetingText();
  return useMayCall() ? <Choose {...props} /> : <Text size="sm">{t('called.mayNot')}</Text>;
}

function Choose({ inside, expected, desk, done }: Props) {
  const { t } = useMeetingText();
  const [chosen, setChosen] = useState<string[]>([]);
  const [text, setText] = useState('');
  // Closed by each choice: it would cover the button.
  const [opened, open] = useState(false);
  const [settled] = useDebouncedValue(text.trim(), 150);
  const found = useInfiniteQuery(queries.myContacts({ search: settled }));
  // Who was chosen keeps the name when other names are looked for.
  const [names, setNames] = useState<ReadonlyMap<string, string>>(new Map());
  const contacts = (found.data?.pages[0]?.items ?? []).flatMap(({ user_id, partner_id, display_name }) => {
    const user = user_id?.split('@')[0] ?? partner_id;
    return user && !inside.has(user) ? [{ value: user, label: display_name || user }] : [];
  });
  const anybody = useFound(text, 'user');
  const others = anybody.hits.flatMap(({ kind, call, display_name }) =>
    kind === 'user' && call && !inside.has(call) && !contacts.some(({ value }) => value === call)
      ? [{ value: call, label: display_name || call }]
      : [],
  );
  const listed = [...contacts, ...others];
  const typed = settled.toLowerCase();
  const isNew = isAway(typed) && !listed.some(({ value }) => value === typed) && !inside.has(typed);
  const people = isNew ? [...listed, { value: typed, label: typed }] : listed;
  const known = new Map([...names, ...people.map(({ value, label }) => [value, label] as const)]);
  const options = [...new Set([...chosen, ...people.map(({ value }) => value)])];
  const call = (users: string[] | null) => {
    desk.call(users);
    done();
  };
  return (
    <Stack gap="sm">
      <MultiSelect
        label={t('called.who')}
        description={t('called.whoHint')}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        placeholder={chosen.length === 0 ? t('called.find') : undefined}
        searchable
        hidePickedOptions
        maxValues={MOST}
        data={options.map((value) => ({ value, label: known.get(value) ?? value }))}
        filter={({ options }) => options}
        nothingFoundMessage={found.isFetching ? undefined : t('called.none')}
        renderOption={({ option }) => <Named name={option.label} user={option.value} />}
        dropdownOpened={opened}
        onDropdownOpen={() => open(true)}
        onDropdownClose={() => open(false)}
        onOptionSubmit={() => open(false)}
        searchValue={text}
        onSearchChange={(next) => {
          setText(next);
          if (next) open(true);
        }}
        value={chosen}
        onChange={(next) => {
          setNames(known);
          setChosen(next);
        }}
      />
      <DirectoryAway missing={anybody.missing} />
      <Group gap="xs">
        <Button
          leftSection={<IconPhone size={18} aria-hidden />}
          disabled={chosen.length === 0}
          onClick={() => call(chosen)}
        >
          {t('called.call', { count: chosen.length })}
        </Button>
        {expected > 0 && (
          <Button
            variant="default"
            leftSection={<IconPhoneCall size={18} aria-hidden />}
            onClick={() => call(null)}
          >
            {t('called.all', { count: expected })}
          </Button>
        )}
      </Group>
    </Stack>
  );
}
