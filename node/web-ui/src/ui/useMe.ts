import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import type { Me } from '../api/types';

/** Who is signed in; the layout shows pages only once that is known. */
export function useMe(): Me {
  return useQuery(queries.me()).data!;
}

/** Whether the control panel may be changed here, or only read (AUTH-07). */
export function useMayChange(): boolean {
  return useMe().admin === 'full';
}
