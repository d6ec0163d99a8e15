import {
  Alert,
  Badge,
  Button,
  Card,
  Group,
  Menu,
  NumberInput,
  ScrollArea,
  Select,
  Stack,
  Table,
  Text,
  Title,
} from '@mantine/core';
import { IconAlertTriangle, IconArrowBackUp, IconDots, IconFlask, IconSkull } from '@tabler/icons-react';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Borrower, ManagerOverview } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/States';
import { Status } from '../ui/Status';
import { duration, number, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';
import { borrowerTone, idle, kinds, type Kind } from './licenseManager';
import { PoolHistory } from './PoolHistory';

/** The enterprise's License Manager: what there is, who has it, and what can be done about it. */
export function ManagerPage() {
  const { t } = useAdminText();
  const overview = useQuery(queries.managerOverview());
  const [kind, setKind] = useState<Kind>('pro');
  return (
    <Page title={t('overview.title')} purpose={t('overview.purpose')}>
      {overview.data ? (
        <Stack gap="md">
          <Trouble overview={overview.data} />
          <Pool overview={overview.data} kind={kind} setKind={setKind} />
          <Servers overview={overview.data} kind={kind} />
          <Replicas overview={overview.data} />
        </Stack>
      ) : overview.error ? (
        <ErrorState error={overview.error} retry={() => void overview.refetch()} />
      ) : (
        <Loading rows={5} height={88} />
      )}
    </Page>
  );
}

function Trouble({ overview }: { overview: ManagerOverview }) {
  const { t } = useAdminText();
  return (
    <>
      {overview.standing !== 'serving' && (
        <Alert
          color={overview.standing === 'behind' ? 'red' : 'yellow'}
          icon={<IconAlertTriangle />}
          title={t(`overview.standing.${overview.standing}`)}
        >
          {t(`overview.standingText.${overview.standing}`)}
        </Alert>
      )}
      {overview.development && (
        <Alert color="yellow" icon={<IconFlask />} title={t('licence.development')}>
          {t('licence.developmentText')}
        </Alert>
      )}
    </>
  );
}

interface PoolProps {
  overview: ManagerOverview;
  kind: Kind;
  setKind: (kind: Kind) => void;
}

function Pool({ overview, kind, setKind }: PoolProps) {
  const { t } = useAdminText();
  const used = overview.servers.reduce((sum, one) => sum + one.used[kind], 0);
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('overview.pool')}>
      <Group justify="space-between" align="flex-end" mb="sm">
        <div>
          <Title order={2} size="h3">
            {overview.manager}
          </Title>
          <Text size="sm" c="dimmed">
            {t('overview.numbers', {
              capacity: number(overview.capacity[kind]),
              leased: number(overview.leased[kind]),
              used: number(used),
              ttl: duration(overview.ttl_s),
            })}
          </Text>
        </div>
        <Select
          label={t('overview.kind')}
          allowDeselect={false}
          w={160}
          data={kinds.map((one) => ({ value: one, label: t(`seats.${one}`) }))}
          value={kind}
          onChange={(next) => next && setKind(next)}
        />
      </Group>
      <PoolHistory history={overview.history} kind={kind} />
    </Card>
  );
}

function Servers({ overview, kind }: { overview: ManagerOverview; kind: Kind }) {
  const { t } = useAdminText();
  const heads = ['leased', 'used', 'wanted', 'guaranteed', 'most', 'left'] as const;
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('overview.servers')}>
      <Title order={2} size="h3" mb="sm">
        {t('overview.servers')}
      </Title>
      <ScrollArea>
        <Table miw={720} aria-label={t('overview.servers')}>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('overview.server')}</Table.Th>
              <Table.Th>{t('overview.state')}</Table.Th>
              {heads.map((head) => (
                <Table.Th key={head} ta="right">
                  {t(`overview.${head}`)}
                </Table.Th>
              ))}
              <Table.Th />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {overview.servers.map((server) => (
              <Row key={server.server} server={server} kind={kind} />
            ))}
          </Table.Tbody>
        </Table>
      </ScrollArea>
      {overview.servers.length === 0 && (
        <Text size="sm" c="dimmed">
          {t('overview.none')}
        </Text>
      )}
    </Card>
  );
}

