import { Button, Card, Group, Text } from '@mantine/core';
import { IconArmchair } from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { tell, tellProblem } from '../ui/notify';
import { Time } from '../ui/Time';

/** What one has of PRO, where the server shows it and it is needed. */
export function ProSeat() {
  const { t } = useTranslation();
  const cache = useQueryClient();
  const pro = useQuery(queries.myPro());
  const ask = useMutation({
    mutationFn: calls.askForPro,
    onSuccess: (now) => {
      cache.setQueryData(queries.myPro().queryKey, now);
      tell(t('pro.got'));
    },
    onError: tellProblem,
  });
  if (!pro.data?.shown || !pro.data.needed) return null;
  const { kind, until, may_ask } = pro.data;
  const held = kind === 'permanent' || kind === 'temporary';
  return (
    <Card withBorder component="section" aria-label={t('pro.title')}>
      <Group justify="space-between" gap="sm">
        <Group gap="sm" wrap="nowrap" miw={0} style={{ flex: '1 1 260px' }}>
          <IconArmchair aria-hidden style={{ flex: 'none' }} />
          <div>
            <Text fw={600}>{t('pro.title')}</Text>
            <Text size="sm" c="dimmed">
              {kind === 'permanent' && t('pro.permanent')}
              {kind === 'temporary' && until && (
                <>
                  {t('pro.until')} <Time at={until} />
                </>
              )}
              {!held && t('pro.none')}
            </Text>
          </div>
        </Group>
        {!held && may_ask && (
          <Button variant="default" loading={ask.isPending} onClick={() => ask.mutate()}>
            {t('pro.ask')}
          </Button>
        )}
      </Group>
    </Card>
  );
}
