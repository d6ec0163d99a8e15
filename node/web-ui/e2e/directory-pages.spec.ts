import { newPage } from './room';
import { expect, here, isLive, signIn, test } from './server';

/**
 * People of two servers of one enterprise, who find each other in its Directory: `cargo xtask test --long directory-pages`, which
 * starts all of it. PLENARY_ENTERPRISE is an `Enterprise`.
 */

interface Account {
  login: string;
  password: string;
}

interface Enterprise {
  /** A node of the other server. */
  url: string;
  caller: Account;
  /** Of the other server. */
  called: Account;
}

const enterprise = JSON.parse(process.env.PLENARY_ENTERPRISE ?? 'null') as Enterprise | null;

test('three letters, arrow down, Enter, Enter, and it rings on another server', async ({ browser }) => {
  test.skip(enterprise === null, 'needs two servers and a Directory');
  if (!enterprise) return;
  test.setTimeout(120_000);
  const [anna, olav] = [await newPage(browser), await newPage(browser)];
  await signIn(anna, here, enterprise.caller.login, enterprise.caller.password);
  await signIn(olav, enterprise.url, enterprise.called.login, enterprise.called.password);
  for (const page of [anna, olav]) await isLive(page);
  await anna.goto(`${here}/contacts`);
  const find = anna.getByRole('combobox', { name: 'Find anybody: name, phone, job, department' });
  await find.focus();
  await anna.keyboard.type('nor');
  const option = anna.getByRole('option').filter({ hasText: 'Olav Nordmann' });
  await expect(option).toBeVisible();
  await expect(option.getByText('Online')).toBeVisible({ timeout: 20_000 });
  await anna.keyboard.press('ArrowDown');
  await anna.keyboard.press('Enter');
  const card = anna.getByRole('region', { name: 'Olav Nordmann' });
  await expect(card.getByRole('button', { name: 'Call' })).toBeFocused();
  await anna.keyboard.press('Enter');
  await expect(olav.getByText('Anna Martin is calling you')).toBeVisible({ timeout: 20_000 });
  await olav.getByRole('button', { name: 'Decline' }).click();
  await expect(olav.getByText('Anna Martin is calling you')).toHaveCount(0);
});
