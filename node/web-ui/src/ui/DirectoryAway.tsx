import { Group, Text } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';

/** Says that people of other servers are not among those who were found. */
export function DirectoryAway({ away }: { away: boolean }) {
  const { t } = useTranslation();
  return (
    <div role="status">
      {away && (
        <Group gap={6} wrap="nowrap" align="flex-start" mt={4}>
          <IconPlugConnectedX size={16} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
          <Text size="sm">{t('find.away')}</Text>
        </Group>
      )}
    </div>
  );
}
