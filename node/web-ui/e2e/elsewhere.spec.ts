import { noBarrier } from './barrier';
import { expect, freshId, here, PASSWORD, signIn, test } from './server';

/** People of other servers where none is met; where one is: `partners.spec.ts`. */

test('who somebody of another server is cannot be said where that server is not met', async ({
  page,
  person,
}) => {
  const id = `${freshId('demo')}@oslo.invalid`;
  await signIn(page, here, person.id, PASSWORD);
  await page.goto(`${here}/contacts`);
  await page.getByRole('button', { name: 'Add contact' }).first().click();
  await page.getByRole('textbox', { name: 'Call string' }).fill(id);
  await expect(page.getByRole('status').getByText(/^Who this is cannot be said now:/)).toBeVisible();
  await noBarrier(page, 'a contact of another server');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('The contact was saved.')).toBeVisible();
  const row = page.getByRole('row').filter({ hasText: id });
  await row.click();
  const sheet = page.getByRole('dialog', { name: id });
  await expect(sheet.getByRole('heading', { name: 'Not known at the moment' })).toBeVisible();
  await page.screenshot({ path: 'test-results/look/elsewhere-unknown.png' });
  await noBarrier(page, 'somebody of a server that is not met');
});
