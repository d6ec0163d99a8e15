import { MantineProvider } from '@mantine/core';
import { render, screen } from '@testing-library/react';
import userEvent from '@testing-library/user-event';
import { describe, expect, it, vi } from 'vitest';
import { Problem } from '../api/problem';
import { Confirm } from './Confirm';

function show(act: () => Promise<unknown>, close = vi.fn()) {
  render(
    <MantineProvider env="test">
      <Confirm opened close={close} title="Delete Alice?" verb="Delete" typed="alice" act={act}>
        Everything of Alice goes.
      </Confirm>
    </MantineProvider>,
  );
  return { close, verb: () => screen.getByRole('button', { name: 'Delete' }) };
}

describe('a dangerous act', () => {
  it('waits until the name is typed', async () => {
    const act = vi.fn(async () => {});
    const { close, verb } = show(act);
    expect(verb()).toBeDisabled();
    await userEvent.type(screen.getByRole('textbox'), 'alice{Enter}');
    expect(act).toHaveBeenCalledTimes(1);
    expect(close).toHaveBeenCalled();
  });

  it('says why it was not done, and stays', async () => {
    const { close } = show(() => Promise.reject(new Problem('last-administrator', 409)));
    await userEvent.type(screen.getByRole('textbox'), 'alice{Enter}');
    expect(await screen.findByRole('alert')).toHaveTextContent('This is the last administrator.');
    expect(close).not.toHaveBeenCalled();
  });
});
