import { Group, Text } from '@mantine/core';
import type { PoolSample } from '../api/types';
import { exactTime, useAdminText } from '../ui/text';
import { historyPath, type Kind } from './licenseManager';
import classes from './PoolHistory.module.css';

const WIDE = 720;
const HIGH = 140;

/** How the pool was used: what the licences give, what is leased, and what is in use. */
export function PoolHistory({ history, kind }: { history: PoolSample[]; kind: Kind }) {
  const { t } = useAdminText();
  const [first, last] = [history.at(0), history.at(-1)];
  if (!first || !last || history.length < 2) {
    return (
      <Text size="sm" c="dimmed">
        {t('overview.noHistory')}
      </Text>
    );
  }
  const most = Math.max(1, ...history.map((one) => Math.max(one.capacity[kind], one.leased[kind])));
  const path = (of: 'capacity' | 'leased' | 'used') =>
    historyPath(
      history.map((one) => [Date.parse(one.at), one[of][kind]]),
      most,
      WIDE,
      HIGH,
    );
  return (
    <figure className={classes.figure}>
      <svg
        viewBox={`0 0 ${WIDE} ${HIGH}`}
        role="img"
        aria-label={t('overview.historyOf', { kind: t(`seats.${kind}`) })}
      >
        <path className={classes.used} d={`${path('used')}V${HIGH}H0Z`} />
        <path className={classes.leased} d={path('leased')} />
        <path className={classes.capacity} d={path('capacity')} />
      </svg>
      <Group justify="space-between" gap="xs">
        <Text size="xs" c="dimmed">
          {exactTime(first.at)}
        </Text>
        <Group gap="md">
          {(['capacity', 'leased', 'used'] as const).map((one) => (
            <Text key={one} size="xs" className={classes.key} data-of={one}>
              {t(`overview.line.${one}`)}
            </Text>
          ))}
        </Group>
        <Text size="xs" c="dimmed">
          {exactTime(last.at)}
        </Text>
      </Group>
    </figure>
  );
}
