import { Badge, Button, Card, Group, Stack, Text } from '@mantine/core';
import { IconDeviceDesktop, IconDeviceMobile, IconTerminal2 } from '@tabler/icons-react';
import { useTranslation } from 'react-i18next';
import type { Device } from '../api/types';
import { PresenceStatus } from './Status';
import { Time } from './Time';

const browsers: [RegExp, string][] = [
  [/Edg\//, 'Edge'],
  [/OPR\//, 'Opera'],
  [/Firefox\//, 'Firefox'],
  [/Chrom(e|ium)\//, 'Chrome'],
  [/Safari\//, 'Safari'],
];
const systems: [RegExp, string][] = [
  [/Android/, 'Android'],
  [/iPhone|iPad/, 'iOS'],
  [/Windows/, 'Windows'],
  [/Mac OS X/, 'macOS'],
  [/CrOS/, 'ChromeOS'],
  [/Linux/, 'Linux'],
];

/** "Firefox · Linux" of what a browser calls itself; the first word of anything else. */
export function deviceName(agent: string): string {
  const of = (known: [RegExp, string][]) => known.find(([pattern]) => pattern.test(agent))?.[1];
  const names = [of(browsers), of(systems)].filter(Boolean);
  return names.join(' · ') || agent.split(/[\s/(]/)[0] || '';
}

function DeviceIcon({ agent }: { agent: string }) {
  if (/Mobile|Android|iPhone/.test(agent)) return <IconDeviceMobile size={22} aria-hidden />;
  if (/Mozilla/.test(agent)) return <IconDeviceDesktop size={22} aria-hidden />;
  return <IconTerminal2 size={22} aria-hidden />;
}

interface Props {
  devices: Device[];
  /** Offers to end each but the one that shows this. */
  end?: (device: Device) => void;
  ending?: string;
}

export function DeviceList({ devices, end, ending }: Props) {
  const { t } = useTranslation();
  return (
    <Stack gap="xs" component="ul" m={0} p={0} style={{ listStyle: 'none' }}>
      {devices.map((device) => (
        <Card key={device.id} withBorder padding="sm" component="li">
          <Group justify="space-between" gap="sm">
            <Group gap="sm" wrap="nowrap" miw={0}>
              <DeviceIcon agent={device.user_agent} />
              <div style={{ minWidth: 0 }}>
                <Group gap="xs">
                  <Text size="sm" fw={600} title={device.user_agent}>
                    {device.label || deviceName(device.user_agent) || t('devices.unknown')}
                  </Text>
                  {device.current && <Badge size="sm">{t('devices.current')}</Badge>}
                </Group>
                <Text size="xs" c="dimmed">
                  {device.address} · {t('devices.since')} <Time at={device.created_at} /> ·{' '}
                  {t('devices.until')} <Time at={device.expires_at} />
                </Text>
              </div>
            </Group>
            <Group gap="sm">
              <PresenceStatus presence={device.online ? 'online' : 'offline'} />
              {end && !device.current && (
                <Button
                  size="xs"
                  variant="default"
                  loading={ending === device.id}
                  onClick={() => end(device)}
                  aria-label={t('devices.endOne', { name: device.label || deviceName(device.user_agent) })}
                >
                  {t('devices.end')}
                </Button>
              )}
            </Group>
          </Group>
        </Card>
      ))}
    </Stack>
  );
}
