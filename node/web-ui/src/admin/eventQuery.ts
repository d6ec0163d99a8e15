import type { EventQuery } from '../api/types';

export interface EventFilter extends Pick<EventQuery, 'search' | 'kind' | 'actor' | 'object_kind'> {
  /** Days as people name them, in their own zone, both included: `2030-01-31`. */
  from?: string;
  until?: string;
}

/** The instant at which `day`, or the day `plus` days later, starts where the reader is. */
function startOf(day: string | undefined, plus: number): string | undefined {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(day ?? '');
  if (!match) return undefined;
  const at = new Date(Number(match[1]), Number(match[2]) - 1, Number(match[3]) + plus);
  return Number.isNaN(at.getTime()) ? undefined : at.toISOString();
}

/** What the address says, as the server asks for it. */
export function queryOf({ from, until, ...filter }: EventFilter): EventQuery {
  return { ...filter, from: startOf(from, 0), until: startOf(until, 1) };
}
