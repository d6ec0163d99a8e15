import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';

/** Fewer letters find too many. */
const FEWEST = 2;

/** Who is found on this server and the others, a moment after the last key. */
export function useFound(text: string) {
  const [settled] = useDebouncedValue(text.trim(), 150);
  const enabled = settled.length >= FEWEST;
  const found = useQuery({
    ...queries.search(settled),
    enabled,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const result = enabled ? found.data : undefined;
  return {
    hits: result?.hits ?? [],
    /** Only this server was searched, as the Directory does not answer. */
    away: result?.directory === 'away',
    /** Nothing matches what is typed. */
    none: enabled && !found.isFetching && result?.hits.length === 0,
    failed: enabled && found.isError,
  };
}
