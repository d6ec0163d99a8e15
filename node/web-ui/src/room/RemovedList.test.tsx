import { MantineProvider } from '@mantine/core';
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import i18n from 'i18next';
import { beforeAll, expect, it, vi } from 'vitest';
import type { Desk } from './desk';
import { RemovedPeople } from './RemovedList';

beforeAll(() => i18n.loadNamespaces('meeting'));

const person = { id: '9', name: 'Bob', guest: false, programs_only: false, at: 0 };

function show(people: (typeof person)[], count = people.length) {
  const letBack = vi.fn();
  const desk = { letBack } as unknown as Desk;
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={new QueryClient()}>
        <RemovedPeople people={people} count={count} desk={desk} />
      </QueryClientProvider>
    </MantineProvider>,
  );
  return letBack;
}

it('lets back who was removed, by name', async () => {
  const letBack = show([person, { ...person, id: '10', name: 'Gil', guest: true }]);
  const list = await screen.findByRole('region', { name: '2 people were removed' });
  expect(within(list).getAllByRole('listitem')[1]).toHaveTextContent('Guest');
  await userEvent.click(within(list).getByRole('button', { name: 'Let Gil back' }));
  expect(letBack).toHaveBeenCalledExactlyOnceWith('10');
});

it('says how many there are beside those that it names, and nothing of nobody', () => {
  show([person], 3);
  expect(screen.getByText('and 2 more', { exact: false })).toBeVisible();
  show([]);
  expect(screen.getAllByRole('region')).toHaveLength(1);
});
