import { Badge, Button, Group, Menu, Text } from '@mantine/core';
import { IconDownload, IconFileImport, IconPlus, IconUsers } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { getRouteApi, Link, Outlet, useMatchRoute } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import { presences, type User } from '../api/types';
import { Below, type Column } from '../ui/DataTable';
import { download } from '../ui/download';
import { Face } from '../ui/Face';
import { FilterBar } from '../ui/FilterBar';
import { FilterSelect } from '../ui/FilterSelect';
import { ListTable } from '../ui/ListTable';
import { Page } from '../ui/Page';
import { Search } from '../ui/Search';
import { PresenceStatus } from '../ui/Status';
import { useAdminText } from '../ui/text';
import { Time } from '../ui/Time';
import { useAddress } from '../ui/useAddress';
import { useList } from '../ui/useList';
import { useMayChange } from '../ui/useMe';
import { CreateUser } from './CreateUser';
import { groupName } from './groupName';
import { UsersBulk } from './UsersBulk';

const route = getRouteApi('/_app/admin/users');

export function UsersPage() {
  const { t } = useAdminText();
  const mayChange = useMayChange();
  const { said, set, go } = useAddress(route);
  const { create, ...filters } = said;
  const { sort, ...narrowing } = filters;
  const navigate = route.useNavigate();
  const open = useMatchRoute()({ to: '/admin/users/$id' });
  const columns = useColumns();
  const list = useList(queries.users({ ...filters, sort: sort ?? 'display_name' }));
  const [chosen, choose] = useChoice(JSON.stringify(narrowing));
  const filtered = Object.values(narrowing).some((value) => value !== undefined);
  const startCreating = () => go({ create: true });

  return (
    <Page
      fill
      title={t('common:nav.users')}
      purpose={t('users.purpose')}
      action={
        <>
          <Menu position="bottom-end" transitionProps={{ duration: 80 }}>
            <Menu.Target>
              <Button variant="default">{t('users.csv')}</Button>
            </Menu.Target>
            <Menu.Dropdown>
              <Menu.Item
                leftSection={<IconDownload size={16} />}
                onClick={() => void download(calls.exportUsers, 'users.csv')}
              >
                {t('users.export')}
              </Menu.Item>
              {mayChange && (
                <Menu.Item leftSection={<IconFileImport size={16} />} component={Link} to="/admin/import">
                  {t('users.import')}
                </Menu.Item>
              )}
            </Menu.Dropdown>
          </Menu>
          {mayChange && (
            <Button leftSection={<IconPlus size={16} />} onClick={startCreating}>
              {t('users.create')}
            </Button>
          )}
        </>
      }
    >
      <Filters />
      {chosen.size > 0 && (
        <UsersBulk chosen={chosen} choose={choose} filters={narrowing} total={list.total} />
      )}
      <ListTable
        name="users"
        label={t('common:nav.users')}
        columns={columns}
        list={list}
        rowKey={(user) => user.id}
        sort={sort ?? 'display_name'}
        onSort={(sort) => set({ sort })}
        selection={
          mayChange
            ? { keys: chosen, change: choose, label: (id) => t('users.choose', { name: id }) }
            : undefined
        }
        onOpen={(user) =>
          void navigate({ to: '/admin/users/$id', params: { id: user.id }, search: (now) => now })
        }
        active={open ? open.id : undefined}
        icon={<IconUsers />}
        none={
          filtered
            ? undefined
            : {
                title: t('users.empty'),
                text: t('users.emptyText'),
                action: mayChange && <Button onClick={startCreating}>{t('users.create')}</Button>,
              }
        }
      />
      <CreateUser opened={!!create && mayChange} close={() => set({ create: undefined })} />
      <Outlet />
    </Page>
  );
}

/** Nobody acts on what they no longer see: with other filters the choice is over. */
function useChoice(filters: string) {
  const [choice, set] = useState<{ of: string; keys: ReadonlySet<string> }>({ of: filters, keys: new Set() });
  const keys = choice.of === filters ? choice.keys : new Set<string>();
  return [keys, (next: ReadonlySet<string>) => set({ of: filters, keys: next })] as const;
}

