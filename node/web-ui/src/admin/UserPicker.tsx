import { Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { IconUserPlus } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';
import { queries } from '../api/queries';
import { useAdminText } from '../ui/text';

/** Finds somebody by name, ID or email on the server, among however many. */
export function UserPicker({ label, pick }: { label: string; pick: (id: string) => void }) {
  const { t } = useAdminText();
  const [text, setText] = useState('');
  const [settled] = useDebouncedValue(text.trim(), 150);
  const found = useQuery({
    ...queries.usersOnce({ search: settled, limit: 20, sort: 'display_name' }),
    enabled: settled.length > 0,
  });
  const users = settled ? (found.data?.items ?? []) : [];
  return (
    <Select
      label={label}
      placeholder={t('users.search')}
      leftSection={<IconUserPlus size={16} aria-hidden />}
      searchable
      searchValue={text}
      onSearchChange={setText}
      filter={({ options }) => options}
      nothingFoundMessage={settled && !found.isFetching ? t('common:state.nothingFound') : undefined}
      data={users.map((user) => ({ value: user.id, label: `${user.display_name} (${user.id})` }))}
      value={null}
      onChange={(id) => {
        if (id) pick(id);
        setText('');
      }}
    />
  );
}
