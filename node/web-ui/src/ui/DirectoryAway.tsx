import { Group, Text } from '@mantine/core';
import { IconPlugConnectedX } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Missing } from './useFound';

/** Says that people, those of other servers at least, are not among those who were found, and why. */
export function DirectoryAway({ missing }: { missing?: Missing }) {
  const { t } = useTranslation();
  const texts = { away: t('find.away'), held: t('find.held'), failed: t('find.failed') };
  return (
    <div role="status">
      {missing && (
        <Group gap={6} wrap="nowrap" align="flex-start" mt={4}>
          <IconPlugConnectedX size={16} aria-hidden style={{ flexShrink: 0, marginTop: 2 }} />
          <Text size="sm">{texts[missing]}</Text>
        </Group>
      )}
    </div>
  );
}
