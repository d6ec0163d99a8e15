import { Group, Text, VisuallyHidden } from '@mantine/core';
import { IconMapPin } from '@tabler/icons-react';
import { useMeetingText } from './context';

/** Where people meet beside the conference; nothing where that is nowhere. */
export function Where({ place }: { place: string }) {
  const { t } = useMeetingText();
  if (!place) return null;
  return (
    <Group gap={6} wrap="nowrap" align="flex-start">
      <IconMapPin size={18} aria-hidden style={{ flex: 'none', marginTop: 1 }} />
      <Text size="sm" style={{ overflowWrap: 'anywhere' }}>
        <VisuallyHidden>{t('entry.place')}: </VisuallyHidden>
        {place}
      </Text>
    </Group>
  );
}
