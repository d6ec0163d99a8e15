import {
  Alert,
  Button,
  Card,
  Checkbox,
  Group,
  PasswordInput,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import {
  IconAlertTriangle,
  IconChartAreaLine,
  IconPlugConnected,
  IconPlugConnectedX,
} from '@tabler/icons-react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Licence, LicenseManager as Manager } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Facts } from '../ui/Facts';
import { tell } from '../ui/notify';
import { ErrorState } from '../ui/States';
import { Status } from '../ui/Status';
import { duration, number, textOf, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useMayChange } from '../ui/useMe';
import { kinds, managerTone } from './licenseManager';

/** Where the seats are borrowed, if they are, and how that is begun and ended. */
export function LicenseManager({ licence }: { licence: Licence }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const manager = licence.license_manager;
  // A server with files of its own is not asked to borrow.
  if (!manager && (!mayChange || licence.files.length > 0)) return null;
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('manager.title')}>
      <Title order={2} size="h3" mb={4}>
        {t('manager.title')}
      </Title>
      <Text size="sm" c="dimmed" mb="md">
        {t(manager ? 'manager.hint' : 'manager.noneHint')}
      </Text>
      {manager ? <Connected manager={manager} mayChange={mayChange} /> : <Connect />}
    </Card>
  );
}

function Connect() {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [token, setToken] = useState('');
  const connect = useMutation({
    mutationFn: () => calls.connectManager(token.trim()),
    onSuccess: async () => {
      setToken('');
      tell(t('manager.connected'));
      await cache.invalidateQueries({ queryKey: ['licensing'] });
    },
  });
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        connect.mutate();
      }}
    >
      <Stack gap="sm">
        <PasswordInput
          label={t('manager.token')}
          description={t('manager.tokenHint')}
          autoComplete="off"
          maw={560}
          value={token}
          onChange={(event) => setToken(event.currentTarget.value)}
        />
        {connect.error && <ErrorState error={connect.error} />}
        <Group>
          <Button
            type="submit"
            disabled={token.trim() === ''}
            loading={connect.isPending}
            leftSection={<IconPlugConnected size={16} />}
          >
            {t('manager.connect')}
          </Button>
        </Group>
      </Stack>
    </form>
  );
}

function Connected({ manager, mayChange }: { manager: Manager; mayChange: boolean }) {
  const { t } = useAdminText();
  const [leaving, setLeaving] = useState(false);
  const left = manager.time_left_s;
  return (
    <Stack gap="md">
      {manager.alarm !== 'none' && (
        <Alert
          color={manager.alarm === 'over' ? 'red' : 'yellow'}
          icon={<IconAlertTriangle />}
          title={t(`manager.alarm.${manager.alarm}`)}
        >
          {t(`manager.alarmText.${manager.alarm}`)}
        </Alert>
      )}
      <Status tone={managerTone(manager)}>
        {manager.replica
          ? t('manager.line', { replica: manager.replica })
          : t('manager.away', { trouble: manager.trouble ?? t('manager.connecting') })}
      </Status>
      {manager.refusal && (
        <Status tone="bad">
          {textOf(`admin:manager.refusal.${manager.refusal.code}`, manager.refusal.detail)}
        </Status>
      )}
      <Facts
        facts={[
          [t('manager.name'), manager.name],
          [t('manager.since'), <Time key="since" at={manager.since} />],
          [t('manager.stage'), t(`manager.stageOf.${manager.stage}`)],
          [t('manager.left'), left === null ? t('manager.leftUnknown') : duration(left)],
          [t('manager.pool'), manager.pool],
        ]}
      />
      <Table aria-label={t('manager.seats')} maw={560}>
        <Table.Thead>
          <Table.Tr>
            <Table.Th>{t('manager.seats')}</Table.Th>
            <Table.Th ta="right">{t('manager.leased')}</Table.Th>
            <Table.Th ta="right">{t('manager.inUse')}</Table.Th>
            <Table.Th ta="right">{t('manager.wanted')}</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {kinds.map((kind) => (
            <Table.Tr key={kind}>
              <Table.Th scope="row" fw={400}>
                {t(`seats.${kind}`)}
              </Table.Th>
              <Table.Td ta="right">{number(manager.leased[kind])}</Table.Td>
              <Table.Td ta="right">{number(manager.in_use[kind])}</Table.Td>
              <Table.Td ta="right">{number(manager.wanted[kind])}</Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      <Group>
        <Overseen />
        {mayChange && (
          <Button
            variant="default"
            leftSection={<IconPlugConnectedX size={16} />}
            onClick={() => setLeaving(true)}
          >
            {t('manager.disconnect')}
          </Button>
        )}
      </Group>
      <Disconnect manager={manager} opened={leaving} close={() => setLeaving(false)} />
    </Stack>
  );
}

/** The way to the whole manager, for those who look after it. */
function Overseen() {
  const { t } = useAdminText();
  const overview = useQuery(queries.managerOverview());
  if (!overview.data) return null;
  return (
    <Button
      variant="default"
      leftSection={<IconChartAreaLine size={16} />}
      renderRoot={(props) => <Link to="/admin/license-manager" {...props} />}
    >
      {t('manager.overview')}
    </Button>
  );
}

function Disconnect({ manager, opened, close }: { manager: Manager; opened: boolean; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [end, setEnd] = useState(false);
  return (
    <Confirm
      opened={opened}
      close={() => {
        setEnd(false);
        close();
      }}
      title={t('manager.disconnectTitle', { name: manager.name })}
      verb={t('manager.disconnect')}
      typed={end ? manager.name : undefined}
      act={async () => {
        await calls.disconnectManager(end);
        await cache.invalidateQueries({ queryKey: ['licensing'] });
        tell(t('manager.disconnected'));
      }}
    >
      <Stack gap="sm">
        <Text size="sm">{t('manager.disconnectText')}</Text>
        <Checkbox
          label={t('manager.end')}
          description={t('manager.endHint')}
          checked={end}
          onChange={(event) => setEnd(event.currentTarget.checked)}
        />
      </Stack>
    </Confirm>
  );
}
