import { noBarrier } from './barrier';
import { fillIn } from './busy';
import { expect, here, signIn, test } from './server';

test.beforeEach(async ({ page }) => signIn(page, here));

test('the summary knows the nodes and who leads', async ({ page, rest }) => {
  const cluster = (await (await rest.call('GET', '/cluster')).json()) as {
    leader: string;
    nodes: { name: string }[];
  };
  await expect(page.getByText(`${cluster.leader} leads.`)).toBeVisible();
  const drawing = page.getByRole('region', { name: 'Nodes and links' });
  for (const { name } of cluster.nodes) await expect(drawing.getByRole('link', { name })).toBeVisible();
});

test('an invitation is shown once', async ({ page }) => {
  await page.goto(`${here}/admin/nodes`);
  await page.getByRole('button', { name: 'Invite node' }).click();
  await page.getByRole('button', { name: 'Create token' }).click();
  await expect(page.getByTestId('join-command')).toHaveText(/^plenary-node join \S{20,}$/);
  await page.getByRole('button', { name: 'Done' }).click();
  await page.getByRole('button', { name: 'Invite node' }).click();
  await expect(page.getByTestId('join-command')).toHaveCount(0);
});

test('a backup is downloaded', async ({ page }) => {
  await page.goto(`${here}/admin/backup`);
  const coming = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Download backup' }).click();
  const file = await coming;
  expect(file.suggestedFilename()).toMatch(/\.plenary-backup$/);
  await expect(page.getByText('The backup is complete')).toBeVisible();
});

test('a setting shows before and after, and counts on the front page', async ({ page, rest, browser }) => {
  const before = (await (await rest.call('GET', '/settings')).json()) as { front_page: object };
  try {
    await page.goto(`${here}/admin/settings`);
    const name = `Organisation ${Date.now().toString(36)}`;
    await page.getByLabel('Name of the organisation').fill(name);
    await page.getByLabel('Contacts').fill('The desk, desk@example.com');
    await page.getByRole('button', { name: 'Review' }).click();
    await expect(page.getByRole('row').filter({ hasText: name })).toContainText('Name of the organisation');
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('The settings were saved.')).toBeVisible();
    const stranger = await (await browser.newContext({ ignoreHTTPSErrors: true, locale: 'en' })).newPage();
    await stranger.goto(here);
    await expect(stranger.getByRole('heading', { level: 1 })).toHaveText(name);
    const desk = stranger.getByRole('link', { name: 'desk@example.com' });
    await expect(desk).toHaveAttribute('href', 'mailto:desk@example.com');
    await stranger.screenshot({ path: 'test-results/look/front-contacts.png', fullPage: true });
    await noBarrier(stranger, 'contacts');
    // From here the control panel may be used.
    await stranger.getByRole('link', { name: 'Administration' }).click();
    await expect(stranger.getByText('Sign in to see the page that you asked for.')).toBeVisible();
    await stranger.context().close();
  } finally {
    await rest.call('PATCH', '/settings', { front_page: before.front_page });
  }
});

test('an administrator cannot lock oneself out', async ({ page }) => {
  await page.goto(`${here}/admin/settings`);
  const networks = page.getByRole('combobox', { name: 'Permitted networks' });
  await networks.fill('not a network');
  await networks.press('Enter');
  await expect(page.getByText('is not an address or a range')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Save' })).toBeDisabled();
});

test('an alias is created, changed and deleted', async ({ page }) => {
  const id = `a${Date.now().toString(36)}`;
  await page.goto(`${here}/admin/aliases?search=${id}`);
  await page.getByRole('button', { name: 'Create alias' }).click();
  await page.getByLabel('Alias', { exact: true }).fill(id);
  await page.getByLabel('Leads to').fill('#sip:room@example.com');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('cell', { name: '#sip:room@example.com' })).toBeVisible();
  await page.getByRole('button', { name: `Edit ${id}` }).click();
  await page.getByLabel('Note').fill('The big room');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByRole('cell', { name: 'The big room' })).toBeVisible();
  await page.getByRole('button', { name: `Delete ${id}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await expect(page.getByText('Nothing found')).toBeVisible();
});

test('a group is created, filled and deleted', async ({ page, person }) => {
  const name = `Group ${person.id}`;
  await page.goto(`${here}/admin/groups`);
  await page.getByRole('button', { name: 'Create group' }).click();
  await page.getByLabel('Name').fill(name);
  await page.getByRole('dialog').getByRole('button', { name: 'Create group' }).click();
  const sheet = page.getByRole('dialog', { name });
  await sheet.getByRole('tab', { name: 'Members' }).click();
  await sheet.getByRole('combobox', { name: 'Add a member' }).fill(person.id);
  await page.getByRole('option', { name: person.display_name }).click();
  await expect(sheet.getByRole('link', { name: person.display_name })).toBeVisible();
  await sheet.getByRole('tab', { name: 'Rights' }).click();
  await sheet.getByRole('button', { name: 'Delete group' }).click();
  const asked = page.getByRole('dialog', { name: `Delete ${name}?` });
  await asked.getByRole('textbox').fill(name);
  await asked.getByRole('button', { name: 'Delete group' }).click();
  await expect(page.getByText(`${name} was deleted.`)).toBeVisible();
});

test('Ctrl+K finds people, pages and settings', async ({ page, person }) => {
  await page.keyboard.press('Control+k');
  const search = page.getByPlaceholder('Find people, pages and settings');
  await search.fill(person.id);
  await expect(page.getByRole('button', { name: person.display_name })).toBeVisible();
  await search.fill('shortest');
  await page.getByRole('button', { name: /Shortest length/ }).click();
  await expect(page).toHaveURL(/\/admin\/settings#password$/);
});

test('a busy network is kept out from where it is seen', async ({ page, rest }) => {
  const before = (await (await rest.call('GET', '/settings')).json()) as { border: object };
  const wanted = { name: 'busy', address: '127.0.0.9:4312' };
  expect((await rest.call('POST', '/border-controllers/invitations', wanted)).status()).toBe(201);
  await fillIn(page);
  try {
    await page.goto(`${here}/admin/border?controller=busy`);
    await expect(page.getByRole('alert').filter({ hasText: 'Media go in two halves' })).toContainText(
      '1,259',
    );
    const busiest = page.getByRole('table', { name: 'Busiest networks' });
    await expect(busiest.getByRole('row').nth(1)).toContainText('198.51.100.7');
    await page.getByRole('button', { name: 'Keep 198.51.100.7 out' }).press('Enter');
    await expect(page).toHaveURL(/\/admin\/settings#border$/);
    const section = page.getByRole('group', { name: 'Border Controllers' });
    await expect(section.getByText('198.51.100.7', { exact: true })).toBeInViewport();
    await page.getByRole('button', { name: 'Review' }).click();
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('The settings were saved.')).toBeVisible();
    await page.goto(`${here}/admin/border?controller=busy`);
    await expect(busiest.getByRole('row').nth(1)).toContainText('Kept out');
    await expect(busiest.getByRole('button')).toHaveCount(1);
  } finally {
    await rest.call('PATCH', '/settings', { border: before.border });
    await rest.call('DELETE', '/border-controllers/busy');
  }
});
