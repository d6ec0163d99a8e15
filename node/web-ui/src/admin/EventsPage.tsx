import { Button, Text, TextInput, UnstyledButton } from '@mantine/core';
import { IconDownload, IconHistory } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { eventKinds, type LogEvent } from '../api/types';
import { Below, type Column } from '../ui/DataTable';
import { deviceName } from '../ui/DeviceList';
import { download } from '../ui/download';
import { FilterBar } from '../ui/FilterBar';
import { FilterSelect } from '../ui/FilterSelect';
import { FilterText } from '../ui/FilterText';
import { ListTable } from '../ui/ListTable';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { queryOf } from './eventQuery';
import { EventSheet } from './EventSheet';
import { EventStatus } from './EventStatus';
import { aboutOf, actorOf, descriptionOf, fieldOf, whoAndWhat } from './eventText';

const route = getRouteApi('/_app/admin/events');

/** Who did what, when, and what it was before. */
export function EventsPage() {
  const { t } = useAdminText();
  const { said, go } = useAddress(route);
  const { event, ...filter } = said;
  const query = queryOf(filter);
  const columns = useColumns();
  const list = useList(queries.events(query));
  const filtered = Object.values(query).some((value) => value !== undefined);
  return (
    <Page
      fill
      title={t('common:nav.events')}
      purpose={t('events.purpose')}
      action={
        <Button
          variant="default"
          leftSection={<IconDownload size={16} />}
          onClick={() => void download(() => calls.exportEvents(query), 'events.csv')}
        >
          {t('events.export')}
        </Button>
      }
    >
      <Filters />
      <ListTable
        name="events"
        label={t('common:nav.events')}
        columns={columns}
        list={list}
        rowKey={(row) => row.id}
        onOpen={(row) => go({ event: row.id })}
        active={event}
        icon={<IconHistory />}
        none={filtered ? undefined : { title: t('events.empty'), text: t('events.emptyText') }}
      />
      {event && (
        <EventSheet
          event={list.rows.find((row) => row.id === event)}
          loading={list.loading}
          close={() => go({ event: undefined })}
        />
      )}
    </Page>
  );
}

function useColumns(): Column<LogEvent>[] {
  const { t } = useAdminText();
  const { go } = useAddress(route);
  return [
    {
      id: 'at',
      header: t('events.at'),
      width: 'minmax(104px, 136px)',
      cell: (event) => <Time at={event.at} size="sm" c="dimmed" />,
    },
    {
      id: 'kind',
      header: t('events.kind'),
      width: 'minmax(0, 1.3fr)',
      cell: (event) => (
        <>
          <UnstyledButton onClick={() => go({ event: event.id })}>
            <EventStatus event={event} />
          </UnstyledButton>
          <Below>{whoAndWhat(event)}</Below>
        </>
      ),
    },
    {
      id: 'object',
      header: t('events.object'),
      width: 'minmax(0, 1.2fr)',
      from: 'sm',
      cell: (event) => aboutOf(event),
    },
    {
      id: 'actor',
      header: t('events.actor'),
      width: 'minmax(0, 1fr)',
      from: 'sm',
      cell: (event) => actorOf(event),
    },
    {
      id: 'what',
      header: t('events.what'),
      width: 'minmax(0, 1.8fr)',
      from: 'md',
      cell: (event) => (
        <Text size="sm" c="dimmed" truncate>
          {event.changes.length > 0 && event.kind !== 'agreement'
            ? [...new Set(event.changes.map((change) => fieldOf(event, change.field)))].join(', ')
            : descriptionOf(event)}
        </Text>
      ),
    },
    {
      id: 'address',
      header: t('events.address'),
      width: '140px',
      from: 'lg',
      cell: (event) => event.address,
    },
    {
      id: 'device',
      header: t('events.device'),
      width: 'minmax(0, 1fr)',
      extra: true,
      cell: (event) => deviceName(event.user_agent),
    },
  ];
}

const objectKinds = [
  'user',
  'group',
  'alias',
  'conference',
  'call',
  'settings',
  'licence',
  'seats',
  'node',
  'server',
] as const;

function Filters() {
  const { t } = useAdminText();
  const { said, set: correct } = useAddress(route);
  const { search, kind, object_kind, actor, from, until } = said;
  const set = (patch: Partial<typeof said>) => correct({ ...patch, event: undefined });
  return (
    <FilterBar
      search={<Search label={t('events.search')} value={search} onChange={(search) => set({ search })} />}
      filters={{ kind, object_kind, actor, from, until }}
      set={set}
    >
      <FilterSelect
        width={170}
        label={t('events.kind')}
        any={t('events.anyKind')}
        options={eventKinds.map((value) => ({ value, label: t(`eventKind.${value}`) }))}
        value={kind}
        onChange={(kind) => set({ kind })}
      />
      <FilterSelect<string>
        width={160}
        label={t('events.object')}
        any={t('events.anyObject')}
        options={objectKinds.map((value) => ({ value, label: t(`objectKind.${value}`) }))}
        value={object_kind}
        onChange={(object_kind) => set({ object_kind })}
      />
      <FilterText
        label={t('events.actor')}
        any={t('events.anyActor')}
        value={actor}
        onChange={(actor) => set({ actor })}
      />
      <TextInput
        type="date"
        w={196}
        leftSection={<Text size="xs">{t('events.fromShort')}</Text>}
        leftSectionWidth={50}
        aria-label={t('events.from')}
        title={t('events.from')}
        value={from ?? ''}
        max={until}
        onChange={(event) => set({ from: event.currentTarget.value || undefined })}
      />
      <TextInput
        type="date"
        w={196}
        leftSection={<Text size="xs">{t('events.untilShort')}</Text>}
        leftSectionWidth={50}
        aria-label={t('events.until')}
        title={t('events.until')}
        value={until ?? ''}
        min={from}
        onChange={(event) => set({ until: event.currentTarget.value || undefined })}
      />
    </FilterBar>
  );
}
