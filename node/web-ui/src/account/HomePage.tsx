import { Button, Card, Group, SimpleGrid, Stack, Text, Title } from '@mantine/core';
import { IconAddressBook, IconDevices, IconEdit, IconGauge, IconLock } from '@tabler/icons-react';
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
        <SimpleGrid cols={{ base: 1, xs: 2, md: me.admin === 'none' ? 3 : 4 }} spacing="md">
          <Way
            to="/contacts"
            icon={<IconAddressBook />}
            title={t('nav.contacts')}
            text={t('home.contacts')}
          />
          <Way to="/devices" icon={<IconDevices />} title={t('nav.devices')} text={t('home.devicesHint')} />
          <Way to="/password" icon={<IconLock />} title={t('nav.password')} text={t('home.password')} />
          {me.admin !== 'none' && (
            <Way to="/admin" icon={<IconGauge />} title={t('nav.summary')} text={t('home.admin')} />
          )}
        </SimpleGrid>
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

type WayTo = '/contacts' | '/devices' | '/password' | '/admin';

function Way({ to, icon, title, text }: { to: WayTo; icon: React.ReactNode; title: string; text: string }) {
  return (
    <Card withBorder component={Link} to={to} c="inherit" td="none">
      <Group gap="xs" mb={4} wrap="nowrap">
        {icon}
        <Text fw={600}>{title}</Text>
      </Group>
      <Text size="sm" c="dimmed">
        {text}
      </Text>
    </Card>
  );
}
