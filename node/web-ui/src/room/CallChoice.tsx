import { Button, Checkbox, Group, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import type { ConferencePerson } from '../api/types';
import { useMeetingText } from './context';
import { Named } from './Named';

/** Of fewer nobody has to be looked for. */
const MANY = 8;

const fold = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

interface Props {
  text: string;
  expected: ConferencePerson[];
  /** Those who are ticked are called; `null`: all of them. */
  start: (users: string[] | null) => void;
}

/** Which of those who are expected a meeting calls as it starts. */
export function CallChoice({ text, expected, start }: Props) {
  const { t } = useMeetingText();
  const [left, leave] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState('');
  const called = expected.filter(({ user }) => !left.has(user));
  const wanted = fold(search.trim());
  const shown = expected.filter(
    ({ user, display_name }) => fold(display_name).includes(wanted) || user.includes(wanted),
  );
  const all = called.length === expected.length && called.length > 0;
  const toggle = (user: string, on: boolean) => {
    const next = new Set(left);
    if (on) next.delete(user);
    else next.add(user);
    leave(next);
  };
  const toggleAll = (on: boolean) => leave(on ? new Set() : new Set(expected.map(({ user }) => user)));
  return (
    <Stack gap="md">
      <Text size="sm">{text}</Text>
      <Checkbox
        label={t('start.everybody', { count: expected.length })}
        checked={called.length === expected.length}
        indeterminate={called.length > 0 && called.length < expected.length}
        onChange={(event) => toggleAll(event.currentTarget.checked)}
      />
      {expected.length >= MANY && (
        <TextInput
          aria-label={t('people.find')}
          placeholder={t('called.find')}
          leftSection={<IconSearch size={16} aria-hidden />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
      )}
      <ScrollArea.Autosize mah={320} type="auto" viewportProps={{ tabIndex: 0 }}>
        <Stack component="ul" gap={6} m={0} ps={28} style={{ listStyle: 'none' }} aria-label={t('start.who')}>
          {shown.map(({ user, display_name }) => (
            <li key={user}>
              <Checkbox
                label={<Named name={display_name} user={user} />}
                styles={{ body: { alignItems: 'center' }, labelWrapper: { minWidth: 0 } }}
                checked={!left.has(user)}
                onChange={(event) => toggle(user, event.currentTarget.checked)}
              />
            </li>
          ))}
        </Stack>
        {shown.length === 0 && (
          <Text size="sm" c="dimmed" role="status">
            {t('start.nobody')}
          </Text>
        )}
      </ScrollArea.Autosize>
      <Group justify="flex-end">
        <Button
          leftSection={<IconPlayerPlay size={18} aria-hidden />}
          onClick={() => start(all ? null : called.map(({ user }) => user))}
        >
          {called.length > 0 ? t('start.andCall', { count: called.length }) : t('notice.start')}
        </Button>
      </Group>
    </Stack>
  );
}
