import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** How conferences are set up is kept, and others are made like it (CONF-16). */

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/templates-${name}.png` });

test('a conference is made from what was saved as a template', async ({ page, rest, person }) => {
  test.setTimeout(120_000);
  const [first, second] = [freshId('webinar'), freshId('webinar')];
  const helper = await rest.createUser();
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('link', { name: 'Meetings', exact: true }).click();
  await page.getByRole('button', { name: 'Create conference' }).click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Name', { exact: true }).fill('First webinar');
  await sheet.getByRole('radio', { name: 'Chosen by hand' }).check();
  await sheet.getByRole('textbox', { name: 'Conference ID' }).fill(first);
  await sheet.getByRole('radio', { name: /^Lecture/ }).check();
  await sheet.getByRole('radio', { name: 'Public: guests too' }).check();
  await sheet.getByLabel('PIN', { exact: true }).fill('4711');
  await sheet.getByLabel('Moderators').fill(helper.id);
  await page.keyboard.press('Enter');
  await sheet.getByRole('checkbox', { name: 'Save as a template too' }).check();
  await sheet.getByLabel('Name of the template').fill('Webinar');
  await sheet.getByLabel('Name of the template').scrollIntoViewIfNeeded();
  await look(page, 'keep');
  await noBarrier(page, 'the form with the tick');
  await sheet.getByRole('button', { name: 'Create conference' }).click();
  await expect(page.getByText('First webinar was created.')).toBeVisible();

  // A moderator who is gone since does not stand in the way.
  await rest.deleteUser(helper.id);
  await page.getByRole('link', { name: 'Templates' }).click();
  await expect(page.getByText('Webinar', { exact: true })).toBeVisible();
  await look(page, 'list');
  await noBarrier(page, 'the list of templates');
  await page.getByRole('link', { name: 'Make a conference from Webinar' }).click();
  await expect(sheet.getByRole('radio', { name: /^Lecture/ })).toBeChecked();
  await expect(sheet.getByLabel('PIN', { exact: true })).toHaveValue('4711');
  await sheet.getByLabel('Name', { exact: true }).fill('Second webinar');
  await sheet.getByRole('radio', { name: 'Chosen by hand' }).check();
  await sheet.getByRole('textbox', { name: 'Conference ID' }).fill(second);
  await look(page, 'from');
  await sheet.getByRole('button', { name: 'Create conference' }).click();
  await expect(page.getByText('Second webinar was created.')).toBeVisible();
  const made = await (await rest.call('GET', `/conferences/${second}`)).json();
  expect(made).toMatchObject({
    access: 'public',
    owner: person.id,
    settings: { mode: 'lecture', pin: '4711', moderators: [] },
  });

  // The same by choosing it in an empty form; then it is renamed and deleted, on another node.
  await page.goto(`${there}/meetings?create=true`);
  await signInAgain(page, person.id);
  await sheet.getByLabel('New from a template').click();
  await page.getByRole('option', { name: 'Webinar' }).click();
  await expect(sheet.getByRole('radio', { name: /^Lecture/ })).toBeChecked();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${there}/meetings/templates`);
  await page.getByText('Webinar', { exact: true }).click();
  await sheet.getByLabel('Name of the template').fill('Talk');
  await look(page, 'phone');
  await sheet.getByRole('button', { name: 'Save', exact: true }).click();
  await expect(page.getByText('The template Talk was saved.')).toBeVisible();
  await page.getByRole('button', { name: 'Delete Talk' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete', exact: true }).click();
  await expect(page.getByText('No templates yet')).toBeVisible();
});

test('an administrator shares a template with everybody', async ({ page, browser, rest, person }) => {
  test.setTimeout(120_000);
  const title = `House ${freshId('house')}`;
  await signIn(page, here);
  await page.getByRole('link', { name: 'Conferences', exact: true }).click();
  await page.getByRole('link', { name: 'Templates' }).click();
  await page.getByRole('button', { name: 'Create template' }).first().click();
  const sheet = page.getByRole('dialog');
  await sheet.getByLabel('Name of the template').fill(title);
  await sheet.getByRole('checkbox', { name: 'For all' }).check();
  await sheet.getByLabel('PIN', { exact: true }).fill('4711');
  await sheet.getByRole('radio', { name: /^By a schedule/ }).check();
  await sheet.getByLabel('Begins at').fill('09:30');
  await expect(sheet.getByLabel('Day', { exact: true })).toHaveCount(0);
  await sheet.getByRole('button', { name: 'Create template' }).click();
  await expect(sheet.getByText('take the PIN away', { exact: false }).first()).toBeVisible();
  await sheet.getByLabel('PIN', { exact: true }).fill('');
  await sheet.getByRole('button', { name: 'Create template' }).click();
  await expect(page.getByText(`The template ${title} was saved.`)).toBeVisible();
  await look(page, 'admin');
  await noBarrier(page, 'the templates of everybody');
  await page.emulateMedia({ colorScheme: 'dark' });
  await look(page, 'admin-dark');

  const context = await browser.newContext({ locale: 'en', reducedMotion: 'reduce' });
  const user = await context.newPage();
  await signIn(user, there, person.id, PASSWORD);
  await user.goto(`${there}/meetings/templates`);
  await user.getByText(title).click();
  await expect(user.getByText('Administrators change it', { exact: false })).toBeVisible();
  await expect(user.getByRole('button', { name: 'Save', exact: true })).toHaveCount(0);
  await noBarrier(user, 'a template that cannot be changed');
  await look(user, 'read-only');
  await context.close();
  const list = await (await rest.call('GET', `/templates?search=${encodeURIComponent(title)}`)).json();
  expect(list.items[0]).toMatchObject({ for_all: true, schedule: { time: '09:30', weekdays: [] } });
  expect((await rest.call('DELETE', `/templates/${list.items[0].id}`)).status()).toBe(204);
});

/** Each node is an origin of its own, which knows no session of another one. */
async function signInAgain(page: Page, id: string) {
  await page.getByLabel('User ID or email').fill(id);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
