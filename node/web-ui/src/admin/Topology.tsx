import { Badge, Button, Card, Group, Text, Title } from '@mantine/core';
import { IconServer2, IconUsers } from '@tabler/icons-react';
import { Link } from '@tanstack/react-router';
import type { Cluster, ClusterNode } from '../api/types';
import { Status } from '../ui/Status';
import { number, quantity, useAdminText } from '../ui/text';
import classes from './Topology.module.css';
import { stateTones } from './trouble';

/** The nodes as they are linked: from the one that serves this page to each other one, with the time it takes. */
export function Topology({ cluster }: { cluster: Cluster }) {
  const { t } = useAdminText();
  const here = cluster.nodes.find((node) => node.this) ?? cluster.nodes[0];
  const others = cluster.nodes.filter((node) => node !== here);
  if (!here) return null;
  return (
    <Card withBorder padding="lg" component="section" aria-labelledby="topology">
      <Title order={2} size="h3" mb="md" id="topology">
        {t('summary.nodes')}
      </Title>
      <div className={classes.drawing}>
        <NodeCard node={here} />
        {others.length > 0 ? (
          <ul className={classes.links}>
            {others.map((node) => (
              <li key={node.id} className={classes.link} data-state={node.state}>
                <span className={classes.wire}>
                  <span className={classes.latency}>
                    {node.state === 'down' || node.round_trip_ms === null
                      ? t('node.noAnswer')
                      : quantity(node.round_trip_ms, 'millisecond')}
                  </span>
                </span>
                <NodeCard node={node} />
              </li>
            ))}
          </ul>
        ) : (
          <div className={classes.alone}>
            <Text size="sm" c="dimmed">
              {t('summary.alone')}
            </Text>
            <Button
              mt="xs"
              size="xs"
              variant="default"
              renderRoot={(props) => <Link to="/admin/nodes" search={{ invite: true }} {...props} />}
            >
              {t('nodes.invite')}
            </Button>
          </div>
        )}
      </div>
    </Card>
  );
}

function NodeCard({ node }: { node: ClusterNode }) {
  const { t } = useAdminText();
  return (
    <Link to="/admin/nodes" search={{ node: node.name }} className={classes.node} data-state={node.state}>
      <Group gap={8} wrap="nowrap" justify="space-between">
        <Group gap={8} wrap="nowrap" miw={0}>
          <IconServer2 size={18} aria-hidden style={{ flex: 'none' }} />
          <Text size="sm" fw={600} truncate>
            {node.name}
          </Text>
        </Group>
        {node.role !== 'follower' && (
          <Badge size="xs" variant="light" tt="none" style={{ flex: 'none' }}>
            {t(`role.${node.role}`)}
          </Badge>
        )}
      </Group>
      <Group gap="xs" justify="space-between" mt={4}>
        <Status tone={stateTones[node.state]}>{t(`state.${node.state}`)}</Status>
        {node.state !== 'down' && (
          <Group gap={4} wrap="nowrap" c="dimmed" title={t('summary.usersOnline')}>
            <IconUsers size={14} aria-hidden />
            <Text size="xs">
              {t('node.online', { count: node.users_online, users: number(node.users_online) })}
            </Text>
          </Group>
        )}
      </Group>
    </Link>
  );
}
