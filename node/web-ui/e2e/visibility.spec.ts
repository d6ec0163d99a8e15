import { noBarrier } from './barrier';
import { another, expect, here, PASSWORD, signIn, test } from './server';

test('which fields of a profile others see is chosen in the settings', async ({
  page,
  browser,
  rest,
  person,
}) => {
  const before = (await (await rest.call('GET', '/settings')).json()) as { profile_fields: object };
  expect((await rest.call('PATCH', `/users/${person.id}`, { job_title: 'Guard of the door' })).status()).toBe(
    200,
  );
  const other = await rest.createUser();
  const viewer = await another(browser);
  try {
    await signIn(viewer, here, other.id, PASSWORD);
    await viewer.goto(`${here}/contacts?search=${person.id}`);
    await viewer.getByRole('row').filter({ hasText: person.display_name }).click();
    const sheet = viewer.getByRole('dialog', { name: person.display_name });
    await expect(sheet.getByText('Guard of the door')).toBeVisible();
    await noBarrier(viewer, 'a person of the address book');

    await signIn(page, here);
    await page.goto(`${here}/admin/settings#profile_fields`);
    await page.getByRole('checkbox', { name: 'Job title: people here see it' }).uncheck();
    await page.getByRole('checkbox', { name: 'Organisation: people of other servers see it' }).check();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByText('The settings were saved.')).toBeVisible();
    const now = (await (await rest.call('GET', '/settings')).json()) as {
      profile_fields: { people: string[]; partners: string[] };
    };
    expect(now.profile_fields.people).not.toContain('job_title');
    expect(now.profile_fields.partners).toEqual(['organisation']);

    await viewer.reload();
    await expect(sheet.getByText(person.id).first()).toBeVisible();
    await expect(sheet.getByText('Guard of the door')).toHaveCount(0);
  } finally {
    await rest.call('PATCH', '/settings', { profile_fields: before.profile_fields });
    await viewer.context().close();
    await rest.deleteUser(other.id);
  }
});