function Row({ server, kind }: { server: Borrower; kind: Kind }) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const [asking, setAsking] = useState<'recall' | 'dead' | null>(null);
  const state = borrowerTone(server);
  return (
    <Table.Tr>
      <Table.Th scope="row">{server.server}</Table.Th>
      <Table.Td>
        <Status tone={state.tone}>
          {t(`overview.stateOf.${state.name}`, { time: duration(server.silent_s ?? 0) })}
        </Status>
      </Table.Td>
      {(['leased', 'used', 'wanted', 'guaranteed'] as const).map((figure) => (
        <Table.Td key={figure} ta="right">
          {number(server[figure][kind])}
        </Table.Td>
      ))}
      <Table.Td ta="right">{server.most ? number(server.most[kind]) : '–'}</Table.Td>
      <Table.Td ta="right">{server.left_s === null ? '–' : duration(server.left_s)}</Table.Td>
      <Table.Td ta="right">
        {mayChange && (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button
                size="xs"
                variant="default"
                aria-label={t('overview.actsOn', { name: server.server })}
                leftSection={<IconDots size={14} />}
              >
                {t('overview.acts')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                leftSection={<IconArrowBackUp size={14} />}
                disabled={server.silent_s === null}
                onClick={() => setAsking('recall')}
              >
                {t('overview.recall')}
              </Menu.Item>
              <Menu.Item
                color="red"
                leftSection={<IconSkull size={14} />}
                disabled={server.left_s === null}
                onClick={() => setAsking('dead')}
              >
                {t('overview.dead')}
              </Menu.Item>
            </Menu.Dropdown>
          </Menu>
        )}
        <Recall server={server} kind={kind} opened={asking === 'recall'} close={() => setAsking(null)} />
        <Dead server={server} opened={asking === 'dead'} close={() => setAsking(null)} />
      </Table.Td>
    </Table.Tr>
  );
}

interface Asked {
  server: Borrower;
  opened: boolean;
  close: () => void;
}

function Recall({ server, kind, opened, close }: Asked & { kind: Kind }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [count, setCount] = useState<number | string>('');
  const wanted = typeof count === 'number' ? count : idle(server, kind);
  return (
    <Confirm
      opened={opened}
      close={close}
      harmless
      title={t('overview.recallTitle', { name: server.server })}
      verb={t('overview.recall')}
      act={async () => {
        const overview = await calls.recallSeats(server.server, { [kind]: wanted });
        cache.setQueryData(queries.managerOverview().queryKey, overview);
        tell(t('overview.recalled'));
      }}
    >
      <Stack gap="sm">
        <Text size="sm">{t('overview.recallText')}</Text>
        <NumberInput
          label={t(`seats.${kind}`)}
          min={1}
          max={server.leased[kind]}
          allowDecimal={false}
          value={count === '' ? idle(server, kind) : count}
          onChange={setCount}
        />
      </Stack>
    </Confirm>
  );
}

function Dead({ server, opened, close }: Asked) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  return (
    <Confirm
      opened={opened}
      close={close}
      title={t('overview.deadTitle', { name: server.server })}
      verb={t('overview.dead')}
      typed={server.server}
      act={async () => {
        const overview = await calls.declareDead(server.server);
        cache.setQueryData(queries.managerOverview().queryKey, overview);
        tell(t('overview.isDead'));
      }}
    >
      <Stack gap="sm">
        {server.silent_s !== null && (
          <Alert color="red" icon={<IconAlertTriangle />} title={t('overview.deadRuns')}>
            {t('overview.deadRunsText', { time: duration(server.silent_s) })}
          </Alert>
        )}
        <Text size="sm">{t('overview.deadText')}</Text>
      </Stack>
    </Confirm>
  );
}

function Replicas({ overview }: { overview: ManagerOverview }) {
  const { t } = useAdminText();
  return (
    <Card withBorder padding="lg" component="section" aria-label={t('overview.replicas')}>
      <Title order={2} size="h3" mb="sm">
        {t('overview.replicas')}
      </Title>
      <Stack gap="xs">
        {overview.replicas.map((replica) => (
          <Group key={replica.name} gap="xs">
            <Text fw={600}>{replica.name}</Text>
            <Text size="sm" c="dimmed">
              {replica.address}
            </Text>
            <Badge variant="light" color={replica.role === 'leader' ? 'indigo' : 'gray'}>
              {t(`overview.role.${replica.role}`)}
            </Badge>
          </Group>
        ))}
      </Stack>
    </Card>
  );
}
