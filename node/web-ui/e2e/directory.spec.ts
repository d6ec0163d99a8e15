import { noBarrier } from './barrier';
import { expect, here, signIn, test } from './server';

/** The Directory of the enterprise. Nobody answers here: what a server does alone is shown, and that it says so. */

test('a Directory is activated by a key, shared with and left', async ({ page, rest }) => {
  test.setTimeout(60_000);
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/directory`);
    await expect(page.getByRole('heading', { name: 'This server is in no Directory' })).toBeVisible();
    await noBarrier(page, 'a server in no Directory');
    await page.getByRole('combobox', { name: 'Addresses of the Directory' }).fill('localhost:9');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Activate' }).click();

    await expect(page.getByText('Not connected', { exact: true })).toBeVisible();
    await expect(page.getByText('Why it is not connected')).toBeVisible({ timeout: 20_000 });
    await page.getByRole('button', { name: 'Show the key' }).click();
    const key = page.getByRole('textbox', { name: 'Key' });
    await expect(key).toHaveValue(/^[\w-]{100,}$/);
    await expect(page.getByRole('button', { name: 'Copy' })).toBeVisible();
    await noBarrier(page, 'the key of a Directory');

    // A key that somebody replaced is not shown any more.
    await rest.call('POST', '/directory/activate', { addresses: ['localhost:9'] });
    await expect(key).toHaveCount(0);

    // What one has begun stays, whatever somebody else changes meanwhile.
    const phones = page.getByRole('checkbox', { name: 'Phones' });
    await phones.uncheck();
    expect((await rest.call('PATCH', '/directory', { addresses: ['localhost:8'] })).status()).toBe(200);
    await expect(page.getByText('Somebody else changed this meanwhile')).toBeVisible();
    await expect(phones).not.toBeChecked();
    await expect(page.getByRole('button', { name: 'Save' })).toBeDisabled();
    await page.getByRole('button', { name: 'Discard changes' }).click();
    await expect(phones).toBeChecked();

    await phones.uncheck();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Saved.')).toBeVisible();
    const { share } = (await (await rest.call('GET', '/directory')).json()) as {
      share: { fields: string[] };
    };
    expect(share.fields).not.toContain('phones');

    await page.getByRole('button', { name: 'Deactivate' }).click();
    const dialog = page.getByRole('dialog', { name: 'Leave the Directory?' });
    await dialog.getByRole('checkbox', { name: 'Do not wait for the Directory' }).check();
    await dialog.getByRole('button', { name: 'Deactivate' }).click();
    await expect(page.getByRole('heading', { name: 'This server is in no Directory' })).toBeVisible();
  } finally {
    await rest.call('POST', '/directory/deactivate', { at_once: true });
  }
});

test('people are found while one types, and it is said when the Directory is away', async ({
  page,
  rest,
  person,
}) => {
  expect((await rest.call('PATCH', `/users/${person.id}`, { job_title: 'Keeper of bees' })).status()).toBe(
    200,
  );
  await signIn(page, here);
  await page.goto(`${here}/contacts`);
  const find = page.getByRole('combobox', { name: 'Find anybody: name, phone, job, department' });
  await find.fill('bees keep');
  const option = page.getByRole('option').filter({ hasText: person.display_name }).first();
  await expect(option).toBeVisible();
  await expect(find).toHaveAttribute('aria-expanded', 'true');
  await expect(page.getByRole('status').filter({ hasText: /^\d+ found$/ })).toHaveCount(1);
  await find.press('ArrowDown');
  await expect(find).toHaveAttribute('aria-activedescendant', /.+/);
  await expect(find).toHaveAccessibleDescription(/^Enter calls/);
  await noBarrier(page, 'people who were found');
  await page.keyboard.press('Shift+Enter');
  const card = page.getByRole('region', { name: person.display_name });
  await expect(card.getByText('Keeper of bees')).toBeVisible();
  await expect(card.getByRole('button', { name: 'Call' })).toBeFocused();
  await card.getByRole('button', { name: 'Add contact' }).click();
  await expect(page.getByRole('dialog').getByRole('textbox').first()).toHaveValue(person.id);
  await page.keyboard.press('Escape');

  await page.route('**/api/v1/me/search?*', (route) => route.fulfill({ status: 500, json: {} }));
  await find.fill('keeper of');
  await expect(page.getByText('The search failed')).toBeVisible();
  await page.unroute('**/api/v1/me/search?*');

  await rest.call('POST', '/directory/activate', { addresses: ['localhost:9'] });
  try {
    await find.fill('keeper bee');
    await expect(page.getByText('people of other servers may be missing')).toBeVisible({ timeout: 20_000 });
    await expect(page.getByRole('option').filter({ hasText: person.display_name }).first()).toBeVisible();
  } finally {
    await rest.call('POST', '/directory/deactivate', { at_once: true });
  }
});

test('whoever is found is called by Enter, and invited to a conference', async ({ page, rest, person }) => {
  const word = `Zeppelin${person.id.replace(/\W/g, '')}`;
  expect((await rest.call('PATCH', `/users/${person.id}`, { job_title: word })).status()).toBe(200);
  await signIn(page, here);
  await page.goto(`${here}/contacts`);
  const find = page.getByRole('combobox', { name: 'Find anybody: name, phone, job, department' });
  const option = page.getByRole('option').filter({ hasText: person.display_name }).first();

  // Nobody is selected yet: Enter alone calls nobody.
  const called: string[] = [];
  await page.route('**/api/v1/calls', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    called.push((route.request().postDataJSON() as { to: string }).to);
    return route.fallback();
  });
  await find.fill(word);
  await expect(option).toBeVisible();
  await find.press('Enter');
  await expect(find).toHaveValue(word);
  expect(called).toEqual([]);

  // Nobody is online there: it is said, and what else can be done is offered.
  await find.press('ArrowDown');
  await find.press('Enter');
  await expect.poll(() => called).toEqual([expect.stringContaining(person.id)]);
  await expect(page.getByText(`${person.display_name} is not signed in anywhere`)).toBeVisible();
  const card = page.getByRole('region', { name: person.display_name });
  await card.getByRole('link', { name: 'Invite to a conference' }).click();
  const form = page.getByRole('dialog');
  await expect(form.getByText(person.id).first()).toBeVisible();
  await noBarrier(page, 'a conference to which somebody is invited');
  await page.keyboard.press('Escape');
  await expect(form).toHaveCount(0);
  await expect(page).not.toHaveURL(/invite=/);
});
