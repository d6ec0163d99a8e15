import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, join, newPage } from './room';
import { another, expect, freshId, here, isLive, PASSWORD, signIn, test, there } from './server';

/** Past meetings with those who came, filters of the list, and the own history (CONF-17). */

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/history-${name}.png` });

test('a meeting stands in the history with those who came', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const cid = freshId('past');
  const name = `Meeting ${cid}`;
  const made = await rest.call('POST', '/conferences', { cid, name, owner: person.id, access: 'public' });
  expect(made.status()).toBe(201);
  const [owner, guest, desk] = [await newPage(browser), await newPage(browser), await another(browser)];
  try {
    await signIn(desk, here);
    await desk.goto(`${here}/admin/conferences?search=${cid}&stage=now`);
    await isLive(desk);
    await expect(desk.getByText(name)).toHaveCount(0);
    await signIn(owner, there, person.id, PASSWORD);
    await join(owner, there, cid);
    await join(guest, here, cid, 'Gina Guest');
    await expect(desk.getByText(name)).toBeVisible();
    await desk.goto(`${here}/admin/conferences?search=${cid}`);
    await look(desk, 'list');
    await noBarrier(desk, 'list');
    // A guest belongs to their group for as long as they are there.
    await desk.goto(`${here}/admin/groups/guests`);
    await desk.getByRole('tab', { name: 'Members' }).click();
    await expect(desk.getByRole('listitem').filter({ hasText: 'Gina Guest' })).toContainText(name);
    await noBarrier(desk, 'guests who are there');
    await desk.goto(`${here}/admin/conferences?search=${cid}`);

    await guest.getByRole('button', { name: 'Leave' }).click();
    await owner.getByRole('button', { name: 'Leave', exact: true }).click();
    await owner.getByRole('menuitem', { name: 'Leave', exact: true }).click();
    await desk.getByRole('row').filter({ hasText: cid }).click();
    const sheet = desk.getByRole('dialog');
    await sheet.getByRole('tab', { name: 'History' }).click();
    await expect(sheet.getByText('Everybody left').and(desk.locator(':visible')).first()).toBeVisible();
    await look(desk, 'runs');
    await sheet.getByRole('button', { name: /^Attendance of/ }).click();
    await expect(sheet.getByText('Gina Guest (guest)')).toBeVisible();
    await expect(sheet.getByText(person.display_name)).toBeVisible();
    await look(desk, 'attendance');
    await noBarrier(desk, 'attendance');
    const file = desk.waitForEvent('download');
    await sheet.getByRole('button', { name: 'Export CSV' }).click();
    expect((await file).suggestedFilename()).toBe(`attendance-${cid}.csv`);

    await owner.goto(`${there}/history`);
    await expect(owner.getByText(name)).toBeVisible();
    await owner.setViewportSize({ width: 390, height: 844 });
    await look(owner, 'own');
    await noBarrier(owner, 'own');
    await owner.getByText('Calls', { exact: true }).click();
    await expect(owner.getByText('No calls yet')).toBeVisible();

    // An administrator finds the same on the page of the user.
    await desk.goto(`${here}/admin/users/${person.id}`);
    await sheet.getByRole('tab', { name: 'History' }).click();
    const meetings = sheet.getByRole('region', { name: 'Meetings they were in' });
    await expect(meetings.getByText(name)).toBeVisible();
    await expect(
      sheet.getByRole('region', { name: 'Own conferences' }).getByRole('link', { name }),
    ).toBeVisible();
    await expect(sheet.getByText('No call is kept.')).toBeVisible();
    await look(desk, 'of-user');
    await noBarrier(desk, 'history of a user');

    await desk.goto(`${here}/admin/events?search=${cid}`);
    await expect(desk.getByRole('button', { name: 'Meeting ended' })).toBeVisible();
    await look(desk, 'events');
  } finally {
    for (const page of [owner, guest, desk]) await page.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
