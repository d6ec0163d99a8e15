import { Group, Kbd, Stack, Switch, Table, Text } from '@mantine/core';
import { choices } from '../meeting/choices';
import { useChoices, useMeetingText } from './context';

const keys = [
  ['m', 'mic'],
  ['v', 'camera'],
  ['h', 'hand'],
  ['space', 'talk'],
  ['digits', 'pin'],
  ['question', 'help'],
] as const;

export function Shortcuts() {
  const { t } = useMeetingText();
  const { shortcuts } = useChoices();
  return (
    <Stack gap="md">
      <Switch
        label={t('keys.on')}
        checked={shortcuts}
        onChange={(event) => choices.set({ shortcuts: event.currentTarget.checked })}
      />
      <Table>
        <Table.Tbody>
          {keys.map(([key, does]) => (
            <Table.Tr key={key}>
              <Table.Th fw={400} scope="row">
                <Text size="sm">{t(`keys.${does}`)}</Text>
              </Table.Th>
              <Table.Td>
                <Group justify="flex-end">
                  <Kbd>{t(`keys.${key}`)}</Kbd>
                </Group>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Stack>
  );
}
