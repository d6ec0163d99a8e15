import { noBarrier } from './barrier';
import { devices, join, newPage } from './room';
import { another, expect, freshId, here, isLive, PASSWORD, signIn, test, there } from './server';

/** Contacts see at once, on whichever node, what somebody does, and not where (USR-02). */

test.use(devices);

test('contacts see who is in a conference, and administrators find them', async ({
  browser,
  person,
  rest,
}) => {
  test.setTimeout(120_000);
  const cid = freshId('presence');
  const name = `Secret ${cid}`;
  expect((await rest.call('POST', '/conferences', { cid, name, owner: person.id })).status()).toBe(201);
  const guest = await rest.createUser();
  const [owner, other, watcher, desk] = [
    await newPage(browser),
    await newPage(browser),
    await another(browser),
    await another(browser),
  ];
  try {
    await signIn(watcher, there, guest.id, PASSWORD);
    await watcher.goto(`${there}/contacts?search=${person.id}`);
    await isLive(watcher);
    const row = watcher.getByRole('row').filter({ hasText: person.display_name });
    await expect(row.getByText('Offline')).toBeVisible();
    await signIn(owner, here, person.id, PASSWORD);
    await expect(row.getByText('Online')).toBeVisible();
    await join(owner, here, cid);
    await expect(row.getByText('Hosting')).toBeVisible();
    await expect(watcher.getByText(name)).toHaveCount(0);
    await watcher.screenshot({ path: 'test-results/look/presence-contacts.png' });
    await noBarrier(watcher, 'contacts');

    await signIn(other, there, guest.id, PASSWORD);
    await join(other, there, cid);
    await signIn(desk, here);
    await desk.goto(`${here}/admin/users?presence=in_conference`);
    for (const one of [person, guest]) await expect(desk.getByText(one.display_name)).toBeVisible();
    await desk.screenshot({ path: 'test-results/look/presence-users.png' });
    await other.getByRole('button', { name: 'Leave' }).click();
    await expect(desk.getByText(guest.display_name)).toHaveCount(0);

    await owner.getByRole('button', { name: 'Leave', exact: true }).click();
    await owner.getByRole('menuitem', { name: 'Leave', exact: true }).click();
    await expect(row.getByText('Hosting')).toHaveCount(0);
    await owner.goto(`${here}/home`);
    await expect(row.getByText('Online')).toBeVisible();
  } finally {
    for (const page of [owner, other, watcher, desk]) await page.context().close();
    await rest.deleteUser(guest.id);
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
