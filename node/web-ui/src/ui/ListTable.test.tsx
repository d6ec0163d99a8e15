import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import type { ReactNode } from 'react';
import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../api/problem';
import { FilterBar } from './FilterBar';
import { FilterSelect } from './FilterSelect';
import { ListTable } from './ListTable';
import type { List } from './useList';

const show = (what: ReactNode) => render(<MantineProvider env="test">{what}</MantineProvider>);

interface Thing {
  id: string;
}

function table(list: Partial<List<Thing>>, none?: { title: string; text: string }) {
  const all = { rows: [], total: 0, loading: false, error: null, retry: vi.fn(), ...list } as List<Thing>;
  show(
    <ListTable
      label="Things"
      list={all}
      columns={[{ id: 'id', header: 'ID', width: '1fr', cell: (thing) => thing.id }]}
      rowKey={(thing) => thing.id}
      icon={null}
      none={none}
    />,
  );
  return all;
}

describe('a list', () => {
  it('teaches the first step while there is nothing yet', () => {
    table({}, { title: 'No things yet', text: 'Make one.' });
    expect(screen.getByRole('heading')).toHaveTextContent('No things yet');
  });

  it('says that nothing was found where something was left out', () => {
    table({});
    expect(screen.getByRole('heading')).toHaveTextContent('Nothing found');
  });

  it('says why it could not be read, and reads it again when asked to', async () => {
    const { retry } = table({ error: Problem.network() });
    expect(screen.queryByRole('table')).not.toBeInTheDocument();
    await userEvent.click(screen.getByRole('button', { name: 'Try again' }));
    expect(retry).toHaveBeenCalledTimes(1);
  });
});

describe('the filters of a list', () => {
  const bar = (filters: { kind?: string; actor?: string }) => {
    const set = vi.fn();
    show(
      <FilterBar search={null} filters={filters} set={set}>
        <FilterSelect
          label="Kind"
          any="Any kind"
          options={[{ value: 'login', label: 'Sign-in' }]}
          value={filters.kind}
          onChange={(kind) => set({ kind })}
        />
      </FilterBar>,
    );
    return set;
  };

  it('are all cleared at once', async () => {
    const set = bar({ kind: 'login', actor: undefined });
    await userEvent.click(screen.getByRole('button', { name: 'Clear filters' }));
    expect(set).toHaveBeenCalledWith({ kind: undefined, actor: undefined });
  });

  it('have nothing to clear while they say nothing', () => {
    bar({ kind: undefined, actor: undefined });
    expect(screen.queryByRole('button', { name: 'Clear filters' })).not.toBeInTheDocument();
  });

  it('say nothing again one by one', async () => {
    const set = bar({ kind: 'login' });
    await userEvent.click(screen.getByLabelText('Clear'));
    expect(set).toHaveBeenCalledWith({ kind: undefined });
  });
});
