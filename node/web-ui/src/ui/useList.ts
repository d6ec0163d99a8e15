import { useInfiniteQuery, type InfiniteData, type UseInfiniteQueryOptions } from '@tanstack/react-query';
import type { Page } from '../api/types';

type ListOptions<T> = UseInfiniteQueryOptions<
  Page<T>,
  Error,
  InfiniteData<Page<T>>,
  unknown[],
  string | null
>;

export type List<T> = ReturnType<typeof useList<T>>;

/** All rows read so far of a list that the server pages. */
export function useList<T>(options: ListOptions<T>) {
  const query = useInfiniteQuery(options);
  const pages = query.data?.pages ?? [];
  return {
    rows: pages.flatMap((page) => page.items),
    total: pages.at(-1)?.total ?? 0,
    hasMore: query.hasNextPage,
    loadMore: () => {
      if (!query.isFetching) void query.fetchNextPage();
    },
    loading: query.isPending,
    error: query.isPending || query.data ? null : query.error,
    /** An error while rows of before are still shown. */
    lateError: query.data ? query.error : null,
    retry: () => void query.refetch(),
  };
}
