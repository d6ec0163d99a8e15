import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import {
  createMemoryHistory,
  createRootRoute,
  createRoute,
  createRouter,
  Outlet,
  RouterProvider,
} from '@tanstack/react-router';
import { render, screen } from '@testing-library/react';
import { afterEach, expect, it, vi } from 'vitest';
import { AdminLayout } from '../admin/AdminLayout';
import { calls } from '../api/calls';
import type { Me } from '../api/types';
import { Nav } from './Nav';

async function show(me: Partial<Me>) {
  const all = me as Me;
  vi.spyOn(calls, 'me').mockResolvedValue(all);
  vi.spyOn(calls, 'cluster').mockResolvedValue({ problems: [] } as never);
  vi.spyOn(calls, 'licence').mockResolvedValue({ files: [] } as never);
  const cache = new QueryClient();
  cache.setQueryData(['me'], all);
  const root = createRootRoute({
    component: () => (
      <>
        <Nav />
        <Outlet />
      </>
    ),
  });
  const admin = createRoute({ getParentRoute: () => root, path: '/admin', component: AdminLayout });
  const router = createRouter({
    routeTree: root.addChildren([admin]),
    history: createMemoryHistory({ initialEntries: ['/admin'] }),
  });
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={cache}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  await screen.findByRole('link', { name: 'Address book' });
}

afterEach(() => void vi.restoreAllMocks());

it('leads administrators to the administration where it is open to them', async () => {
  await show({ admin: 'full', administration: true });
  expect(screen.getByRole('link', { name: 'Users' })).toBeInTheDocument();
});

it('does not lead to it from outside, and says so to who comes by its address', async () => {
  await show({ admin: 'full', administration: false });
  expect(screen.queryByRole('link', { name: 'Users' })).toBeNull();
  expect(await screen.findByText('Administration is not open from here')).toBeInTheDocument();
});

it('is not there for who administers nothing', async () => {
  await show({ admin: 'none', administration: false });
  expect(screen.queryByRole('link', { name: 'Users' })).toBeNull();
  expect(await screen.findByText('This page is for administrators')).toBeInTheDocument();
});
