import { Button, Table, Text, Title } from '@mantine/core';
import type { BorderSource } from '../api/types';
import { number, useAdminText } from '../ui/text';

interface Props {
  rows: BorderSource[];
  /** Networks that are kept out already. */
  denied: string[];
  /** Leads to where a network is kept out; missing for those who may not. */
  keepOut?: (network: string) => void;
}

/** The networks from which most connections come, and a way to keep them out. */
export function BorderSources({ rows, denied, keepOut }: Props) {
  const { t } = useAdminText();
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="border-sources">
      <Title order={3} size="h5" id="border-sources" mb={4}>
        {t('border.sources')}
      </Title>
      <Text size="xs" c="dimmed">
        {t('border.sourcesText')}
      </Text>
      <Table aria-labelledby="border-sources" horizontalSpacing="xs">
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('border.network')}</Table.Th>
            <Table.Th ta="right">{t('border.connections')}</Table.Th>
            <Table.Th ta="right">{t('border.refused')}</Table.Th>
            {keepOut && <Table.Td />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map(({ network, connections, refused }) => (
            <Table.Tr key={network}>
              <Table.Th scope="row" fw={400} style={{ overflowWrap: 'anywhere' }}>
                {network}
              </Table.Th>
              <Table.Td ta="right">{number(connections)}</Table.Td>
              <Table.Td ta="right">{number(refused)}</Table.Td>
              {keepOut && (
                <Table.Td ta="right">
                  {denied.includes(network) ? (
                    <Text size="xs" c="dimmed">
                      {t('border.keptOut')}
                    </Text>
                  ) : (
                    <Button
                      size="compact-xs"
                      variant="default"
                      aria-label={t('border.keepOutNamed', { network })}
                      onClick={() => keepOut(network)}
                    >
                      {t('border.keepOut')}
                    </Button>
                  )}
                </Table.Td>
              )}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </section>
  );
}
