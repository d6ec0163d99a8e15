import { Button, Checkbox, Group, ScrollArea, Stack, Text } from '@mantine/core';
import { IconPlayerPlay } from '@tabler/icons-react';
import { useState } from 'react';
import { useMeetingText, useVisit } from './context';
import { useExpected } from './useExpected';

/** Lets the meeting begin, and rings at those who are ticked. */
export function Start({ done }: { done: () => void }) {
  const { t } = useMeetingText();
  const { meeting } = useVisit();
  const expected = useExpected();
  const [left, leave] = useState<ReadonlySet<string>>(new Set());
  const called = expected.filter((user) => !left.has(user));
  const start = () => {
    meeting.moderate('start');
    if (called.length > 0) meeting.call(called.length === expected.length ? null : called);
    done();
  };
  const toggle = (user: string, on: boolean) => {
    const next = new Set(left);
    if (on) next.delete(user);
    else next.add(user);
    leave(next);
  };
  return (
    <Stack gap="md">
      <Text size="sm">{t('start.text')}</Text>
      <Checkbox
        label={t('start.everybody', { count: expected.length })}
        checked={called.length === expected.length}
        indeterminate={called.length > 0 && called.length < expected.length}
        onChange={(event) => leave(event.currentTarget.checked ? new Set() : new Set(expected))}
      />
      <ScrollArea.Autosize mah={320} type="auto" viewportProps={{ tabIndex: 0 }}>
        <Stack component="ul" gap={4} m={0} ps={28} style={{ listStyle: 'none' }} aria-label={t('start.who')}>
          {expected.map((user) => (
            <li key={user}>
              <Checkbox
                label={user}
                checked={!left.has(user)}
                onChange={(event) => toggle(user, event.currentTarget.checked)}
              />
            </li>
          ))}
        </Stack>
      </ScrollArea.Autosize>
      <Group justify="flex-end">
        <Button leftSection={<IconPlayerPlay size={18} aria-hidden />} onClick={start}>
          {called.length > 0 ? t('start.andCall', { count: called.length }) : t('notice.start')}
        </Button>
      </Group>
    </Stack>
  );
}
