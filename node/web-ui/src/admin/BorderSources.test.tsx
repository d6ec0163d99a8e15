import { MantineProvider } from '@mantine/core';
import { render, screen, within } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { BorderSources } from './BorderSources';

const rows = [
  { network: '198.51.100.7', connections: 1200, refused: 1100 },
  { network: '2001:db8:7::/64', connections: 30, refused: 0 },
];

const show = (keepOut?: (network: string) => void) =>
  render(
    <MantineProvider env="test">
      <BorderSources rows={rows} denied={['2001:db8:7::/64']} keepOut={keepOut} />
    </MantineProvider>,
  );

describe('networks from which most connections come', () => {
  it('are listed with what they did', async () => {
    show();
    const table = await screen.findByRole('table', { name: 'Busiest networks' });
    const row = within(table).getByRole('row', { name: /198\.51\.100\.7/ });
    expect(within(row).getByRole('rowheader')).toHaveTextContent('198.51.100.7');
    expect(
      within(row)
        .getAllByRole('cell')
        .map((cell) => cell.textContent),
    ).toEqual(['1,200', '1,100']);
    expect(screen.queryByRole('button')).toBeNull();
  });

  it('are kept out by the keyboard, and those that are already are not offered', async () => {
    const keepOut = vi.fn();
    show(keepOut);
    expect(await screen.findAllByRole('button')).toHaveLength(1);
    await userEvent.tab();
    expect(screen.getByRole('button', { name: 'Keep 198.51.100.7 out' })).toHaveFocus();
    await userEvent.keyboard('{Enter}');
    expect(keepOut).toHaveBeenCalledWith('198.51.100.7');
    expect(screen.getByText('Kept out')).toBeInTheDocument();
  });
});
