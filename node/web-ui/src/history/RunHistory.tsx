import { Box, Button, Group, Stack, Text, Title, UnstyledButton } from '@mantine/core';
import { IconArrowLeft, IconDownload, IconHistory, IconUsers } from '@tabler/icons-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { PastRun } from '../api/types';
import { Below } from '../ui/DataTable';
import { download } from '../ui/download';
import { ListTable } from '../ui/ListTable';
import { exactTime } from '../ui/text';
import { useList } from '../ui/useList';
import classes from './RunHistory.module.css';
import { lengthOf } from './spent';

/** The runs that a conference had, and who was in each of them, as far as one may see it. */
export function RunHistory({ cid }: { cid: string }) {
  const [run, open] = useState<PastRun>();
  return run ? (
    <Attendance cid={cid} run={run} back={() => open(undefined)} />
  ) : (
    <Runs cid={cid} open={open} />
  );
}

function Runs({ cid, open }: { cid: string; open: (run: PastRun) => void }) {
  const { t } = useTranslation();
  const list = useList(queries.runs(cid));
  return (
    <Box h={440} className={classes.table}>
      <ListTable
        label={t('history.runs')}
        list={list}
        rowKey={(run) => run.id}
        onOpen={open}
        columns={[
          {
            id: 'started',
            header: t('history.began'),
            width: 'minmax(0, 1.6fr)',
            cell: (run) => (
              <div style={{ minWidth: 0 }}>
                <UnstyledButton
                  onClick={() => open(run)}
                  aria-label={t('history.attendanceOf', { at: exactTime(run.started_at) })}
                >
                  <Text size="sm" td="underline" truncate>
                    {exactTime(run.started_at)}
                  </Text>
                </UnstyledButton>
                <Below>{run.end ? t(`history.end.${run.end}`) : ''}</Below>
              </div>
            ),
          },
          {
            id: 'length',
            header: t('history.length'),
            width: 'minmax(0, 1fr)',
            cell: (run) => (run.ended_at ? lengthOf(run.started_at, run.ended_at) : t('history.goesOn')),
          },
          {
            id: 'people',
            header: t('history.people'),
            width: '74px',
            cell: (run) => run.people,
          },
          {
            id: 'end',
            header: t('history.end'),
            width: 'minmax(0, 1.1fr)',
            from: 'sm',
            cell: (run) => (run.end ? t(`history.end.${run.end}`) : ''),
          },
        ]}
        icon={<IconHistory />}
        none={{ title: t('history.none'), text: t('history.noneText') }}
      />
    </Box>
  );
}

function Attendance({ cid, run, back }: { cid: string; run: PastRun; back: () => void }) {
  const { t } = useTranslation();
  const list = useList(queries.visits(cid, run.id));
  return (
    <Stack gap="sm">
      <Group justify="space-between" gap="sm">
        <Button
          variant="subtle"
          px="xs"
          leftSection={<IconArrowLeft size={16} aria-hidden />}
          onClick={back}
          autoFocus
        >
          {t('history.back')}
        </Button>
        <Button
          variant="default"
          leftSection={<IconDownload size={16} aria-hidden />}
          onClick={() => void download(() => calls.exportVisits(cid, run.id), `attendance-${cid}.csv`)}
        >
          {t('history.export')}
        </Button>
      </Group>
      <div>
        <Title order={3}>{exactTime(run.started_at)}</Title>
        <Text size="sm" c="dimmed">
          {[
            run.ended_at ? lengthOf(run.started_at, run.ended_at) : t('history.goesOn'),
            t('history.peopleCount', { count: run.people }),
            run.end && t(`history.end.${run.end}`),
          ]
            .filter(Boolean)
            .join(' · ')}
        </Text>
      </div>
      <Box h={400} className={classes.table}>
        <ListTable
          label={t('history.attendance')}
          list={list}
          rowKey={(visit) => `${visit.came_at} ${visit.name} ${visit.user ?? ''} ${visit.left_at ?? ''}`}
          columns={[
            {
              id: 'name',
              header: t('history.who'),
              width: 'minmax(0, 1.4fr)',
              cell: (visit) => (
                <Text size="sm" truncate>
                  {visit.guest ? t('history.guest', { name: visit.name }) : visit.name}
                </Text>
              ),
            },
            {
              id: 'came',
              header: t('history.came'),
              width: 'minmax(0, 1fr)',
              cell: (visit) => clock(visit.came_at),
            },
            {
              id: 'left',
              header: t('history.left'),
              width: 'minmax(0, 1fr)',
              cell: (visit) => (visit.left_at ? clock(visit.left_at) : t('history.there')),
            },
            {
              id: 'length',
              header: t('history.length'),
              width: 'minmax(0, 1.2fr)',
              from: 'sm',
              cell: (visit) => lengthOf(visit.came_at, visit.left_at),
            },
          ]}
          icon={<IconUsers />}
          none={{ title: t('history.nobody'), text: t('history.nobodyText') }}
        />
      </Box>
    </Stack>
  );
}

/** The day is above. */
function clock(at: string): string {
  return new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' }).format(new Date(at));
}
