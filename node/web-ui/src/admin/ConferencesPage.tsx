import { ActionIcon, Badge, Button, Group, Text, Tooltip } from '@mantine/core';
import {
  IconDoorEnter,
  IconHourglass,
  IconLock,
  IconPlus,
  IconPresentation,
  IconTemplate,
  IconTrash,
} from '@tabler/icons-react';
import { useQueryClient } from '@tanstack/react-query';
import { getRouteApi, Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { accesses, modes, stages, type Conference } from '../api/types';
import { ConferenceSheet } from '../conferences/ConferenceSheet';
import { When } from '../conferences/When';
import { groupedCid } from '../ui/cid';
import { Confirm } from '../ui/Confirm';
import { Below } from '../ui/DataTable';
import { FilterBar } from '../ui/FilterBar';
import { FilterSelect } from '../ui/FilterSelect';
import { FilterText } from '../ui/FilterText';
import { ListTable } from '../ui/ListTable';
import { tell } from '../ui/notify';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { useAdminText } from '../ui/text';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMayChange } from '../ui/useMe';

const route = getRouteApi('/_app/admin/conferences');

/** All conferences of the server, and the form that makes and changes them. */
export function ConferencesPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const cache = useQueryClient();
  const { said, set, go } = useAddress(route);
  const { search, sort = 'stage', stage, mode, access, owner, conference, create, template } = said;
  const list = useList(queries.conferences({ search, sort, stage, mode, access, owner }));
  const filtered = !!(search || stage || mode || access || owner);
  const [removing, remove] = useState<Conference | null>(null);
  const close = () => set({ conference: undefined, create: undefined, template: undefined });
  const add = mayChange && (
    <Button leftSection={<IconPlus size={16} />} onClick={() => go({ create: true })}>
      {t('conferences.create')}
    </Button>
  );
  const kept = (
    <Button
      variant="default"
      leftSection={<IconTemplate size={16} aria-hidden />}
      renderRoot={(props) => <Link to="/admin/conferences/templates" {...props} />}
    >
      {t('templates.title')}
    </Button>
  );
  return (
    <Page
      fill
      title={t('common:nav.conferences')}
      purpose={t('conferences.purpose')}
      action={
        <>
          {kept}
          {add}
        </>
      }
    >
      <FilterBar
        search={
          <Search label={t('conferences.search')} value={search} onChange={(search) => set({ search })} />
        }
        filters={{ stage, mode, access, owner }}
        set={set}
      >
        <FilterSelect
          width={150}
          label={t('conferences.stage')}
          any={t('conferences.anyStage')}
          options={stages.map((value) => ({ value, label: t(`conferences.stage.${value}`) }))}
          value={stage}
          onChange={(stage) => set({ stage })}
        />
        <FilterSelect
          width={170}
          label={t('conferences.mode')}
          any={t('conferences.anyMode')}
          options={modes.map((value) => ({ value, label: t(`conferences.mode.${value}`) }))}
          value={mode}
          onChange={(mode) => set({ mode })}
        />
        <FilterSelect
          width={180}
          label={t('conferences.access')}
          any={t('conferences.anyAccess')}
          options={accesses.map((value) => ({ value, label: t(`conferences.access.${value}`) }))}
          value={access}
          onChange={(access) => set({ access })}
        />
        <FilterText
          label={t('conferences.filterOwner')}
          any={t('conferences.anyOwner')}
          value={owner}
          onChange={(owner) => set({ owner })}
        />
      </FilterBar>
      <ListTable
        name="conferences"
        label={t('common:nav.conferences')}
        list={list}
        rowKey={(row) => row.cid}
        sort={sort}
        onSort={(sort) => set({ sort })}
        onOpen={(row) => go({ conference: row.cid })}
        active={conference}
        columns={[
          {
            id: 'name',
            header: t('conferences.name'),
            width: 'minmax(0, 1.7fr)',
            sortable: true,
            cell: (row) => (
              <div style={{ minWidth: 0 }}>
                <Group gap={6} wrap="nowrap" miw={0}>
                  <Text size="sm" fw={500} truncate>
                    {row.name}
                  </Text>
                  {row.settings.has_pin && (
                    <IconLock size={14} role="img" aria-label={t('conferences.hasPin')} />
                  )}
                  {row.settings.waiting_room !== 'off' && (
                    <IconHourglass size={14} role="img" aria-label={t('conferences.hasWaitingRoom')} />
                  )}
                </Group>
                <Below>{groupedCid(row.cid)}</Below>
              </div>
            ),
          },
          {
            id: 'cid',
            header: t('conferences.cid'),
            width: 'minmax(0, 1fr)',
            sortable: true,
            from: 'sm',
            cell: (row) => groupedCid(row.cid),
          },
          {
            id: 'when',
            header: t('conferences.next'),
            width: 'minmax(0, 1.6fr)',
            cell: (row) => <When conference={row} cell />,
          },
          {
            id: 'mode',
            header: t('conferences.mode'),
            width: 'minmax(0, 1fr)',
            from: 'sm',
            cell: (row) => t(`conferences.mode.${row.settings.mode}`),
          },
          {
            id: 'owner',
            header: t('conferences.owner'),
            width: 'minmax(0, 1fr)',
            sortable: true,
            from: 'md',
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
                <Tooltip label={t('conferences.join', { name: row.name })}>
                  <ActionIcon
                    variant="subtle"
                    aria-label={t('conferences.join', { name: row.name })}
                    renderRoot={(props) => <Link to="/m/$cid" params={{ cid: row.cid }} {...props} />}
                  >
                    <IconDoorEnter size={16} />
                  </ActionIcon>
                </Tooltip>
                {mayChange && (
                  <ActionIcon
                    variant="subtle"
                    color="gray"
                    aria-label={t('conferences.delete', { name: row.name })}
                    onClick={() => remove(row)}
                  >
                    <IconTrash size={16} />
                  </ActionIcon>
                )}
              </Group>
            ),
          },
        ]}
        icon={<IconPresentation />}
        none={
          filtered
            ? undefined
            : { title: t('conferences.empty'), text: t('conferences.emptyText'), action: add }
        }
      />
      {(conference || (create && mayChange)) && (
        <ConferenceSheet
          key={create ? '' : conference}
          cid={create ? undefined : conference}
          template={template}
          readOnly={!mayChange}
          close={close}
        />
      )}
      <Confirm
        opened={!!removing}
        close={() => remove(null)}
        title={t('conferences.deleteTitle', { name: removing?.name })}
        verb={t('conferences.deleteVerb')}
        typed={removing?.cid}
        act={async () => {
          await calls.deleteConference(removing!.cid, removing!.revision);
          await cache.invalidateQueries({ queryKey: ['conferences'] });
          tell(t('conferences.deleted', { name: removing!.name }));
        }}
      >
        {t('conferences.deleteText', { name: removing?.name })}
      </Confirm>
    </Page>
  );
}
