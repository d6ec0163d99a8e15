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

test('three letters, arrow down, Enter, and it rings on another server', async ({ browser }) => {
  test.skip(enterprise === null, 'needs two servers and a Directory');
  if (!enterprise) return;
  test.setTimeout(180_000);
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
  await expect(olav.getByText('Anna Martin is calling you')).toBeVisible({ timeout: 20_000 });
  await olav.getByRole('button', { name: 'Decline' }).click();
  await expect(olav.getByText('Anna Martin is calling you')).toHaveCount(0);

  // Whoever is found is invited from there, too.
  await anna.goto(`${here}/contacts`);
  await find.focus();
  await anna.keyboard.type('nor');
  await expect(option).toBeVisible();
  await anna.keyboard.press('ArrowDown');
  await anna.keyboard.press('Shift+Enter');
  const card = anna.getByRole('region', { name: 'Olav Nordmann' });
  await expect(card.getByRole('button', { name: 'Call' })).toBeFocused();
  await card.getByRole('link', { name: 'Invite to a conference' }).press('Enter');
  const form = anna.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill('Talk with Oslo');
  await form.getByRole('button', { name: 'Create conference' }).click();
  await expect(anna.getByText('Talk with Oslo was created.')).toBeVisible();
  await olav.goto(`${enterprise.url}/meetings`);
  await expect(olav.getByText('Talk with Oslo').first()).toBeVisible({ timeout: 30_000 });

  // Kept in the address book, they are shown as they are now, without a reload.
  await anna.goto(`${here}/contacts`);
  await find.focus();
  await anna.keyboard.type('nor');
  await expect(option).toBeVisible();
  await anna.keyboard.press('ArrowDown');
  await anna.keyboard.press('Shift+Enter');
  await card.getByRole('button', { name: 'Add contact' }).press('Enter');
  await anna.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  const row = anna.getByRole('row').filter({ hasText: enterprise.called.login });
  await expect(row.getByText('Olav Nordmann')).toBeVisible({ timeout: 20_000 });
  await expect(row.getByText('Online')).toBeVisible({ timeout: 20_000 });
  await olav.goto(`${enterprise.url}/profile`);
  await olav.getByLabel('Name', { exact: true }).fill('Olav Fjell');
  await olav.getByRole('button', { name: 'Save' }).click();
  await expect(row.getByText('Olav Fjell')).toBeVisible({ timeout: 30_000 });
  await olav.context().close();
  await expect(row.getByText('Offline')).toBeVisible({ timeout: 30_000 });
});
