import { useDebouncedValue } from '@mantine/hooks';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { asProblem } from '../api/problem';
import { queries } from '../api/queries';
import type { FoundKind } from '../api/types';

/** Fewer letters find too many. */
const FEWEST = 2;

/** Why not everybody may be among those who were found. */
export type Missing = 'away' | 'held' | 'failed';

export function missing(directory: string | undefined, error: unknown): Missing | undefined {
  if (error) return asProblem(error).code === 'too-many-requests' ? 'held' : 'failed';
  return directory === 'away' || directory === 'held' ? directory : undefined;
}

/** Who is found on this server and the others, a moment after the last key; of one kind, or all. */
export function useFound(text: string, kind?: FoundKind) {
  const [settled] = useDebouncedValue(text.trim(), 150);
  const enabled = settled.length >= FEWEST;
  const found = useQuery({
    ...queries.search(settled, kind),
    enabled,
    placeholderData: keepPreviousData,
    retry: false,
  });
  const result = enabled ? found.data : undefined;
  return {
    hits: result?.hits ?? [],
    missing: enabled ? missing(result?.directory, found.error) : undefined,
    /** Nothing matches what is typed. */
    none: enabled && !found.isFetching && !found.isError && result?.hits.length === 0,
    /** What is there is the answer to what is typed. */
    settled: enabled && !found.isFetching && found.isSuccess,
  };
}
