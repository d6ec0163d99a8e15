import { ActionIcon, Group, SegmentedControl, Text, Tooltip } from '@mantine/core';
import { IconHistory, IconPhone } from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useTranslation } from 'react-i18next';
import { queries } from '../api/queries';
import { CallSign, CallWords } from '../calling/RecentCalls';
import { idOf, missed } from '../calling/callText';
import { useCall } from '../calling/useCall';
import { Below } from '../ui/DataTable';
import { FilterBar } from '../ui/FilterBar';
import { FilterSelect } from '../ui/FilterSelect';
import { ListTable } from '../ui/ListTable';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { duration, exactTime } from '../ui/text';
import { Time } from '../ui/Time';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMe } from '../ui/useMe';
import { secondsOf } from './spent';

const route = getRouteApi('/_app/history');

/** The meetings and calls that one was in. */
export function HistoryPage() {
  const { t } = useTranslation();
  const { said, set } = useAddress(route);
  const kind = said.kind ?? 'meetings';
  return (
    <Page
      fill
      title={t('nav.history')}
      purpose={t('history.purpose')}
      action={
        <SegmentedControl
          aria-label={t('history.kind')}
          value={kind}
          onChange={(kind) =>
            set({
              kind: kind as typeof said.kind,
              search: undefined,
              direction: undefined,
              answered: undefined,
            })
          }
          data={(['meetings', 'calls'] as const).map((value) => ({
            value,
            label: t(`history.kind.${value}`),
          }))}
        />
      }
    >
      {kind === 'meetings' ? <OwnMeetings /> : <OwnCalls />}
    </Page>
  );
}

function OwnMeetings() {
  const { t } = useTranslation();
  const list = useList(queries.myRuns());
  return (
    <ListTable
      name="own-meetings"
      label={t('history.kind.meetings')}
      list={list}
      rowKey={(run) => run.id}
      columns={[
        {
          id: 'name',
          header: t('history.meeting'),
          width: 'minmax(0, 2fr)',
          cell: (run) => (
            <div style={{ minWidth: 0 }}>
              <Text
                size="sm"
                fw={500}
                truncate
                renderRoot={(props) => <Link to="/m/$cid" params={{ cid: run.cid }} {...props} />}
                c="inherit"
              >
                {run.name}
              </Text>
              <Below>{exactTime(run.started_at)}</Below>
            </div>
          ),
        },
        {
          id: 'began',
          header: t('history.began'),
          width: 'minmax(0, 1.3fr)',
          from: 'sm',
          cell: (run) => (
            <Text size="sm" c="dimmed" truncate>
              {exactTime(run.started_at)}
            </Text>
          ),
        },
        {
          id: 'own',
          header: t('history.ownTime'),
          width: 'minmax(0, 1fr)',
          cell: (run) => duration(secondsOf(run.own)),
        },
        {
          id: 'length',
          header: t('history.length'),
          width: 'minmax(0, 1fr)',
          from: 'md',
          cell: (run) =>
            run.ended_at
              ? duration(secondsOf([{ came_at: run.started_at, left_at: run.ended_at }]))
              : t('history.goesOn'),
        },
        {
          id: 'people',
          header: t('history.people'),
          width: '90px',
          from: 'sm',
          cell: (run) => run.people,
        },
      ]}
      icon={<IconHistory />}
      none={{ title: t('history.noMeetings'), text: t('history.noMeetingsText') }}
    />
  );
}

function OwnCalls() {
  const { t } = useTranslation();
  const { said, set } = useAddress(route);
  const { search, direction, answered } = said;
  const list = useList(
    queries.myCalls({ search, direction, answered: answered ? answered === 'yes' : undefined }),
  );
  const mayCall = useMe().rights.includes('make_calls');
  const { call, busy } = useCall();
  const filtered = !!(search || direction || answered);
  return (
    <>
      <FilterBar
        search={
          <Search label={t('history.searchCalls')} value={search} onChange={(search) => set({ search })} />
        }
        filters={{ direction, answered }}
        set={set}
      >
        <FilterSelect
          width={170}
          label={t('history.direction')}
          any={t('history.anyDirection')}
          options={(['incoming', 'outgoing'] as const).map((value) => ({
            value,
            label: t(`history.direction.${value}`),
          }))}
          value={direction}
          onChange={(direction) => set({ direction })}
        />
        <FilterSelect
          width={170}
          label={t('history.answered')}
          any={t('history.anyAnswer')}
          options={(['yes', 'no'] as const).map((value) => ({
            value,
            label: t(`history.answered.${value}`),
          }))}
          value={answered}
          onChange={(answered) => set({ answered })}
        />
      </FilterBar>
      <ListTable
        name="own-calls"
        label={t('history.kind.calls')}
        list={list}
        rowKey={(one) => one.cid}
        columns={[
          {
            id: 'with',
            header: t('history.with'),
            width: 'minmax(0, 1.4fr)',
            cell: (one) => (
              <Group gap="sm" wrap="nowrap" miw={0}>
                <CallSign call={one} />
                <div style={{ minWidth: 0 }}>
                  <Text size="sm" fw={500} truncate>
                    {one.with.display_name}
                  </Text>
                  {idOf(one) && (
                    <Text size="xs" c="dimmed" truncate>
                      {idOf(one)}
                    </Text>
                  )}
                </div>
              </Group>
            ),
          },
          {
            id: 'outcome',
            header: t('history.outcome'),
            width: 'minmax(0, 1.4fr)',
            cell: (one) => (
              <Text size="sm" c={missed(one) ? 'var(--plenary-bad)' : undefined} truncate>
                {one.state === 'over' ? <CallWords call={one} /> : t('history.goesOn')}
              </Text>
            ),
          },
          {
            id: 'at',
            header: t('history.when'),
            width: 'minmax(90px, 1fr)',
            from: 'sm',
            cell: (one) => <Time at={one.began_at} size="sm" c="dimmed" />,
          },
          {
            id: 'call',
            header: '',
            width: '48px',
            cell: (one) =>
              mayCall && (
                <Tooltip label={t('call.one', { name: one.with.display_name })}>
                  <ActionIcon
                    variant="subtle"
                    aria-label={t('call.one', { name: one.with.display_name })}
                    disabled={busy}
                    onClick={() => void call(one.with.id)}
                  >
                    <IconPhone size={18} aria-hidden />
                  </ActionIcon>
                </Tooltip>
              ),
          },
        ]}
        icon={<IconPhone />}
        none={filtered ? undefined : { title: t('history.noCalls'), text: t('history.noCallsText') }}
      />
    </>
  );
}
