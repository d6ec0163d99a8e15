import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { cleanup, render, screen } from '@testing-library/react';
import i18n from 'i18next';
import { beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { queries } from '../api/queries';
import type { Me } from '../api/types';
import { ChoosePeople } from './CallPeople';
import { Called } from './CalledList';
import type { Desk } from './desk';

beforeAll(() => i18n.loadNamespaces('meeting'));
beforeEach(() => {
  vi.spyOn(globalThis, 'fetch').mockImplementation(() =>
    Promise.resolve(Response.json({ items: [], total: 0 })),
  );
});

function show(
  rights: Me['rights'],
  what = <ChoosePeople inside={new Set()} expected={2} desk={{} as Desk} done={() => undefined} />,
) {
  const client = new QueryClient({ defaultOptions: { queries: { staleTime: Infinity, retry: false } } });
  client.setQueryData(queries.me().queryKey, { rights } as Me);
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={client}>{what}</QueryClientProvider>
    </MantineProvider>,
  );
}

it('lets those call people in who may make calls, and tells others why they may not', () => {
  show(['create_conferences']);
  expect(screen.getByText('You may not call people', { exact: false })).toBeVisible();
  expect(screen.queryByRole('button')).toBeNull();
});

it('offers to call all who are invited', () => {
  show(['make_calls']);
  expect(screen.getByRole('button', { name: 'Call all who are invited (2)' })).toBeEnabled();
});

it('offers to call those again who did not come, to who may make calls', () => {
  const out = [{ user: 'bob@paris.example.com', name: 'Bob', state: 'declined' as const }];
  const list = <Called out={out} desk={{} as Desk} />;
  show(['create_conferences'], list);
  expect(screen.getByText('Bob')).toBeVisible();
  expect(screen.queryByRole('button')).toBeNull();
  cleanup();
  show(['make_calls'], list);
  expect(screen.getByRole('button', { name: 'Call Bob again' })).toBeEnabled();
});
