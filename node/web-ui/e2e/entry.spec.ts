import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage } from './room';
import { expect, freshId, here, isLive, PASSWORD, signIn, test as base, there, type Account } from './server';

/** How a conference is started from its form, and what moderators change of how people come in while others meet. */

const test = base.extend<{ other: Account; third: Account }>({
  other: async ({ rest }, give) => {
    const other = await rest.createUser();
    await give(other);
    await rest.deleteUser(other.id);
  },
  third: async ({ rest }, give) => {
    const third = await rest.createUser();
    await give(third);
    await rest.deleteUser(third.id);
  },
});

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/entry-${name}.png` });

const comes = async (page: Page, url: string, cid: string) => {
  await page.goto(`${url}/m/${cid}`);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
};

const enterPin = async (page: Page, pin: string) => {
  await page.getByLabel('PIN').fill(pin);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
};

test('a conference is made and started from the form, calls who is chosen and begins locked', async ({
  browser,
  person,
  other,
  third,
  rest,
}) => {
  test.setTimeout(150_000);
  const name = `Standup ${freshId('start')}`;
  const [owner, called, left] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  await signIn(called, there, other.id, PASSWORD);
  await signIn(left, here, third.id, PASSWORD);
  for (const page of [called, left]) await isLive(page);
  await signIn(owner, here, person.id, PASSWORD);
  await owner.goto(`${here}/meetings?create=true`);
  const form = owner.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill(name);
  await form.getByLabel('Place').fill('Room 7, second floor');
  await form.getByRole('radio', { name: /^When a moderator starts it/ }).check();
  await form.getByRole('checkbox', { name: 'Begins locked' }).check();
  for (const { id } of [other, third]) {
    await form.getByLabel('Invited').fill(id);
    await owner.keyboard.press('Enter');
  }
  await form.getByRole('button', { name: 'Create and start' }).click();
  await form.getByRole('checkbox', { name: `${third.display_name} ${third.id}` }).uncheck();
  await look(owner, 'whom');
  await noBarrier(owner, 'whom');
  await form.getByRole('button', { name: 'Start and call 1 person' }).click();
  await isInside(owner);
  await expect(owner.getByLabel('The meeting is locked')).toBeVisible();
  const rings = `${person.display_name} calls you into “${name}”`;
  await expect(called.getByText(rings)).toBeVisible();
  await expect(left.getByText(rings)).toHaveCount(0);
  // Who is called passes the lock; who was only invited before does not, until it is opened.
  await called.getByRole('button', { name: 'Come in' }).click();
  await isInside(called);
  const cid = new URL(owner.url()).pathname.slice('/m/'.length);
  await left.goto(`${here}/m/${cid}`);
  await expect(left.getByText('Room 7, second floor')).toBeVisible();
  await look(left, 'place');
  await left.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(left.getByRole('heading', { name: 'The meeting is locked' })).toBeVisible();
  await owner.getByRole('button', { name: /^People/ }).click();
  await owner.getByRole('button', { name: 'Unlock the meeting' }).click();
  await left.getByRole('button', { name: 'Join again' }).click();
  await left.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(left);
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
  for (const page of [owner, called, left]) await page.context().close();
});

test('a moderator changes the PIN and the waiting room in the meeting, and lets all in at once', async ({
  browser,
  person,
  other,
  third,
  rest,
}) => {
  test.setTimeout(150_000);
  const cid = freshId('entry');
  const made = await rest.call('POST', '/conferences', {
    ...{ cid, name: 'Weekly review', access: 'public', owner: person.id },
    settings: { moderators: [other.id] },
  });
  expect(made.status(), await made.text()).toBe(201);
  // Not the owner: there is no form for them.
  const moderator = await newPage(browser);
  await signIn(moderator, here, other.id, PASSWORD);
  await join(moderator, here, cid);
  const inside = await newPage(browser);
  await join(inside, there, cid, 'Zoë');
  await moderator.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await moderator.getByRole('menuitem', { name: 'PIN and waiting room…' }).click();
  const rules = moderator.getByRole('dialog', { name: 'Who comes in from now on' });
  const pin = rules.getByRole('textbox', { name: 'PIN' });
  await pin.fill('4711');
  await rules.getByRole('button', { name: 'Set PIN' }).click();
  await expect(rules.getByText('The PIN is 4711.')).toBeVisible();
  await pin.fill('0815');
  await rules.getByRole('button', { name: 'Change PIN' }).click();
  await expect(rules.getByText('The PIN is 0815.')).toBeVisible();
  await look(moderator, 'rules');
  await noBarrier(moderator, 'entry rules');

  const late = await newPage(browser);
  await signIn(late, there, third.id, PASSWORD);
  await comes(late, there, cid);
  await enterPin(late, '4711');
  await expect(late.getByText('That PIN is wrong.')).toBeVisible();
  await enterPin(late, '0815');
  await isInside(late);
  await expect(inside.locator('[data-phase=in]'), 'who is in stays').toBeVisible();

  await rules.getByRole('button', { name: 'Remove PIN' }).click();
  await expect(rules.getByText('No PIN is needed now.')).toBeVisible();
  await rules.getByRole('combobox', { name: 'Waiting room' }).click();
  await moderator.getByRole('option', { name: 'Everybody' }).click();
  await expect(rules.getByText('All but owner, moderators and operators')).toBeVisible();
  await moderator.keyboard.press('Escape');
  // Both leave, come again without a PIN, and wait; one press lets both in.
  for (const page of [inside, late]) {
    await page.getByRole('button', { name: 'Leave', exact: true }).click();
    await page.getByRole('button', { name: 'Join again' }).click();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(page.getByRole('heading', { name: 'You are in the waiting room' })).toBeVisible();
  }
  await moderator
    .getByRole('toolbar')
    .getByRole('button', { name: /^People/ })
    .click();
  await expect(moderator.getByRole('heading', { name: /2/ })).toBeVisible();
  await look(moderator, 'two-wait');
  await moderator.getByRole('button', { name: 'Let all in' }).click();
  for (const page of [inside, late]) await isInside(page);
  await expect(moderator.getByRole('button', { name: 'Let all in' })).toHaveCount(0);
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
  for (const page of [moderator, inside, late]) await page.context().close();
});
