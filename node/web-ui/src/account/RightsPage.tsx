import { Card, Group, Stack, Text, Title } from '@mantine/core';
import { IconCheck, IconX } from '@tabler/icons-react';
import { rights } from '../api/types';
import { Facts } from '../ui/Facts';
import { Page } from '../ui/Page';
import { useAdminText } from '../ui/text';
import { useMe } from '../ui/useMe';
import { ProSeat } from './ProSeat';
import { showBandwidth } from './showBandwidth';

/** What one may do here, and by what: for reading, administrators change it. */
export function RightsPage() {
  const { t } = useAdminText();
  const me = useMe();
  return (
    <Page narrow title={t('common:nav.rights')} purpose={t('common:rights.purpose')}>
      <Stack gap="md">
        <ProSeat />
        <Card withBorder padding="lg">
          <Title order={2} mb="sm">
            {t('common:rights.title')}
          </Title>
          <Stack
            component="ul"
            gap="sm"
            m={0}
            p={0}
            style={{ listStyle: 'none' }}
            aria-label={t('common:rights.title')}
          >
            {rights.map((right) => {
              const may = me.rights.includes(right);
              return (
                <li key={right}>
                  <Group gap="sm" wrap="nowrap" align="flex-start">
                    {may ? (
                      <IconCheck size={20} color="var(--plenary-good)" aria-hidden style={{ flex: 'none' }} />
                    ) : (
                      <IconX
                        size={20}
                        color="var(--mantine-color-dimmed)"
                        aria-hidden
                        style={{ flex: 'none' }}
                      />
                    )}
                    <div style={{ minWidth: 0, flex: 1 }}>
                      <Text size="sm" fw={600} c={may ? undefined : 'dimmed'}>
                        {t(`right.${right}`)}
                      </Text>
                      <Text size="sm" c="dimmed">
                        {t(`right.${right}Hint`)}
                      </Text>
                    </div>
                    <Text size="sm" c={may ? undefined : 'dimmed'}>
                      {t(may ? 'common:rights.allowed' : 'common:rights.refused')}
                    </Text>
                  </Group>
                </li>
              );
            })}
          </Stack>
        </Card>
        <Card withBorder padding="lg">
          <Facts
            facts={[
              [t('common:rights.role'), t(`adminRole.${me.admin}`)],
              [t('common:home.bandwidth'), showBandwidth(me.bandwidth_effective)],
            ]}
          />
        </Card>
      </Stack>
    </Page>
  );
}
