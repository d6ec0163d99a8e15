import { expect, here, isLive, PASSWORD, signIn, signInByHand, test } from './server';

test('a wrong password is told so, and the right one opens the account', async ({ page, person }) => {
  await page.goto(here);
  await page.getByLabel('User ID or email').fill(person.id);
  await page.getByLabel('Password', { exact: true }).fill('not this one');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toHaveText('The user ID or the password is wrong.');
  await expect(page.getByLabel('Password', { exact: true })).toHaveValue('');
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(`Hello, ${person.display_name}`);
  await isLive(page);
});

test('administrators start at the summary', async ({ page }) => {
  await signInByHand(page, here);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Summary');
  await isLive(page);
});

test('a link to a page leads there after signing in', async ({ page, person }) => {
  await page.goto(`${here}/contacts?search=ab`);
  await expect(page.getByText('Sign in to see the page that you asked for.')).toBeVisible();
  await page.getByLabel('User ID or email').fill(person.id);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page).toHaveURL(`${here}/contacts?search=ab`);
  await expect(page.getByRole('searchbox')).toHaveValue('ab');
});

test('after signing out the token is worth nothing', async ({ page, person, request }) => {
  await signIn(page, here, person.id, PASSWORD);
  const kept = await page.evaluate(() => localStorage.getItem('plenary.session'));
  const { token } = JSON.parse(kept!) as { token: string };
  await page.getByRole('button', { name: /^Account of/ }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  const answer = await request.get(`${here}/api/v1/me`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status()).toBe(401);
  await page.goto(`${here}/home`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
});

test('people without the right do not get into the administration', async ({ page, person }) => {
  await signIn(page, here, person.id, PASSWORD);
  await expect(page.getByRole('link', { name: 'Users' })).toHaveCount(0);
  await page.goto(`${here}/admin/users`);
  await expect(page.getByText('This page is for administrators')).toBeVisible();
});
