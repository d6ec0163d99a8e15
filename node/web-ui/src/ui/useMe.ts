import { useQuery } from '@tanstack/react-query';
import { queries } from '../api/queries';
import type { Me } from '../api/types';

/** Who is signed in; the layout shows pages only once that is known. */
export function useMe(): Me {
  return useQuery(queries.me()).data!;
}

/** Whether one may ring at others; taken for granted as long as it is not known. */
export function useMayCall(): boolean {
  return useQuery(queries.me()).data?.rights.includes('make_calls') ?? true;
}

/** Whether the control panel is open to one from here: never from outside, and elsewhere as its networks allow (AUTH-07, ENT-04). */
export function useAdministers(): boolean {
  return useMe().administration;
}

/** Whether the control panel may be changed here, or only read (AUTH-07). */
export function useMayChange(): boolean {
  return useMe().admin === 'full';
}
