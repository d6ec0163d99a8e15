import { admin, another, expect, freshId, here, isLive, PASSWORD, signIn, test, there } from './server';

test('a user is created here, appears there without reloading, is changed and deleted', async ({
  page,
  browser,
  rest,
}) => {
  const id = freshId('anna');
  const other = await another(browser);
  try {
    await signIn(other, there);
    await other.goto(`${there}/admin/users?search=${id}`);
    await expect(other.getByText('Nothing found')).toBeVisible();
    await isLive(other);

    await signIn(page, here);
    await page.getByRole('link', { name: 'Users' }).click();
    await page.getByRole('button', { name: 'Create user' }).click();
    const dialog = page.getByRole('dialog', { name: 'Create user' });
    await dialog.getByLabel('User ID').fill(id);
    await dialog.getByLabel('Name', { exact: true }).fill('Anna Example');
    await dialog.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await dialog.getByRole('button', { name: 'Create user' }).click();
    await expect(page).toHaveURL(new RegExp(`/admin/users/${id}`));
    await expect(other.getByRole('link', { name: 'Anna Example' })).toBeVisible();

    const sheet = page.getByRole('dialog');
    await sheet.getByLabel('Name', { exact: true }).fill('Anna Changed');
    await sheet.getByLabel('Department').fill('Research');
    await expect(sheet.getByText('2 changes')).toBeVisible();
    await sheet.getByRole('button', { name: 'Review' }).click();
    await expect(sheet.getByRole('row', { name: 'Name Anna Example Anna Changed' })).toBeVisible();
    await sheet.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Anna Changed was saved.')).toBeVisible();
    await expect(other.getByRole('link', { name: 'Anna Changed' })).toBeVisible();

    await sheet.getByRole('button', { name: 'Delete' }).click();
    const asked = page.getByRole('dialog', { name: 'Delete Anna Changed?' });
    await expect(asked.getByRole('button', { name: 'Delete' })).toBeDisabled();
    await asked.getByRole('textbox').fill(id);
    await asked.getByRole('button', { name: 'Delete' }).click();
    await expect(other.getByText('Nothing found')).toBeVisible();
  } finally {
    await rest.deleteUser(id);
    await other.context().close();
  }
});