/** Fields of the profile that some want to see and most do not. */
const extras = ['organisation', 'department', 'job_title', 'work_phone', 'mobile_phone'] as const;

function useColumns(): Column<User>[] {
  const { t } = useAdminText();
  const groups = useQuery(queries.allGroups());
  const search = route.useSearch();
  const names = new Map(groups.data?.map((group) => [group.id, groupName(group)]));
  return [
    {
      id: 'display_name',
      header: t('common:field.display_name'),
      width: 'minmax(0, 2fr)',
      sortable: true,
      cell: (user) => (
        <Group gap="sm" wrap="nowrap">
          <Face
            name={user.display_name}
            size={28}
            picture={
              user.has_avatar
                ? { key: [user.id, user.revision], load: (signal) => calls.userAvatar(user.id, signal) }
                : undefined
            }
          />
          <div style={{ minWidth: 0 }}>
            <Text
              component={Link}
              to="/admin/users/$id"
              params={{ id: user.id } as never}
              search={search as never}
              display="block"
              size="sm"
              fw={500}
              c="inherit"
              td="none"
              truncate
            >
              {user.display_name}
            </Text>
            <Below>{user.id}</Below>
          </div>
          {user.admin !== 'none' && (
            <Badge size="xs" variant="light" visibleFrom="xs" style={{ flex: 'none' }}>
              {t(`adminRole.${user.admin}Short`)}
            </Badge>
          )}
        </Group>
      ),
    },
    {
      id: 'id',
      header: t('users.id'),
      width: 'minmax(0, 1.2fr)',
      sortable: true,
      from: 'sm',
      cell: (user) => user.id,
    },
    {
      id: 'email',
      header: t('common:field.email'),
      width: 'minmax(0, 1.8fr)',
      sortable: true,
      from: 'md',
      cell: (user) => user.email,
    },
    {
      id: 'groups',
      header: t('users.groups'),
      width: 'minmax(0, 1.4fr)',
      from: 'lg',
      cell: (user) => (
        <Text size="sm" c="dimmed" truncate title={user.groups.map((id) => names.get(id) ?? id).join(', ')}>
          {user.groups.map((id) => names.get(id) ?? id).join(', ')}
        </Text>
      ),
    },
    {
      id: 'presence',
      header: t('users.presence'),
      width: '142px',
      cell: (user) => <PresenceStatus presence={user.presence} />,
    },
    {
      id: 'created_at',
      header: t('users.created'),
      width: '150px',
      sortable: true,
      from: 'lg',
      cell: (user) => <Time at={user.created_at} size="sm" c="dimmed" />,
    },
    ...extras.map((field): Column<User> => ({
      id: field,
      header: t(`common:field.${field}`),
      width: 'minmax(0, 1.2fr)',
      extra: true,
      cell: (user) => user[field],
    })),
  ];
}

function Filters() {
  const { t } = useAdminText();
  const { said, set } = useAddress(route);
  const { search, group, presence, admin } = said;
  const groups = useQuery(queries.allGroups());
  return (
    <FilterBar
      search={<Search label={t('users.search')} value={search} onChange={(search) => set({ search })} />}
      filters={{ group, presence, admin }}
      set={set}
    >
      <FilterSelect
        width={170}
        label={t('users.filterGroup')}
        any={t('users.anyGroup')}
        searchable
        options={groups.data?.map((group) => ({ value: group.id, label: groupName(group) })) ?? []}
        value={group}
        onChange={(group) => set({ group })}
      />
      <FilterSelect
        width={150}
        label={t('users.filterPresence')}
        any={t('users.anyPresence')}
        options={presences.map((value) => ({
          value,
          label: t(`common:presence.${value}`),
        }))}
        value={presence}
        onChange={(presence) => set({ presence })}
      />
      <FilterSelect
        width={170}
        label={t('users.filterAdmin')}
        any={t('users.anyAdmin')}
        options={(['none', 'security', 'full'] as const).map((value) => ({
          value,
          label: t(`adminRole.${value}`),
        }))}
        value={admin}
        onChange={(admin) => set({ admin })}
      />
    </FilterBar>
  );
}
