import { Box, Group, Text } from '@mantine/core';
import { IconAddressBook } from '@tabler/icons-react';
import { useState } from 'react';
import { queries } from '../api/queries';
import type { User } from '../api/types';
import { ListTable } from '../ui/ListTable';
import { Search } from '../ui/Search';
import { ErrorState } from '../ui/States';
import { PresenceStatus } from '../ui/Status';
import { useAdminText } from '../ui/text';
import { useList } from '../ui/useList';

/** The address book as this user sees it. */
export function UserContacts({ user }: { user: User }) {
  const { t } = useAdminText();
  const [search, setSearch] = useState<string>();
  const list = useList(queries.userContacts(user.id, { search }));
  if (list.error) return <ErrorState error={list.error} retry={list.retry} />;
  return (
    <>
      <Group mb="sm">
        <Search label={t('common:contacts.search')} value={search} onChange={setSearch} />
      </Group>
      <Box h={420} display="flex">
        <ListTable
          label={t('user.contacts')}
          list={list}
          rowKey={(row) => row.call}
          rowHeight={52}
          columns={[
            {
              id: 'name',
              header: t('common:contacts.name'),
              width: 'minmax(0, 1fr)',
              cell: (row) => (
                <div>
                  <Text size="sm" truncate>
                    {row.display_name || row.call}
                  </Text>
                  <Text size="xs" c="dimmed" truncate>
                    {row.call}
                  </Text>
                </div>
              ),
            },
            {
              id: 'presence',
              header: t('users.presence'),
              width: '120px',
              cell: (row) => row.presence && <PresenceStatus presence={row.presence} />,
            },
          ]}
          icon={<IconAddressBook />}
          none={{ title: t('user.noContacts'), text: t('user.noContactsText') }}
        />
      </Box>
    </>
  );
}
