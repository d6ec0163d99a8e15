import { Button, Select, Text, TextInput, UnstyledButton } from '@mantine/core';
import { useDebouncedCallback } from '@mantine/hooks';
import { IconDownload, IconHistory } from '@tabler/icons-react';
import { getRouteApi } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { eventKinds, type LogEvent } from '../api/types';
import { Below, DataTable, type Column } from '../ui/DataTable';
import { deviceName } from '../ui/DeviceList';
import { download } from '../ui/download';
import { FilterBar } from '../ui/FilterBar';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { EmptyState, ErrorState } from '../ui/States';
import { useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useList } from '../ui/useList';
import { queryOf } from './eventQuery';
import { EventSheet } from './EventSheet';
import { EventStatus } from './EventStatus';
import { aboutOf, actorOf, descriptionOf, fieldOf, whoAndWhat } from './eventText';

const route = getRouteApi('/_app/admin/events');

type Filter = ReturnType<typeof route.useSearch>;

/** Who did what, when, and what it was before. */
export function EventsPage() {
  const { t } = useAdminText();
  const { event, ...filter } = route.useSearch();
  const navigate = route.useNavigate();
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
      {list.error ? (
        <ErrorState error={list.error} retry={list.retry} />
      ) : (
        <DataTable
          name="events"
          label={t('common:nav.events')}
          columns={columns}
          rows={list.rows}
          total={list.total}
          rowKey={(row) => row.id}
          onOpen={(row) => void navigate({ search: (now) => ({ ...now, event: row.id }) })}
          active={event}
          hasMore={list.hasMore}
          loadMore={list.loadMore}
          loading={list.loading}
          empty={
            <EmptyState
              icon={<IconHistory />}
              title={filtered ? t('common:state.nothingFound') : t('events.empty')}
              text={filtered ? t('common:state.nothingFoundHint') : t('events.emptyText')}
            />
          }
        />
      )}
      {event && (
        <EventSheet
          event={list.rows.find((row) => row.id === event)}
          loading={list.loading}
          close={() => void navigate({ search: (now) => ({ ...now, event: undefined }) })}
        />
      )}
    </Page>
  );
}

function useColumns(): Column<LogEvent>[] {
  const { t } = useAdminText();
  const navigate = route.useNavigate();
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
          <UnstyledButton onClick={() => void navigate({ search: (now) => ({ ...now, event: event.id }) })}>
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
          {event.changes.length > 0
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

const objectKinds = ['user', 'group', 'alias', 'settings', 'node', 'server'] as const;

function Filters() {
  const { t } = useAdminText();
  const filter = route.useSearch();
  const navigate = route.useNavigate();
  const set = (patch: Partial<Filter>) =>
    void navigate({ search: (now) => ({ ...now, ...patch, event: undefined }), replace: true });
  const clear = { 'aria-label': t('common:action.clear') };
  return (
    <FilterBar
      search={
        <Search
          label={t('events.search')}
          value={filter.search ?? ''}
          onChange={(search) => set({ search: search || undefined })}
        />
      }
      active={
        [filter.kind, filter.object_kind, filter.actor, filter.from, filter.until].filter(Boolean).length
      }
      clear={() =>
        set({ kind: undefined, object_kind: undefined, actor: undefined, from: undefined, until: undefined })
      }
    >
      <Select
        w={170}
        aria-label={t('events.kind')}
        placeholder={t('events.anyKind')}
        clearable
        clearButtonProps={clear}
        data={eventKinds.map((value) => ({ value, label: t(`eventKind.${value}`) }))}
        value={filter.kind ?? null}
        onChange={(kind) => set({ kind: (kind as Filter['kind']) ?? undefined })}
      />
      <Select
        w={160}
        aria-label={t('events.object')}
        placeholder={t('events.anyObject')}
        clearable
        clearButtonProps={clear}
        data={objectKinds.map((value) => ({ value, label: t(`objectKind.${value}`) }))}
        value={filter.object_kind ?? null}
        onChange={(kind) => set({ object_kind: kind ?? undefined })}
      />
      <Actor
        key={filter.actor}
        value={filter.actor ?? ''}
        onChange={(actor) => set({ actor: actor || undefined })}
      />
      <TextInput
        type="date"
        w={196}
        leftSection={<Text size="xs">{t('events.fromShort')}</Text>}
        leftSectionWidth={50}
        aria-label={t('events.from')}
        title={t('events.from')}
        value={filter.from ?? ''}
        max={filter.until}
        onChange={(event) => set({ from: event.currentTarget.value || undefined })}
      />
      <TextInput
        type="date"
        w={196}
        leftSection={<Text size="xs">{t('events.untilShort')}</Text>}
        leftSectionWidth={50}
        aria-label={t('events.until')}
        title={t('events.until')}
        value={filter.until ?? ''}
        min={filter.from}
        onChange={(event) => set({ until: event.currentTarget.value || undefined })}
      />
    </FilterBar>
  );
}

function Actor({ value, onChange }: { value: string; onChange: (actor: string) => void }) {
  const { t } = useAdminText();
  const [text, setText] = useState(value);
  const later = useDebouncedCallback((next: string) => onChange(next.trim()), 400);
  return (
    <TextInput
      w={150}
      aria-label={t('events.actor')}
      placeholder={t('events.anyActor')}
      autoCapitalize="none"
      spellCheck={false}
      value={text}
      onChange={(event) => {
        setText(event.currentTarget.value);
        later(event.currentTarget.value);
      }}
    />
  );
}
