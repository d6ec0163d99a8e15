import { Card, Stack, Switch, Title } from '@mantine/core';
import { useTranslation } from 'react-i18next';
import { notices } from './notices';
import { useNotices } from './useNotices';

/** Whether this browser tells of calls while one looks at something else. */
export function NoticeSwitch() {
  const { t } = useTranslation();
  const { state } = useNotices();
  if (state === 'none') return null;
  return (
    <Card withBorder mb="md">
      <Stack gap="sm">
        <Title order={2} size="h4">
          {t('notices.title')}
        </Title>
        <Switch
          label={t('notices.switch')}
          description={t(state === 'blocked' ? 'notices.blocked' : 'notices.hint')}
          disabled={state === 'blocked'}
          checked={state === 'on'}
          onChange={(event) => void (event.currentTarget.checked ? notices.on() : notices.off())}
        />
      </Stack>
    </Card>
  );
}
