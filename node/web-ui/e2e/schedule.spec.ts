import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, join, newPage, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** Conferences that are not always open: by a schedule, or when a moderator starts them. */

test.use(devices);

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/schedule-${name}.png` });

test('a conference gets its time in the form', async ({ page, rest, person }) => {
  const name = `Weekly ${freshId('weekly')}`;
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill(name);
  await form.getByRole('radio', { name: /^By a schedule/ }).check();
  await form.getByLabel('Day', { exact: true }).fill('2031-03-03');
  await form.getByLabel('Begins at').fill('09:30');
  await form.getByLabel('Time zone').click();
  await form.getByLabel('Time zone').fill('Paris');
  await page.getByRole('option', { name: 'Europe/Paris' }).click();
  await form.getByText('Mon', { exact: true }).click();
  await form.getByText('Thu', { exact: true }).click();
  await form.getByLabel('Repeated', { exact: true }).click();
  await page.getByRole('option', { name: 'So many times' }).click();
  await form.getByLabel('How many times').fill('4');
  await form.getByRole('radio', { name: /^By a schedule/ }).scrollIntoViewIfNeeded();
  await look(page, 'form');
  await noBarrier(page, 'form');
  await form.getByRole('button', { name: 'Create conference' }).click();
  await expect(page.getByText(`${name} was created.`)).toBeVisible();
  await look(page, 'home');
  const list = await (await rest.call('GET', `/conferences?search=${encodeURIComponent(name)}`)).json();
  expect(list.items[0]).toMatchObject({
    launch: 'scheduled',
    schedule: {
      date: '2031-03-03',
      time: '09:30',
      zone: 'Europe/Paris',
      duration_minutes: 60,
      weekdays: ['monday', 'thursday'],
      until: null,
      count: 4,
    },
    next: { start: '2031-03-03T08:30:00.000Z', end: '2031-03-03T09:30:00.000Z' },
  });
  await rest.call('DELETE', `/conferences/${list.items[0].cid}`);
});

test('who is early waits, and comes in when a moderator begins', async ({ browser, person, rest }) => {
  test.setTimeout(120_000);
  const cid = freshId('later');
  const schedule = { date: '2031-03-03', time: '09:30', zone: 'Europe/Paris', duration_minutes: 5 };
  const made = await rest.call('POST', '/conferences', {
    cid,
    name: 'Spring talk',
    access: 'public',
    owner: person.id,
    schedule,
  });
  expect(made.status(), await made.text()).toBe(201);
  const [guest, owner] = [await newPage(browser), await newPage(browser)];
  try {
    await guest.goto(`${there}/m/${cid}`);
    await expect(guest.getByText('Begins Monday', { exact: false })).toBeVisible();
    const [file] = await Promise.all([
      guest.waitForEvent('download'),
      guest.getByRole('button', { name: 'Add to calendar' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe(`${cid}.ics`);
    await guest.getByLabel('Your name').fill('Gil');
    await guest.getByRole('button', { name: 'Join when it begins' }).click();
    await expect(guest.getByText('You join by yourself', { exact: false })).toBeVisible();
    await look(guest, 'early');
    await noBarrier(guest, 'early');

    await signIn(owner, here, person.id, PASSWORD);
    await join(owner, here, cid);
    await expect(owner.getByText('only moderators come in', { exact: false })).toBeVisible();
    await look(owner, 'not-begun');
    await owner.getByRole('button', { name: 'Begin now' }).click();
    // Who waits looks each few seconds.
    await expect(guest.locator('[data-phase=in]')).toBeVisible({ timeout: 30_000 });
    await expect(tile(owner, 'Gil')).toBeVisible();

    // Five minutes were planned: the end is near, and is put off.
    await expect(owner.getByText(/The meeting ends in [345] minutes\./)).toBeVisible();
    await owner.getByRole('button', { name: '15 minutes more' }).click();
    await expect(owner.getByText('The meeting ends in', { exact: false })).toHaveCount(0);
    // Moderators put it off at any time, by as much as they like.
    const endsAt = async () => {
      const answer = await rest.call('GET', `/conferences/${cid}`);
      return Date.parse(((await answer.json()) as { meeting: { ends_at: string } }).meeting.ends_at);
    };
    const before = await endsAt();
    await owner.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
    await owner.getByRole('menuitem', { name: 'Extend…' }).click();
    const dialog = owner.getByRole('dialog', { name: 'Extend the meeting' });
    await dialog.getByLabel('Other number of minutes').fill('45');
    await look(owner, 'extend');
    await noBarrier(owner, 'before a meeting is extended');
    await dialog.getByRole('button', { name: 'Extend', exact: true }).click();
    await expect(dialog).toBeHidden();
    await expect.poll(endsAt).toBe(before + 45 * 60_000);
  } finally {
    await guest.context().close();
    await owner.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
