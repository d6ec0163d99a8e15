import { another, expect, here, PASSWORD, signIn, test, there } from './server';

test('the own profile is changed here and read there', async ({ page, browser, person }) => {
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('link', { name: 'Profile', exact: true }).click();
  await page.getByLabel('Name', { exact: true }).fill('Somebody Else');
  await page.getByLabel('Mobile phone').fill('+33 6 12 34 56 78');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('Your profile was saved.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Account of Somebody Else' })).toBeVisible();

  const other = await another(browser);
  await signIn(other, there, person.id, PASSWORD);
  await other.goto(`${there}/profile`);
  await expect(other.getByLabel('Name', { exact: true })).toHaveValue('Somebody Else');
  await expect(other.getByLabel('Mobile phone')).toHaveValue('+33 6 12 34 56 78');
  await other.context().close();
});

test('a new password signs out all other devices', async ({ page, browser, person }) => {
  const other = await another(browser);
  await signIn(other, there, person.id, PASSWORD);
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('link', { name: 'Password', exact: true }).click();
  await page.getByLabel('Present password').fill(PASSWORD);
  await page.getByLabel('New password', { exact: true }).fill(`${PASSWORD}-new`);
  await page.getByLabel('New password again').fill(`${PASSWORD}-new`);
  await page.getByRole('button', { name: 'Change password' }).click();
  await expect(page.getByText('Your password was changed.')).toBeVisible();
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signIn(other, there, person.id, `${PASSWORD}-new`);
  await other.context().close();
});

test('a device is signed out from another one', async ({ page, browser, person }) => {
  const other = await another(browser);
  await signIn(other, there, person.id, PASSWORD);
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('link', { name: 'Devices', exact: true }).click();
  await expect(page.getByText('This device')).toBeVisible();
  await page.getByRole('button', { name: /^Sign out Chrome/ }).click();
  await expect(other.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await other.context().close();
});

test('the language is changed in place and remembered', async ({ page, person }) => {
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('combobox', { name: 'Language' }).click();
  await page.getByRole('option', { name: 'Français' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Bonjour, ${person.display_name}`);
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('lang', 'fr');
});
