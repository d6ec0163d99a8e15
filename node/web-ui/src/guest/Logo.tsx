import { useComputedColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { queries } from '../api/queries';
import { logoFor } from './logoFor';

/** The logo of whose server this is, on the present ground; `otherwise` where there is none. */
export function Logo({ height, otherwise = null }: { height: number; otherwise?: ReactNode }) {
  const server = useQuery(queries.server());
  const scheme = useComputedColorScheme('light');
  const address = server.data ? logoFor(server.data.logo, scheme) : null;
  if (!address) return otherwise;
  return (
    <img
      src={address}
      alt={server.data?.title ?? ''}
      style={{ display: 'block', height, maxWidth: 'min(100%, 320px)', objectFit: 'contain' }}
    />
  );
}
