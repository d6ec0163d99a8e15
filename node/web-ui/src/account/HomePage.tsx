import { Button, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconEdit } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { RecentCalls } from '../calling/RecentCalls';
import { queries } from '../api/queries';
import { Face } from '../ui/Face';
import { Page } from '../ui/Page';
import { PresenceStatus } from '../ui/Status';
import { useMe } from '../ui/useMe';
import { Meetings } from './Meetings';
import { ProSeat } from './ProSeat';
import { showBandwidth } from './showBandwidth';

export function HomePage() {
  const { t } = useTranslation();
  const me = useMe();
  const devices = useQuery(queries.myDevices());
  return (
    <Page
      narrow
      title={t('home.title', { name: me.first_name || me.display_name })}
      purpose={t('home.purpose')}
    >
      <Stack gap="md">
        <Meetings />
        <RecentCalls />
        <ProSeat />
        <Card withBorder padding="lg">
          <Group justify="space-between" align="flex-start" gap="md">
            <Group wrap="nowrap" miw={0}>
              <Face
                name={me.display_name}
                size={64}
                picture={me.has_avatar ? { key: [me.id, me.revision], load: calls.myAvatar } : undefined}
              />
              <Stack gap={2} miw={0}>
                <Title order={2}>{me.display_name}</Title>
                <Text size="sm" c="dimmed">
                  {[me.job_title, me.department, me.organisation].filter(Boolean).join(' · ')}
                </Text>
                <PresenceStatus presence={me.presence === 'offline' ? 'online' : me.presence} />
              </Stack>
            </Group>
            <Button variant="default" component={Link} to="/profile" leftSection={<IconEdit size={16} />}>
              {t('home.edit')}
            </Button>
          </Group>
          <SimpleGrid cols={{ base: 1, xs: 2 }} mt="lg" spacing="md">
            <Fact label={t('home.id')} value={me.user_id} />
            <Fact label={t('field.email')} value={me.email || t('value.none')} />
            <Fact label={t('home.bandwidth')} value={showBandwidth(me.bandwidth_effective)} />
            <Fact
              label={t('home.devices')}
              value={devices.data ? t('home.devicesOnline', online(devices.data)) : '…'}
            />
          </SimpleGrid>
        </Card>
      </Stack>
    </Page>
  );
}

function online(devices: { online: boolean }[]) {
  return { count: devices.length, online: devices.filter((device) => device.online).length };
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <div>
      <Text size="xs" c="dimmed">
        {label}
      </Text>
      <Text size="sm">{value}</Text>
    </div>
  );
}
