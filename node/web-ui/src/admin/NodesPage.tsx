import { Badge, Button, Group, Progress, Text } from '@mantine/core';
import { IconPlus, IconServer2 } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { queries } from '../api/queries';
import type { ClusterNode } from '../api/types';
import { DataTable, type Column } from '../ui/DataTable';
import { Page } from '../ui/Page';
import { EmptyState, ErrorState } from '../ui/States';
import { Status } from '../ui/Status';
import { bytes, duration, number, percent, quantity, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';
import { InviteNode } from './InviteNode';
import { NodeSheet } from './NodeSheet';
import { Problems } from './Problems';
import { caughtUp, freeShare, stateTones } from './trouble';

const route = getRouteApi('/_app/admin/nodes');

/** The machines that are the server together. */
export function NodesPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cluster = useQuery(queries.cluster());
  const { node, invite } = route.useSearch();
  const navigate = route.useNavigate();
  const columns = useColumns();
  const startInviting = () => void navigate({ search: (now) => ({ ...now, invite: true }) });
  const button = mayChange && (
    <Button leftSection={<IconPlus size={16} />} onClick={startInviting}>
      {t('nodes.invite')}
    </Button>
  );
  return (
    <Page fill title={t('common:nav.nodes')} purpose={t('nodes.purpose')} action={button}>
      {cluster.data && cluster.data.problems.length > 0 && (
        <div style={{ marginBottom: 12 }}>
          <Problems problems={cluster.data.problems} />
        </div>
      )}
      {cluster.error && <ErrorState error={cluster.error} retry={() => void cluster.refetch()} />}
      {(cluster.data || !cluster.error) && (
        <DataTable
          name="nodes"
          label={t('common:nav.nodes')}
          columns={columns}
          rows={cluster.data?.nodes ?? []}
          total={cluster.data?.nodes.length ?? 0}
          rowKey={(row) => row.name}
          rowHeight={60}
          onOpen={(row) => void navigate({ search: (now) => ({ ...now, node: row.name }) })}
          active={node}
          loading={cluster.isPending}
          empty={<EmptyState icon={<IconServer2 />} title={t('nodes.empty')} text={t('nodes.emptyText')} />}
        />
      )}
      <InviteNode
        opened={!!invite && mayChange}
        close={() => void navigate({ search: (now) => ({ ...now, invite: undefined }), replace: true })}
      />
      {node && cluster.data && (
        <NodeSheet
          name={node}
          cluster={cluster.data}
          close={() => void navigate({ search: (now) => ({ ...now, node: undefined }) })}
        />
      )}
    </Page>
  );
}

function useColumns(): Column<ClusterNode>[] {
  const { t } = useAdminText();
  return [
    {
      id: 'name',
      header: t('node.name'),
      width: 'minmax(0, 1.6fr)',
      cell: (node) => (
        <div>
          <Group gap="xs" wrap="nowrap">
            <Text
              renderRoot={(props) => <Link to="/admin/nodes" search={{ node: node.name }} {...props} />}
              size="sm"
              fw={600}
              c="inherit"
              td="none"
              truncate
            >
              {node.name}
            </Text>
            {node.role !== 'follower' && (
              <Badge size="xs" variant="light" tt="none" style={{ flex: 'none' }}>
                {t(`role.${node.role}`)}
              </Badge>
            )}
          </Group>
          <Text size="xs" c="dimmed" truncate>
            {node.this ? t('node.this') : node.address}
          </Text>
        </div>
      ),
    },
    {
      id: 'state',
      header: t('node.state'),
      width: '150px',
      cell: (node) => (
        <>
          <Status tone={stateTones[node.state]}>{t(`state.${node.state}`)}</Status>
          <CatchUp node={node} />
        </>
      ),
    },
    {
      id: 'users',
      header: t('summary.usersOnline'),
      width: '160px',
      from: 'sm',
      cell: (node) => number(node.users_online),
    },
    {
      id: 'disk',
      header: t('node.disk'),
      width: 'minmax(0, 1.2fr)',
      from: 'md',
      cell: (node) => <Disk node={node} />,
    },
    {
      id: 'lag',
      header: t('node.lag'),
      width: '120px',
      from: 'lg',
      cell: (node) =>
        node.lag === null ? '–' : t('node.entries', { count: node.lag, entries: number(node.lag) }),
    },
    {
      id: 'rtt',
      header: t('node.roundTrip'),
      width: '110px',
      from: 'md',
      cell: (node) =>
        node.this || node.round_trip_ms === null ? '–' : quantity(node.round_trip_ms, 'millisecond'),
    },
    {
      id: 'uptime',
      header: t('node.uptime'),
      width: '170px',
      from: 'lg',
      cell: (node) => (
        <Text size="sm" c="dimmed" truncate>
          {node.uptime_s === null ? '–' : duration(node.uptime_s)}
        </Text>
      ),
    },
    {
      id: 'version',
      header: t('node.version'),
      width: '90px',
      from: 'lg',
      cell: (node) => node.version || '–',
    },
  ];
}

/** How far a node is that does not have all data yet. */
export function CatchUp({ node }: { node: ClusterNode }) {
  const { t } = useAdminText();
  const share = caughtUp(node);
  if (share === null) return null;
  const words = t('node.catchingUp', { share: percent(share) });
  return (
    <div style={{ maxWidth: 220 }}>
      <Progress size="sm" mt={4} value={100 * share} aria-label={words} />
      <Text size="xs" c="dimmed" truncate>
        {words}
      </Text>
    </div>
  );
}

export function Disk({ node }: { node: ClusterNode }) {
  const { t } = useAdminText();
  if (!node.disk) return '–';
  const used = 1 - freeShare(node.disk);
  return (
    <div style={{ maxWidth: 220 }}>
      <Progress
        size="sm"
        value={100 * used}
        color={used > 0.9 ? 'red' : 'indigo'}
        aria-label={t('node.diskUsed', { share: percent(used) })}
      />
      <Text size="xs" c="dimmed" mt={2} truncate>
        {t('node.diskFree', { free: bytes(node.disk.free_bytes), total: bytes(node.disk.total_bytes) })}
      </Text>
    </div>
  );
}
