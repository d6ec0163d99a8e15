import type { BorderController } from '../api/types';

/** How a Border Controller is, as seen from the node that was asked. */
export type Standing = 'waiting' | 'expired' | 'up' | 'down';

export const standingTones = { waiting: 'warn', expired: 'bad', up: 'good', down: 'bad' } as const;

export function standing(one: BorderController, now = Date.now()): Standing {
  if (one.stage === 'enrolled') return one.tunnel.up_since ? 'up' : 'down';
  const ends = one.token_expires_at;
  return ends !== null && Date.parse(ends) <= now ? 'expired' : 'waiting';
}

/** Why connections from outside are refused: each has a text. */
export const REFUSALS = [
  'denied',
  'too_many',
  'too_fast',
  'slow_hello',
  'long_hello',
  'bad_hello',
  'no_name',
  'unknown_name',
  'no_node',
] as const;

/** Media do not fit whole into packets that the path of its tunnel carries. */
export const isNarrow = ({ tunnel }: BorderController) =>
  tunnel.mtu_bytes !== null && tunnel.mtu_bytes < tunnel.mtu_wanted_bytes;

export const refusedInAll = (one: BorderController) =>
  one.tunnel.refused.reduce((sum, { count }) => sum + count, 0);
