import { Box, Button, Group, Text } from '@mantine/core';
import { IconUsers } from '@tabler/icons-react';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useState } from 'react';
import { calls } from '../api/calls';
import { queries } from '../api/queries';
import type { Group as UserGroup } from '../api/types';
import { ListTable } from '../ui/ListTable';
import { tellProblem } from '../ui/notify';
import { Search } from '../ui/Search';
import { ErrorState } from '../ui/States';
import { PresenceStatus } from '../ui/Status';
import { useAdminText } from '../ui/text';
import { useList } from '../ui/useList';
import { useMayChange } from '../ui/useMe';
import { UserPicker } from './UserPicker';

export function GroupMembers({ group }: { group: UserGroup }) {
  const { t } = useAdminText();
  const mayChange = useMayChange() && !group.builtin;
  const cache = useQueryClient();
  const [search, setSearch] = useState<string>();
  const list = useList(queries.members(group.id, { search }));
  const change = useMutation({
    mutationFn: ({ add = [], remove = [] }: { add?: string[]; remove?: string[] }) =>
      calls.changeMembers(group.id, add, remove),
    onSuccess: (now) => {
      cache.setQueryData(queries.group(group.id).queryKey, now);
      return Promise.all([
        cache.invalidateQueries({ queryKey: ['groups'] }),
        cache.invalidateQueries({ queryKey: ['users'] }),
      ]);
    },
    onError: tellProblem,
  });
  if (list.error) return <ErrorState error={list.error} retry={list.retry} />;
  return (
    <>
      {mayChange && <UserPicker label={t('group.addMember')} pick={(id) => change.mutate({ add: [id] })} />}
      {group.builtin && (
        <Text size="sm" c="dimmed" mb="sm">
          {t('group.builtinMembers')}
        </Text>
      )}
      <Group my="sm">
        <Search label={t('group.searchMembers')} value={search} onChange={setSearch} />
      </Group>
      <Box h={400} display="flex">
        <ListTable
          label={t('groups.members')}
          list={list}
          rowKey={(user) => user.id}
          columns={[
            {
              id: 'name',
              header: t('common:field.display_name'),
              width: 'minmax(0, 1fr)',
              cell: (user) => (
                <Text
                  component={Link}
                  to="/admin/users/$id"
                  params={{ id: user.id } as never}
                  size="sm"
                  c="inherit"
                  td="none"
                  truncate
                >
                  {user.display_name}
                </Text>
              ),
            },
            {
              id: 'presence',
              header: t('users.presence'),
              width: '142px',
              from: 'sm',
              cell: (user) => <PresenceStatus presence={user.presence} />,
            },
            {
              id: 'remove',
              header: '',
              width: '104px',
              cell: (user) =>
                mayChange && (
                  <Button
                    size="compact-xs"
                    variant="subtle"
                    color="red"
                    aria-label={t('group.removeMember', { name: user.display_name })}
                    onClick={() => change.mutate({ remove: [user.id] })}
                  >
                    {t('group.removeMemberShort')}
                  </Button>
                ),
            },
          ]}
          icon={<IconUsers />}
          none={{ title: t('group.empty'), text: t('group.emptyText') }}
        />
      </Box>
    </>
  );
}
