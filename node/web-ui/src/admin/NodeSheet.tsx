import { Anchor, Button, Group, Stack, Text } from '@mantine/core';
import { IconServer2 } from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { calls } from '../api/calls';
import type { Cluster, ClusterNode } from '../api/types';
import { Confirm } from '../ui/Confirm';
import { Facts } from '../ui/Facts';
import { tell } from '../ui/notify';
import { Sheet } from '../ui/Sheet';
import { EmptyState } from '../ui/States';
import { Status } from '../ui/Status';
import { bytes, duration, number, quantity, useAdminText } from '../ui/text';
import { useMayChange } from '../ui/useMe';
import { CatchUp, Disk } from './NodesPage';
import { Problems } from './Problems';
import { stateTones } from './trouble';

interface Props {
  name: string;
  cluster: Cluster;
  close: () => void;
}

/** One node: how it is, and what can be done with it. */
export function NodeSheet({ name, cluster, close }: Props) {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const node = cluster.nodes.find((one) => one.name === name);
  const problems = cluster.problems.filter((problem) => problem.object === name);
  return (
    <Sheet title={<Text fw={650}>{name}</Text>} close={close}>
      {node ? (
        <Stack gap="md">
          <Group gap="md">
            <Status tone={stateTones[node.state]}>{t(`state.${node.state}`)}</Status>
            <Text size="sm" c="dimmed">
              {t(`role.${node.role}`)}
            </Text>
          </Group>
          <CatchUp node={node} />
          {mayChange && <Actions node={node} cluster={cluster} close={close} />}
          <Problems problems={problems} here={name} />
          <Vitals node={node} />
        </Stack>
      ) : (
        <EmptyState icon={<IconServer2 />} title={t('node.gone')} text={t('node.goneText', { name })} />
      )}
    </Sheet>
  );
}

function Vitals({ node }: { node: ClusterNode }) {
  const { t } = useAdminText();
  const ms = (value: number | null, digits = 1) =>
    value === null ? null : quantity(value, 'millisecond', digits);
  return (
    <Facts
      facts={[
        [t('summary.usersOnline'), number(node.users_online)],
        [t('node.disk'), node.disk && <Disk node={node} />],
        [t('node.memory'), node.memory_bytes === null ? null : bytes(node.memory_bytes)],
        [t('node.fsync'), ms(node.fsync_p99_ms)],
        [t('node.roundTrip'), node.this ? t('node.this') : ms(node.round_trip_ms)],
        [t('node.lastHeard'), node.this ? null : ms(node.last_heard_ms, 0)],
        [t('node.clock'), node.this ? null : ms(node.clock_offset_ms, 0)],
        [
          t('node.lag'),
          node.lag === null ? null : t('node.entries', { count: node.lag, entries: number(node.lag) }),
        ],
        [t('node.applied'), node.applied_index === null ? null : number(Number(node.applied_index))],
        [t('node.uptime'), node.uptime_s === null ? null : duration(node.uptime_s)],
        [t('node.version'), node.version],
        [t('node.address'), node.address],
        [
          t('node.url'),
          node.url && (
            <Anchor size="sm" href={node.url}>
              {node.url}
            </Anchor>
          ),
        ],
      ]}
    />
  );
}

type Act = 'drain' | 'lead' | 'promote' | 'remove';

function Actions({ node, cluster, close }: { node: ClusterNode; cluster: Cluster; close: () => void }) {
  const { t } = useAdminText();
  const cache = useQueryClient();
  const [asking, ask] = useState<Act | null>(null);
  const { name } = node;
  const stop = () => ask(null);
  const done = async (act: Promise<void>, text: string) => {
    await act;
    await cache.invalidateQueries({ queryKey: ['cluster'] });
    tell(text);
  };
  const draining = node.state === 'draining';
  return (
    <Group gap="xs">
      {node.role === 'follower' && node.state === 'up' && (
        <Button size="xs" variant="default" onClick={() => ask('lead')}>
          {t('node.lead')}
        </Button>
      )}
      {node.role === 'learner' && (
        <Button size="xs" variant="default" onClick={() => ask('promote')}>
          {t('node.promote')}
        </Button>
      )}
      {node.state !== 'down' && (
        <Button size="xs" variant="default" onClick={() => ask('drain')}>
          {t(draining ? 'node.undrain' : 'node.drain')}
        </Button>
      )}
      {cluster.nodes.length > 1 && (
        <Button size="xs" variant="light" color="red" onClick={() => ask('remove')}>
          {t('node.remove')}
        </Button>
      )}
      <Confirm
        opened={asking === 'lead'}
        close={stop}
        title={t('node.leadTitle', { name })}
        verb={t('node.lead')}
        harmless
        act={() => done(calls.handOver(name), t('node.leads', { name }))}
      >
        {t('node.leadText', { name, leader: cluster.leader ?? '–' })}
      </Confirm>
      <Confirm
        opened={asking === 'promote'}
        close={stop}
        title={t('node.promoteTitle', { name })}
        verb={t('node.promote')}
        harmless
        act={() => done(calls.promote(name), t('node.promoted', { name }))}
      >
        {t('node.promoteText', { name })}
      </Confirm>
      <Confirm
        opened={asking === 'drain'}
        close={stop}
        title={t(draining ? 'node.undrainTitle' : 'node.drainTitle', { name })}
        verb={t(draining ? 'node.undrain' : 'node.drain')}
        harmless={draining}
        act={() =>
          done(calls.drain(name, !draining), t(draining ? 'node.undrained' : 'node.drained', { name }))
        }
      >
        {draining
          ? t('node.undrainText', { name })
          : t('node.drainText', { name, count: node.users_online, users: number(node.users_online) })}
      </Confirm>
      <Confirm
        opened={asking === 'remove'}
        close={stop}
        title={t('node.removeTitle', { name })}
        verb={t('node.remove')}
        typed={name}
        act={async () => {
          await done(calls.removeNode(name), t('node.removed', { name }));
          close();
        }}
      >
        {t('node.removeText', { name })}
      </Confirm>
    </Group>
  );
}
