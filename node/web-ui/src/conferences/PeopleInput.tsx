import { TagsInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useQuery } from '@tanstack/react-query';
import { useState, type ReactNode } from 'react';
import { queries } from '../api/queries';
import type { SearchHit } from '../api/types';
import { DirectoryAway } from '../ui/DirectoryAway';
import { useFound } from '../ui/useFound';
import { NotMet } from './NotMet';

interface Props {
  label: string;
  hint: string;
  most: number;
  value?: string[];
  onChange?: (people: string[]) => void;
  error?: ReactNode;
}

/** How somebody who was found is named: with the server, if it is another one. */
const idsOf = (hits: SearchHit[]) =>
  hits.flatMap(({ kind, call, display_name }) =>
    kind === 'user' && call ? [[call, display_name] as const] : [],
  );

/** IDs of people of this server and the others of the enterprise, found by names as one types. */
export function PeopleInput({ label, hint, most, value, onChange, error }: Props) {
  const [text, setText] = useState('');
  const [settled] = useDebouncedValue(text.trim(), 150);
  const found = useQuery({
    ...queries.usersOnce({ search: settled, limit: 10, sort: 'display_name' }),
    enabled: settled.length > 0,
    // Whoever may not list accounts types whole IDs.
    retry: false,
  });
  const anybody = useFound(text, 'user');
  const own = found.data?.items.map((user) => [user.id, user.display_name] as const) ?? [];
  const names = new Map([...own, ...idsOf(anybody.hits)]);
  return (
    <div>
      <TagsInput
        label={label}
        description={hint}
        inputWrapperOrder={['label', 'input', 'description', 'error']}
        maxTags={most}
        data={settled ? [...names.keys()] : []}
        filter={({ options }) => options}
        renderOption={({ option }) => `${names.get(option.value) ?? option.value} (${option.value})`}
        searchValue={text}
        onSearchChange={setText}
        value={value}
        onChange={onChange}
        error={error}
      />
      <DirectoryAway missing={anybody.missing} />
      <NotMet people={value ?? []} />
    </div>
  );
}
