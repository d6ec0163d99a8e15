import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { AnchorHTMLAttributes } from 'react';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { calls } from '../api/calls';
import type { SearchHit, SearchResult } from '../api/types';
import { FindAnybody } from './FindAnybody';

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
  search: Record<string, unknown>;
}

// There are no pages here to go to.
vi.mock('@tanstack/react-router', () => ({
  Link: ({ to, search, ...props }: LinkProps) => <a href={`${to}?${JSON.stringify(search)}`} {...props} />,
}));

const hit = (name: string): SearchHit => ({
  kind: 'user',
  id: name.toLowerCase(),
  server: 'oslo.example.com',
  call: `${name.toLowerCase()}@oslo.example.com`,
  display_name: name,
  email: '',
  job_title: '',
  department: '',
  company: '',
  phones: [],
  presence: 'online',
});

const found = (...names: string[]) =>
  vi.spyOn(calls, 'search').mockResolvedValue({ hits: names.map(hit), directory: 'up' } as SearchResult);

function show(props: { call?: (to: string) => Promise<void>; add?: (hit: SearchHit) => void }) {
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <FindAnybody busy={false} invites {...props} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return screen.getByRole('combobox');
}

beforeEach(() => void vi.restoreAllMocks());

describe('whoever is found', () => {
  it('is written to at the address that they show, and at no other', async () => {
    const nora = { ...hit('Nora'), email: 'nora@oslo.example.com?bcc=eve@example.org' };
    vi.spyOn(calls, 'search').mockResolvedValue({
      hits: [nora, hit('Norbert')],
      directory: 'up',
    } as SearchResult);
    await userEvent.type(show({}), 'nor');
    await userEvent.click(await screen.findByText('Nora'));
    const write = screen.getByRole('link', { name: 'Write an e-mail' });
    expect(write).toHaveAttribute('href', 'mailto:nora@oslo.example.com%3Fbcc%3Deve%40example.org');
  });

  it('is called by the keyboard alone', async () => {
    found('Nora', 'Norbert');
    const call = vi.fn(() => Promise.resolve());
    await userEvent.type(show({ call }), 'nor');
    await screen.findByText('Norbert');
    await userEvent.keyboard('{Enter}');
    expect(call).not.toHaveBeenCalled();
    await userEvent.keyboard('{ArrowDown}{ArrowDown}{Enter}');
    expect(call.mock.calls).toEqual([['norbert@oslo.example.com']]);
  });

  it('is shown, and what can be done, by Shift and Enter or a click', async () => {
    found('Nora');
    const call = vi.fn(() => Promise.resolve());
    await userEvent.type(show({ call, add: () => undefined }), 'nor');
    await screen.findByText('Nora');
    await userEvent.keyboard('{ArrowDown}{Shift>}{Enter}{/Shift}');
    expect(screen.getByRole('button', { name: 'Call' })).toHaveFocus();
    expect(screen.getByRole('button', { name: 'Add contact' })).toBeVisible();
    expect(screen.getByRole('link', { name: 'Invite to a conference' })).toHaveAttribute(
      'href',
      expect.stringContaining('"invite":"nora@oslo.example.com"'),
    );
    await userEvent.click(screen.getByRole('button', { name: 'Close' }));
    await userEvent.type(screen.getByRole('combobox'), 'nor');
    await userEvent.click(await screen.findByText('Nora'));
    expect(screen.getByRole('button', { name: 'Call' })).toBeVisible();
    expect(call).not.toHaveBeenCalled();
  });

  it('is not called by a key that was meant for somebody else', async () => {
    found('Nora');
    const call = vi.fn(() => Promise.resolve());
    const input = show({ call });
    await userEvent.type(input, 'no');
    await screen.findByText('Nora');
    await userEvent.keyboard('{ArrowDown}');
    found('Noah', 'Nora');
    await userEvent.type(input, 'o');
    await screen.findByText('Noah');
    await userEvent.keyboard('{Enter}');
    expect(call).not.toHaveBeenCalled();
  });

  it('is shown only, to whoever may not call', async () => {
    found('Nora');
    const input = show({});
    await userEvent.type(input, 'nor');
    await screen.findByText('Nora');
    expect(input).toHaveAccessibleDescription(/^Enter shows more/);
    await userEvent.keyboard('{ArrowDown}{Enter}');
    expect(screen.queryByRole('button', { name: 'Call' })).toBeNull();
    expect(screen.getByRole('link', { name: 'Invite to a conference' })).toBeVisible();
  });
});
