import { Button, Checkbox, Group, ScrollArea, Stack, Text, TextInput } from '@mantine/core';
import { IconPlayerPlay, IconSearch } from '@tabler/icons-react';
import { useState } from 'react';
import { useMeetingText, useVisit } from './context';
import { Named } from './Named';
import { useExpected } from './useExpected';

/** Of fewer nobody has to be looked for. */
const MANY = 8;

const fold = (text: string) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase();

/** Lets the meeting begin, and rings at those who are ticked. */
export function Start({ done }: { done: () => void }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const expected = useExpected();
  const [left, leave] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState('');
  const called = expected.filter(({ user }) => !left.has(user));
  const wanted = fold(search.trim());
  const shown = expected.filter(
    ({ user, display_name }) => fold(display_name).includes(wanted) || user.includes(wanted),
  );
  const start = () => {
    meeting.moderate('start');
    const all = called.length === expected.length;
    if (called.length > 0) meeting.call(all ? null : called.map(({ user }) => user));
    done();
  };
  const toggle = (user: string, on: boolean) => {
    const next = new Set(left);
    if (on) next.delete(user);
    else next.add(user);
    leave(next);
  };
  const toggleAll = (on: boolean) => leave(on ? new Set() : new Set(expected.map(({ user }) => user)));
  return (
    <Stack gap="md">
      <Text size="sm">{t('start.text')}</Text>
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
        <Button leftSection={<IconPlayerPlay size={18} aria-hidden />} onClick={start}>
          {called.length > 0 ? t('start.andCall', { count: called.length }) : t('notice.start')}
        </Button>
      </Group>
    </Stack>
  );
}
