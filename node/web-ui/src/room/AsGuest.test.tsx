import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, waitFor } from '@testing-library/react';
import i18n from 'i18next';
import { afterEach, beforeAll, expect, it, vi } from 'vitest';
import { calls } from '../api/calls';
import { session } from '../api/session';
import type { MayMeet } from '../api/types';
import { AsGuest } from './AsGuest';

beforeAll(() => i18n.loadNamespaces('meeting'));
afterEach(() => void vi.restoreAllMocks());

const show = () =>
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <AsGuest cid="review@oslo.example.net" />
      </QueryClientProvider>
    </MantineProvider>,
  );

const meets = (pages: string | null) =>
  vi.spyOn(calls, 'mayMeet').mockResolvedValue({
    server: 'oslo.example.net',
    calls: false,
    conferences: false,
    reason: 'not_allowed',
    pages,
  } satisfies MayMeet);

it('leads guests to where the other server has said that its pages are', async () => {
  vi.spyOn(session, 'token').mockReturnValue('token');
  meets('https://meet.oslo.example.net:8443');
  show();
  await waitFor(() =>
    expect(screen.getByRole('link')).toHaveAttribute('href', 'https://meet.oslo.example.net:8443/m/review'),
  );
});

it('leads those whom nothing is told to the domain of the other server', () => {
  const asked = meets('https://meet.oslo.example.net:8443');
  vi.spyOn(session, 'token').mockReturnValue(null);
  show();
  expect(screen.getByRole('link')).toHaveAttribute('href', 'https://oslo.example.net/m/review');
  expect(asked).not.toHaveBeenCalled();
});
