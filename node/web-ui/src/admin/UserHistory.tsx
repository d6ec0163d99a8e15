import { Anchor, Button, Group, Stack, Text, Title } from '@mantine/core';
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { queries } from '../api/queries';
import type { User } from '../api/types';
import { CallSign } from '../calling/RecentCalls';
import { When } from '../conferences/When';
import { secondsOf } from '../history/spent';
import { ErrorState, Loading } from '../ui/States';
import { duration, useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useList, type List } from '../ui/useList';

/** The conferences that an account has to do with, the meetings that it was in, and its calls (USR-12). */
export function UserHistory({ user }: { user: User }) {
  const { t } = useAdminText();
  const owned = useList(queries.conferences({ sort: 'stage', part: 'owner', of: user.id }));
  const named = useList(queries.conferences({ sort: 'stage', part: 'named', of: user.id }));
  const runs = useList(queries.userRuns(user.id));
  const calls = useList(queries.userCalls(user.id));
  return (
    <Stack gap="xl">
      {(
        [
          ['owned', owned],
          ['named', named],
        ] as const
      ).map(([which, list]) => (
        <Part key={which} title={t(`userHistory.${which}`)} none={t(`userHistory.${which}None`)} list={list}>
          {list.rows.map((one) => (
            <Row
              key={one.cid}
              title={
                <Anchor
                  inherit
                  renderRoot={(props) => (
                    <Link to="/admin/conferences" search={{ conference: one.cid }} {...props} />
                  )}
                >
                  {one.name}
                </Anchor>
              }
              text={t(`conferences.mode.${one.settings.mode}`)}
              end={<When conference={one} />}
            />
          ))}
        </Part>
      ))}
      <Part title={t('userHistory.runs')} none={t('userHistory.runsNone')} list={runs}>
        {runs.rows.map((run) => (
          <Row
            key={run.id}
            title={run.name}
            text={t('userHistory.stayed', { time: duration(secondsOf(run.own)) })}
            end={<Time at={run.started_at} size="xs" c="dimmed" />}
          />
        ))}
      </Part>
      <Part title={t('userHistory.calls')} none={t('userHistory.callsNone')} list={calls}>
        {calls.rows.map((call) => (
          <Row
            key={call.cid}
            sign={<CallSign call={call} />}
            title={call.with.display_name}
            text={`${t(`userHistory.${call.direction}`)} · ${
              call.outcome ? t(`userHistory.outcome.${call.outcome}`) : t('common:history.goesOn')
            }`}
            end={<Time at={call.began_at} size="xs" c="dimmed" />}
          />
        ))}
      </Part>
    </Stack>
  );
}

function Part<T>({
  title,
  none,
  list,
  children,
}: {
  title: string;
  none: string;
  list: List<T>;
  children: ReactNode;
}) {
  const { t } = useAdminText();
  return (
    <Stack gap="xs" component="section" aria-label={title}>
      <Title order={3} size="h5">
        {title}{' '}
        {list.total > 0 && (
          <Text span c="dimmed">
            {list.total}
          </Text>
        )}
      </Title>
      {list.error ? (
        <ErrorState error={list.error} retry={list.retry} />
      ) : list.loading ? (
        <Loading rows={2} height={32} />
      ) : list.rows.length === 0 ? (
        <Text size="sm" c="dimmed">
          {none}
        </Text>
      ) : (
        <Stack component="ul" gap={4} m={0} p={0} style={{ listStyle: 'none' }}>
          {children}
        </Stack>
      )}
      {list.hasMore && (
        <Group>
          <Button size="xs" variant="default" onClick={list.loadMore}>
            {t('userHistory.more')}
          </Button>
        </Group>
      )}
    </Stack>
  );
}

function Row({
  title,
  text,
  end,
  sign,
}: {
  title: ReactNode;
  text: string;
  end: ReactNode;
  sign?: ReactNode;
}) {
  return (
    <Group component="li" justify="space-between" gap="sm" wrap="nowrap" py={4}>
      <Group gap="sm" wrap="nowrap" miw={0}>
        {sign}
        <div style={{ minWidth: 0 }}>
          <Text size="sm" fw={500} truncate>
            {title}
          </Text>
          <Text size="xs" c="dimmed" truncate>
            {text}
          </Text>
        </div>
      </Group>
      <div style={{ flex: 'none' }}>{end}</div>
    </Group>
  );
}
