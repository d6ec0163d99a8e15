import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { act, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { calls } from '../api/calls';
import type { Device } from '../api/types';
import type { Live } from './live';
import { LiveContext } from './LiveState';
import { NoOnlineSeat, SEATED_MS } from './NoOnlineSeat';

const live = { subscribe: () => () => undefined, current: () => open } as unknown as Live;
const open = { state: 'open' as const };

async function show(online: boolean) {
  const device = { current: true, online } as Device;
  vi.spyOn(calls, 'myDevices').mockResolvedValue([{ ...device, current: false, online: false }, device]);
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <LiveContext value={live}>
          <NoOnlineSeat />
        </LiveContext>
      </QueryClientProvider>
    </MantineProvider>,
  );
  await act(() => vi.advanceTimersByTimeAsync(SEATED_MS - 100));
  expect(screen.queryByRole('status')).toBeNull();
  await act(() => vi.advanceTimersByTimeAsync(200));
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it('says it when this device has no online seat', async () => {
  await show(false);
  expect(screen.getByRole('status')).toHaveTextContent('All online seats are taken');
});

it('is silent while this device has one', async () => {
  await show(true);
  expect(screen.queryByRole('status')).toBeNull();
});