test('two who change the same user are told, and nothing is lost', async ({ page, browser, person }) => {
  const other = await another(browser);
  try {
    for (const [who, url] of [
      [page, here],
      [other, there],
    ] as const) {
      await signIn(who, url);
      await who.goto(`${url}/admin/users/${person.id}`);
    }
    await page.getByLabel('Department').fill('Mine');
    await other.getByLabel('Department').fill('Theirs');
    await other.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('Somebody else has changed this meanwhile')).toBeVisible();
    await expect(page.getByRole('row', { name: 'Department Theirs Mine' })).toBeVisible();
    await page.getByRole('button', { name: 'Keep mine' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(other.getByLabel('Department')).toHaveValue('Mine');
  } finally {
    await other.context().close();
  }
});

test('what happened stands in the events, with before and after', async ({ page, person, rest }) => {
  await rest.call('PATCH', `/users/${person.id}`, { job_title: 'Conductor' });
  await signIn(page, here);
  await page.goto(`${here}/admin/events?search=${person.id}`);
  await page
    .getByRole('row')
    .filter({ hasText: 'Job title' })
    .getByRole('button', { name: 'Changed' })
    .click();
  await expect(
    page.getByRole('dialog').getByRole('row', { name: 'Job title Not set Conductor' }),
  ).toBeVisible();
});

test('disabling a user ends their page at once', async ({ page, browser, person }) => {
  const other = await another(browser);
  try {
    await signIn(other, there, person.id, PASSWORD);
    await isLive(other);
    await signIn(page, here);
    await page.goto(`${here}/admin/users/${person.id}`);
    await page.getByRole('button', { name: 'Disable' }).click();
    await page
      .getByRole('dialog', { name: /^Disable/ })
      .getByRole('button', { name: 'Disable' })
      .click();
    await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  } finally {
    await other.context().close();
  }
});

test('the list shows who comes and goes', async ({ page, browser, person }) => {
  await signIn(page, here);
  await page.goto(`${here}/admin/users?search=${person.id}`);
  await isLive(page);
  const row = page.getByRole('row').filter({ hasText: person.display_name });
  await expect(row).toContainText('Offline');
  const other = await another(browser);
  try {
    await signIn(other, there, person.id, PASSWORD);
    await expect(row).toContainText('Online');
  } finally {
    await other.context().close();
  }
  await expect(row).toContainText('Offline', { timeout: 30_000 });
});

test('columns are chosen, and stay so', async ({ page, rest, person }) => {
  await rest.call('PATCH', `/users/${person.id}`, { job_title: 'Conductor' });
  await signIn(page, here);
  await page.goto(`${here}/admin/users?search=${person.id}`);
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('checkbox', { name: 'Job title' }).check();
  await expect(page.getByRole('columnheader', { name: 'Job title' })).toBeVisible();
  await page.getByRole('checkbox', { name: 'Email' }).uncheck();
  await expect(page.getByRole('columnheader', { name: 'Email' })).toHaveCount(0);
  await page.reload();
  await expect(page.getByRole('cell', { name: 'Conductor' })).toBeVisible();
  await page.getByRole('button', { name: 'Columns' }).click();
  await page.getByRole('button', { name: 'Usual columns' }).click();
  await expect(page.getByRole('columnheader', { name: 'Email' })).toBeVisible();
  await expect(page.getByRole('columnheader', { name: 'Job title' })).toHaveCount(0);
});

test('what is chosen is never more than what the filters show', async ({ page, person }) => {
  await signIn(page, here);
  await page.goto(`${here}/admin/users?search=${person.id}`);
  await page.getByLabel(`Choose ${person.id}`).check();
  await expect(page.getByRole('region', { name: 'Chosen users' })).toBeVisible();
  await page.getByRole('searchbox').fill(admin.login);
  await expect(page.getByRole('row').filter({ hasText: person.display_name })).toHaveCount(0);
  await expect(page.getByRole('region', { name: 'Chosen users' })).toHaveCount(0);
});

test('an import goes on while one looks at other pages', async ({ page, rest }) => {
  const ids = Array.from({ length: 20 }, () => freshId('import'));
  const rows = ids.map((id) => `${id};Imported ${id}`).join('\r\n');
  await signIn(page, here);
  await page.goto(`${here}/admin/import`);
  const chooser = page.waitForEvent('filechooser');
  await page.getByRole('button', { name: 'Choose file' }).click();
  await (
    await chooser
  ).setFiles({
    name: 'people.csv',
    mimeType: 'text/csv',
    buffer: Buffer.from(`id;display_name\r\n${rows}\r\n`),
  });
  await expect(page.getByText('To create: 20')).toBeVisible();
  let go = () => {};
  const held = new Promise<void>((done) => (go = done));
  await page.route('**/users/import?dry_run=false', async (route) => {
    await held;
    await route.continue();
  });
  await page.getByRole('button', { name: 'Import', exact: true }).click();
  await expect(page.getByText('Importing 20 rows…')).toBeVisible();
  await page.getByRole('link', { name: 'Groups' }).click();
  await page.getByRole('button', { name: '1 task' }).click();
  await page.getByRole('link', { name: 'Import of people.csv' }).click();
  await expect(page.getByText('Importing 20 rows…')).toBeVisible();
  go();
  await expect(page.getByText('Imported. Created: 20')).toBeVisible();
  for (const id of ids) await rest.deleteUser(id);
});

test('users and events are exported', async ({ page }) => {
  await signIn(page, here);
  await page.goto(`${here}/admin/users`);
  await page.getByRole('button', { name: 'Import and export' }).click();
  const users = page.waitForEvent('download');
  await page.getByRole('menuitem', { name: 'Export all users' }).click();
  expect((await users).suggestedFilename()).toBe('users.csv');
  await page.goto(`${here}/admin/events`);
  const events = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export as CSV' }).click();
  expect((await events).suggestedFilename()).toBe('events.csv');
});
