import { Group, Loader, Text } from '@mantine/core';
import { IconCircleFilled, IconPlugConnectedX } from '@tabler/icons-react';
import { createContext, useContext, useEffect, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import type { Live } from './live';

export const LiveContext = createContext<Live | null>(null);

/** Quietly how live the page is: a word only while it is not. */
export function LiveState() {
  const { t } = useTranslation();
  const live = useContext(LiveContext)!;
  const { state, reason } = useSyncExternalStore(live.subscribe, live.current);
  const [long, setLong] = useState(false);
  useEffect(() => {
    if (state === 'open') return;
    const timer = setTimeout(() => setLong(true), 1_500);
    return () => {
      clearTimeout(timer);
      setLong(false);
    };
  }, [state]);

  if (state === 'ended' && reason === 'replaced') return null;
  if (state === 'ended') {
    return (
      <Group gap={6} wrap="nowrap" role="status" c="var(--plenary-warn)">
        <IconPlugConnectedX size={16} aria-hidden />
        <Text size="xs">{t('live.off')}</Text>
      </Group>
    );
  }
  if (state === 'open' || !long) {
    return (
      <Group gap={6} wrap="nowrap" role="status" visibleFrom="md" title={t('live.onHint')} data-live={state}>
        <IconCircleFilled size={8} color="var(--plenary-good)" aria-hidden />
        <Text size="xs" c="dimmed">
          {t('live.on')}
        </Text>
      </Group>
    );
  }
  return (
    <Group gap={8} wrap="nowrap" role="status">
      <Loader size={14} color="var(--plenary-warn)" />
      <Text size="xs">{t('live.reconnecting')}</Text>
    </Group>
  );
}
