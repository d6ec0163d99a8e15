import { ActionIcon, Badge, Button, Group, SegmentedControl, Text, Tooltip } from '@mantine/core';
import {
  IconCalendarMonth,
  IconDoorEnter,
  IconPlus,
  IconPresentation,
  IconSettings,
  IconTemplate,
} from '@tabler/icons-react';
import { getRouteApi, Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { queries } from '../api/queries';
import { stages } from '../api/types';
import { When } from '../conferences/When';
import { groupedCid } from '../ui/cid';
import { Below } from '../ui/DataTable';
import { FilterBar } from '../ui/FilterBar';
import { FilterSelect } from '../ui/FilterSelect';
import { ListTable } from '../ui/ListTable';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { useAdminText } from '../ui/text';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMe } from '../ui/useMe';
import { Invitations } from './Invitations';

const route = getRouteApi('/_app/meetings');
const ConferenceSheet = lazy(() =>
  import('../conferences/ConferenceSheet').then((file) => ({ default: file.ConferenceSheet })),
);

/** The own conferences, those to which one is invited, and all others of the server. */
export function MeetingsPage() {
  const { t } = useAdminText();
  const me = useMe();
  const { said, set, go } = useAddress(route);
  const { search, stage, part, conference, create, template, invite } = said;
  const list = useList(queries.conferences({ sort: 'stage', search, stage, part }));
  const mayCreate = me.rights.includes('create_conferences') || (me.admin === 'full' && me.administration);
  const add = mayCreate && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => go({ create: true })}>
      {t('conferences.create')}
    </Button>
  );
  const kept = mayCreate && (
    <Button
      variant="default"
      leftSection={<IconTemplate size={16} aria-hidden />}
      renderRoot={(props) => <Link to="/meetings/templates" {...props} />}
    >
      {t('templates.title')}
    </Button>
  );
  return (
    <Page
      fill
      title={t('common:nav.meetings')}
      purpose={t('common:meetings.purpose')}
      action={
        <>
          <Button
            variant="default"
            leftSection={<IconCalendarMonth size={16} aria-hidden />}
            renderRoot={(props) => <Link to="/meetings/calendar" {...props} />}
          >
            {t('common:nav.calendar')}
          </Button>
          {kept}
          {add}
        </>
      }
    >
      <FilterBar
        search={
          <Search label={t('conferences.search')} value={search} onChange={(search) => set({ search })} />
        }
        filters={{ stage }}
        set={set}
      >
        <FilterSelect
          width={160}
          label={t('conferences.stage')}
          any={t('conferences.anyStage')}
          options={stages.map((value) => ({ value, label: t(`conferences.stage.${value}`) }))}
          value={stage}
          onChange={(stage) => set({ stage })}
        />
      </FilterBar>
      <SegmentedControl
        mb="sm"
        aria-label={t('common:meetings.part')}
        value={part ?? 'all'}
        onChange={(value) => set({ part: value === 'all' ? undefined : (value as typeof part) })}
        data={(['all', 'owner', 'named'] as const).map((value) => ({
          value,
          label: t(`common:meetings.part.${value}`),
        }))}
        style={{ alignSelf: 'flex-start' }}
      />
      {part !== 'owner' && !stage && <Invitations search={search} />}
      <ListTable
        name="meetings"
        label={t('common:nav.meetings')}
        list={list}
        rowKey={(row) => row.cid}
        onOpen={(row) => row.moderates && go({ conference: row.cid })}
        active={conference}
        columns={[
          {
            id: 'name',
            header: t('conferences.name'),
            width: 'minmax(0, 1.4fr)',
            cell: (row) => (
              <div style={{ minWidth: 0 }}>
                <Text size="sm" fw={500} truncate>
                  {row.name}
                </Text>
                <Below>{groupedCid(row.cid)}</Below>
              </div>
            ),
          },
          {
            id: 'when',
            header: t('conferences.next'),
            width: 'minmax(0, 1.2fr)',
            cell: (row) => <When conference={row} cell />,
          },
          {
            id: 'owner',
            header: t('conferences.owner'),
            width: 'minmax(0, 1fr)',
            from: 'sm',
            cell: (row) => row.owner,
          },
          {
            id: 'access',
            header: t('conferences.access'),
            width: '110px',
            from: 'md',
            cell: (row) => (
              <Badge variant="default" tt="none" fw={500}>
                {t(`conferences.access.${row.access}`)}
              </Badge>
            ),
          },
          {
            id: 'menu',
            header: '',
            width: '92px',
            cell: (row) => (
              <Group gap={4} wrap="nowrap" justify="flex-end">
                {row.moderates && (
                  <Tooltip label={t('common:join.settings', { name: row.name })}>
                    <ActionIcon
                      variant="subtle"
                      color="gray"
                      aria-label={t('common:join.settings', { name: row.name })}
                      onClick={() => go({ conference: row.cid })}
                    >
                      <IconSettings size={16} />
                    </ActionIcon>
                  </Tooltip>
                )}
                <Tooltip label={t('common:join.one', { name: row.name })}>
                  <ActionIcon
                    variant="subtle"
                    aria-label={t('common:join.one', { name: row.name })}
                    renderRoot={(props) => <Link to="/m/$cid" params={{ cid: row.cid }} {...props} />}
                  >
                    <IconDoorEnter size={16} />
                  </ActionIcon>
                </Tooltip>
              </Group>
            ),
          },
        ]}
        icon={<IconPresentation />}
        none={
          search || stage
            ? undefined
            : { title: t('conferences.empty'), text: t('conferences.emptyText'), action: add }
        }
      />
      {(conference || (create && mayCreate)) && (
        <Suspense>
          <ConferenceSheet
            key={create ? '' : conference}
            cid={create ? undefined : conference}
            template={template}
            invite={invite}
            own
            close={() =>
              set({ conference: undefined, create: undefined, template: undefined, invite: undefined })
            }
          />
        </Suspense>
      )}
    </Page>
  );
}
