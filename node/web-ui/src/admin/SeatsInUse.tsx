import { Card, Group, Progress, SimpleGrid, Text } from '@mantine/core';
import type { Seats } from '../api/types';
import { Status, type Tone } from '../ui/Status';
import { number, useAdminText } from '../ui/text';
import { seatTone, shareOf } from './seatUse';

type Kind = 'pro' | 'online' | 'guest' | 'gateway';

/** How many seats there are of each kind, and how many are taken. */
export function SeatsInUse({ seats }: { seats: Seats }) {
  const { t } = useAdminText();
  const kinds: Kind[] = seats.one_pool
    ? ['online', 'guest', 'gateway']
    : ['pro', 'online', 'guest', 'gateway'];
  return (
    <SimpleGrid
      component="section"
      aria-label={t('seats.use')}
      cols={{ base: 2, lg: kinds.length }}
      spacing="md"
    >
      {kinds.map((kind) => (
        <Meter key={kind} kind={kind} seats={seats} />
      ))}
    </SimpleGrid>
  );
}

const colors: Record<Tone, string> = {
  good: 'indigo',
  warn: 'yellow',
  bad: 'red',
  note: 'indigo',
  quiet: 'gray',
};

function Meter({ kind, seats }: { kind: Kind; seats: Seats }) {
  const { t } = useAdminText();
  const use = seats[kind];
  const tone = seatTone(use);
  const label = t(`seats.${kind}`);
  const values = { taken: number(use.taken), total: number(use.total) };
  return (
    <Card withBorder padding="md">
      <Text size="sm" fw={600}>
        {label}
      </Text>
      <Group justify="space-between" align="baseline" gap="xs" wrap="nowrap">
        <Text component="span" fz={{ base: 20, md: 26 }} fw={650} lh={1.35}>
          {number(use.taken)}
          <Text component="span" size="sm" c="dimmed" fw={400}>
            {' '}
            {t('seats.ofTotal', values)}
          </Text>
        </Text>
        {tone === 'bad' && (
          <Status tone="bad">{t(use.taken > use.total ? 'seats.over' : 'seats.full')}</Status>
        )}
        {tone === 'warn' && <Status tone="warn">{t('seats.nearlyFull')}</Status>}
      </Group>
      <Progress.Root size="lg" mt={6} mb={6}>
        {kind === 'pro' && use.taken > 0 ? (
          <>
            <Progress.Section
              value={shareOf(seats.permanent, use)}
              color="indigo"
              aria-label={t('seats.permanentShare', { count: seats.permanent })}
            />
            <Progress.Section
              value={shareOf(Math.max(0, use.taken - seats.permanent), use)}
              color={tone === 'good' ? 'cyan' : colors[tone]}
              aria-label={t('seats.temporaryShare', { count: Math.max(0, use.taken - seats.permanent) })}
            />
          </>
        ) : (
          <Progress.Section
            value={shareOf(use.taken, use)}
            color={colors[tone]}
            aria-label={t('seats.inUse', { name: label, ...values })}
          />
        )}
      </Progress.Root>
      <Text size="xs" c="dimmed">
        {kind === 'pro'
          ? t('seats.proSplit', { permanent: number(seats.permanent), temporary: number(seats.temporary) })
          : t(seats.one_pool && kind === 'online' ? 'seats.onePoolHint' : `seats.${kind}Hint`)}
      </Text>
    </Card>
  );
}
