import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** The personal area: one place for everything of one's own (WEB-03). */

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/personal-${name}.png` });

test('everything of one’s own is found in one place, on phones too', async ({ page, rest, person }) => {
  test.setTimeout(120_000);
  const [mine, invited] = [freshId('mine'), freshId('invited')];
  for (const [cid, more] of [
    [mine, { owner: person.id }],
    [invited, { settings: { invited: [person.id] } }],
  ] as const) {
    const made = await rest.call('POST', '/conferences', { cid, name: `Room ${cid}`, ...more });
    expect(made.status()).toBe(201);
  }
  try {
    await signIn(page, here, person.id, PASSWORD);
    await look(page, 'home');
    await noBarrier(page, 'home');
    await page.getByRole('link', { name: 'Meetings', exact: true }).click();
    await page.getByText('Mine', { exact: true }).click();
    await expect(page.getByText(`Room ${mine}`)).toBeVisible();
    await expect(page.getByText(`Room ${invited}`)).toHaveCount(0);
    await expect(page).toHaveURL(/part=owner/);
    await page.getByText('Invited', { exact: true }).click();
    await expect(page.getByText(`Room ${invited}`)).toBeVisible();
    await look(page, 'meetings');
    await noBarrier(page, 'meetings');
    // The address says what is shown, on whichever node.
    await page.goto(`${there}/meetings?part=owner&conference=${mine}`);
    await signInAgain(page, person.id);
    const sheet = page.getByRole('dialog');
    await sheet.getByRole('tab', { name: 'History' }).click();
    await expect(sheet.getByText('Nobody has met here yet')).toBeVisible();
    await page.keyboard.press('Escape');

    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, 'meetings-phone');
    await page.getByRole('button', { name: 'Open the menu' }).click();
    await look(page, 'menu-phone');
    await page.getByRole('link', { name: 'Rights and seat' }).click();
    const rights = page.getByRole('list', { name: 'Your rights' });
    await expect(rights.getByRole('listitem')).toHaveCount(12);
    await expect(rights.getByRole('listitem').filter({ hasText: 'Operator' })).toContainText('Not allowed');
    await expect(rights.getByRole('listitem').filter({ hasText: 'Make calls' })).toContainText('Allowed');
    await look(page, 'rights-phone');
    await noBarrier(page, 'rights');
  } finally {
    for (const cid of [mine, invited]) await rest.call('DELETE', `/conferences/${cid}`);
  }
});

/** Another node is another origin to a browser. */
async function signInAgain(page: Page, id: string) {
  if (here === there) return;
  await page.getByLabel('User ID or email').fill(id);
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Sign in' }).click();
}
