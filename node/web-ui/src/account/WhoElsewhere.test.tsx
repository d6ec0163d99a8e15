import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { calls } from '../api/calls';
import type { Looked, Person, ServerInfo } from '../api/types';
import { PartnerPersonSheet } from './PartnerPersonSheet';
import { WhoElsewhere } from './WhoElsewhere';

const id = 'demo2@oslo.example.net';
const nothing: Looked = {
  id,
  kind: 'nothing',
  person: null,
  presence: null,
  conference: null,
  reason: null,
};
const person = { user_id: id, display_name: 'Demo Two', job_title: 'Judge', email: '' } as Person;

const look = (looked: Partial<Looked>) =>
  vi.spyOn(calls, 'look').mockResolvedValue({ ...nothing, ...looked });

const show = (page: ReactNode) =>
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>{page}</QueryClientProvider>
    </MantineProvider>,
  );

beforeEach(
  () => void vi.spyOn(calls, 'server').mockResolvedValue({ name: 'paris.example.com' } as ServerInfo),
);
afterEach(() => void vi.restoreAllMocks());

describe('who is added to the address book', () => {
  it.each<[Partial<Looked>, string]>([
    [{ kind: 'person', person }, 'Demo Two (demo2@oslo.example.net)'],
    [{ kind: 'group' }, 'A group of people on the server oslo.example.net.'],
    [
      { kind: 'conference', conference: 'review@oslo.example.net' },
      'The conference review@oslo.example.net.',
    ],
    [{ kind: 'unknown', reason: 'federation is off' }, 'Who this is cannot be said now: federation is off'],
    [{}, 'oslo.example.net knows nobody by this name, or does not tell people of other servers.'],
  ])('is said before it is saved: %o', async (looked, words) => {
    look(looked);
    show(<WhoElsewhere typed={` ${id}`} />);
    expect(await screen.findByText(words)).toBeInTheDocument();
  });

  it('nobody is asked about people here', async () => {
    const asked = look({});
    show(<WhoElsewhere typed="demo1@paris.example.com" />);
    await vi.waitFor(() => expect(calls.server).toHaveBeenCalled());
    expect(screen.queryByRole('status')).toBeNull();
    expect(asked).not.toHaveBeenCalled();
  });
});

describe('somebody of another server', () => {
  it('is shown with what that one shows', async () => {
    look({ kind: 'person', person, presence: 'in_call' });
    show(<PartnerPersonSheet id={id} close={() => undefined} />);
    expect(await screen.findByText('Judge')).toBeInTheDocument();
    expect(screen.getByText('In a call')).toBeInTheDocument();
    expect(screen.getByText('This is what oslo.example.net shows to people of other servers.')).toBeVisible();
  });

  it('who cannot be asked for is not known, and the page says why', async () => {
    look({ kind: 'unknown', reason: 'oslo.example.net cannot be reached' });
    show(<PartnerPersonSheet id={id} close={() => undefined} />);
    expect(await screen.findByText('Not known at the moment')).toBeInTheDocument();
    expect(screen.getByText('oslo.example.net cannot be reached')).toBeInTheDocument();
  });
});
