import { ActionIcon, Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { IconPlus, IconTrash } from '@tabler/icons-react';
import { useState } from 'react';
import type { AddressBookEntry } from '../api/types';
import { useAdminText } from '../ui/text';

interface Props {
  entries: AddressBookEntry[];
  onChange: (entries: AddressBookEntry[]) => void;
  readOnly: boolean;
}

/** Hand-picked entries of a group's address book. */
export function BookEntries({ entries, onChange, readOnly }: Props) {
  const { t } = useAdminText();
  const [call, setCall] = useState('');
  const [name, setName] = useState('');
  const add = () => {
    const next = { call: call.trim(), display_name: name.trim() };
    if (!next.call) return;
    onChange([...entries.filter((entry) => entry.call !== next.call), next]);
    setCall('');
    setName('');
  };
  return (
    <div>
      <Text size="sm" fw={500}>
        {t('book.picked')}
      </Text>
      <Text size="xs" c="dimmed" mb="xs">
        {t('book.pickedHint')}
      </Text>
      <Stack gap={4} mb="sm">
        {entries.map((entry) => (
          <Group key={entry.call} justify="space-between" wrap="nowrap" gap="xs">
            <Text size="sm" truncate>
              {entry.display_name || entry.call}{' '}
              <Text span size="xs" c="dimmed">
                {entry.display_name && entry.call}
              </Text>
            </Text>
            {!readOnly && (
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t('book.removeEntry', { name: entry.display_name || entry.call })}
                onClick={() => onChange(entries.filter((one) => one !== entry))}
              >
                <IconTrash size={16} />
              </ActionIcon>
            )}
          </Group>
        ))}
      </Stack>
      {!readOnly && (
        <Group align="flex-end" gap="xs">
          <TextInput
            style={{ flex: '2 1 180px' }}
            label={t('common:contacts.call')}
            autoCapitalize="none"
            spellCheck={false}
            value={call}
            onChange={(event) => setCall(event.currentTarget.value)}
          />
          <TextInput
            style={{ flex: '2 1 160px' }}
            label={t('common:contacts.name')}
            value={name}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <Button
            variant="default"
            leftSection={<IconPlus size={16} />}
            onClick={add}
            disabled={!call.trim()}
          >
            {t('book.add')}
          </Button>
        </Group>
      )}
    </div>
  );
}
