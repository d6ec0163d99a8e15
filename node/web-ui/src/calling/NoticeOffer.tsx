import { Button, Group, Text } from '@mantine/core';
import { IconBell } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import { notices } from './notices';
import { useNotices } from './useNotices';

/** Beside a call that was missed: the browser can tell of the next one. Said once, until somebody says no. */
export function NoticeOffer() {
  const { t } = useTranslation();
  const { offered } = useNotices();
  if (!offered) return null;
  return (
    <Group gap="sm" justify="space-between">
      <Text size="sm" flex="1 1 240px">
        {t('notices.offer')}
      </Text>
      <Group gap="xs">
        <Button
          size="xs"
          variant="light"
          leftSection={<IconBell size={14} aria-hidden />}
          onClick={() => void notices.on()}
        >
          {t('notices.allow')}
        </Button>
        <Button size="xs" variant="default" onClick={notices.decline}>
          {t('notices.notNow')}
        </Button>
      </Group>
    </Group>
  );
}
