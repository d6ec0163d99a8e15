import { Card, Group, SimpleGrid, Stack, Text, ThemeIcon, Title } from '@mantine/core';
import {
  IconAlertTriangleFilled,
  IconCircleCheckFilled,
  IconExclamationCircleFilled,
} from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../api/queries';
import type { Cluster } from '../api/types';
import { Page } from '../ui/Page';
import { ErrorState, Loading } from '../ui/States';
import { bytes, number, percent, quantity, useAdminText } from '../ui/text';
import { FirstSteps } from './FirstSteps';
import { LatestEvents } from './LatestEvents';
import { Problems } from './Problems';
import classes from './SummaryPage.module.css';
import { Topology } from './Topology';
import { freeShare } from './trouble';

/** Whether all is well, from three metres; what is not, with what to do. */
export function SummaryPage() {
  const { t } = useAdminText();
  const cluster = useQuery(queries.cluster());
  return (
    <Page title={t('common:nav.summary')} purpose={t('summary.purpose')}>
      {cluster.data ? (
        <Stack gap="md">
          {cluster.error && <ErrorState error={cluster.error} retry={() => void cluster.refetch()} />}
          <Verdict cluster={cluster.data} />
          <Problems problems={cluster.data.problems} />
          <FirstSteps cluster={cluster.data} />
          <Figures cluster={cluster.data} />
          <div className={classes.halves}>
            <Topology cluster={cluster.data} />
            <LatestEvents />
          </div>
        </Stack>
      ) : cluster.error ? (
        <ErrorState error={cluster.error} retry={() => void cluster.refetch()} />
      ) : (
        <Loading rows={5} height={80} />
      )}
    </Page>
  );
}

const verdicts = {
  good: { color: 'green', icon: <IconCircleCheckFilled size={36} /> },
  warn: { color: 'yellow', icon: <IconAlertTriangleFilled size={34} /> },
  bad: { color: 'red', icon: <IconExclamationCircleFilled size={36} /> },
};

function Verdict({ cluster }: { cluster: Cluster }) {
  const { t } = useAdminText();
  const { problems, nodes, leader } = cluster;
  const critical = problems.some((problem) => problem.severity === 'critical');
  const tone = critical ? 'bad' : problems.length > 0 ? 'warn' : 'good';
  const title = !cluster.quorum
    ? t('summary.noQuorum')
    : problems.length > 0
      ? t('common:nav.attention', { count: problems.length })
      : t('summary.well');
  const up = nodes.filter((node) => node.state !== 'down').length;
  return (
    <Card withBorder padding="lg" className={classes.verdict} data-tone={tone}>
      <Group gap="md" wrap="nowrap">
        <ThemeIcon size={56} radius="xl" variant="transparent" aria-hidden c={`var(--plenary-${tone})`}>
          {verdicts[tone].icon}
        </ThemeIcon>
        <div role="status">
          <Title order={2} className={classes.verdictTitle}>
            {title}
          </Title>
          <Text size="sm">
            {t('summary.nodesUp', { count: nodes.length, up: number(up), all: number(nodes.length) })}{' '}
            {leader ? t('summary.leads', { name: leader }) : t('summary.nobodyLeads')}
          </Text>
        </div>
      </Group>
    </Card>
  );
}

function Figures({ cluster }: { cluster: Cluster }) {
  const { t } = useAdminText();
  const disks = cluster.nodes.filter((node) => node.disk);
  const fullest = disks.sort((a, b) => freeShare(a.disk!) - freeShare(b.disk!))[0];
  const versions = [...new Set(cluster.nodes.map((node) => node.version).filter(Boolean))];
  const slowest = Math.max(...cluster.nodes.map((node) => node.round_trip_ms ?? 0));
  return (
    <SimpleGrid cols={{ base: 2, md: 4 }} spacing="md">
      <Figure
        label={t('summary.usersOnline')}
        value={number(cluster.users_online)}
        hint={t('summary.ofUsers', { count: cluster.users_total, total: number(cluster.users_total) })}
      />
      <Figure
        label={t('summary.disk')}
        value={fullest?.disk ? bytes(fullest.disk.free_bytes) : '–'}
        hint={
          fullest?.disk &&
          t('summary.diskOf', {
            name: fullest.name,
            share: percent(freeShare(fullest.disk)),
          })
        }
      />
      <Figure
        label={t('summary.roundTrip')}
        value={cluster.nodes.length > 1 ? quantity(slowest, 'millisecond') : '–'}
        hint={cluster.nodes.length > 1 ? t('summary.roundTripHint') : t('summary.oneNode')}
      />
      <Figure
        label={t('summary.version')}
        value={versions.join(', ') || '–'}
        hint={t(versions.length > 1 ? 'summary.versionsDiffer' : 'summary.versionSame')}
      />
    </SimpleGrid>
  );
}

function Figure({ label, value, hint }: { label: string; value: string; hint?: ReactNode }) {
  return (
    <Card withBorder padding="md">
      <Text size="sm" c="dimmed">
        {label}
      </Text>
      <Text className={classes.figure} truncate title={value}>
        {value}
      </Text>
      <Text size="xs" c="dimmed">
        {hint}
      </Text>
    </Card>
  );
}
