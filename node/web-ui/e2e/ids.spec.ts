import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage, plays, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test as base, there, type Account } from './server';

/** IDs of conferences: changed while people meet. */

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

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/ids-${name}.png` });
const invite = async (page: Page) => {
  await page.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Invite people' }).click();
};

test('a conference gets another ID while two are in, and a third joins by it', async ({
  browser,
  person,
  other,
  third,
  rest,
}) => {
  test.setTimeout(180_000);
  const cid = freshId('before');
  const made = { cid, name: 'Weekly review', owner: person.id };
  expect((await rest.call('POST', '/conferences', made)).status()).toBe(201);
  const owner = await newPage(browser);
  const guest = await newPage(browser);
  const late = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);
  await signIn(guest, there, other.id, PASSWORD);
  await join(guest, there, cid);
  await plays(tile(owner, other.display_name));

  // The owner lets the server make another ID up, in the form, in a second tab.
  const form = await owner.context().newPage();
  await form.goto(`${here}/meetings`);
  await form.getByRole('button', { name: 'Settings of Weekly review' }).first().click();
  const sheet = form.getByRole('dialog');
  await sheet.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(sheet.getByText(`Addresses with ${cid} lead nowhere once this is saved.`)).toBeVisible();
  await look(form, 'form');
  await noBarrier(form, 'another ID');
  await sheet.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('Weekly review was saved.')).toBeVisible();
  await form.close();

  // Those inside stay; address bar and invitation follow.
  const address = /\/m\/[1-9][0-9]{8}$/;
  await expect(owner).toHaveURL(address);
  await expect(guest).toHaveURL(address);
  const now = new URL(guest.url()).pathname.slice('/m/'.length);
  await isInside(owner);
  await isInside(guest);
  await expect(guest.getByText('This conference has another ID now')).toBeVisible();
  await look(guest, 'told');
  await invite(guest);
  await expect(guest.getByRole('textbox', { name: 'Address' })).toHaveValue(`${there}/m/${now}`);
  await look(guest, 'invite');
  await guest.keyboard.press('Escape');
  await plays(tile(guest, person.display_name));

  // The old ID leads nowhere, the new one in; and whoever loads the page again is in their place.
  await signIn(late, here, third.id, PASSWORD);
  await late.goto(`${here}/m/${cid}`);
  await expect(late.getByText(`Nobody has a room with the ID “${cid}”.`)).toBeVisible();
  await join(late, here, now);
  await plays(tile(late, person.display_name));
  await plays(tile(owner, third.display_name));
  await guest.reload();
  await isInside(guest);
  await plays(tile(guest, third.display_name));

  // From within the room too, by hand.
  const chosen = freshId('chosen');
  await owner.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await owner.getByRole('menuitem', { name: 'Change the ID…' }).click();
  const dialog = owner.getByRole('dialog', { name: 'Another ID for this conference' });
  await dialog.getByRole('radio', { name: 'Chosen by hand' }).check();
  await dialog.getByRole('textbox', { name: 'Conference ID' }).fill('join');
  await dialog.getByRole('button', { name: 'Change the ID' }).click();
  await expect(dialog.getByRole('alert')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Conference ID' }).fill(chosen);
  await look(owner, 'in-the-room');
  await noBarrier(owner, 'another ID, in the room');
  await dialog.getByRole('button', { name: 'Change the ID' }).click();
  await expect(dialog).toBeHidden();
  for (const page of [owner, guest, late]) {
    await expect(page).toHaveURL(new RegExp(`/m/${chosen}$`));
    await isInside(page);
  }
  await guest.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await expect(guest.getByRole('menuitem', { name: 'Invite people' })).toBeVisible();
  await expect(guest.getByRole('menuitem', { name: 'Change the ID…' })).toHaveCount(0);
  await guest.keyboard.press('Escape');

  // The ID is free for another conference, in which nobody is.
  expect((await rest.call('POST', '/conferences', { cid, name: 'Another' })).status()).toBe(201);
  const people = await (await rest.call('GET', `/conferences/${cid}/participants`)).json();
  expect(people).toEqual([]);
  for (const one of [cid, chosen])
    expect((await rest.call('DELETE', `/conferences/${one}`)).status()).toBe(204);
  for (const page of [owner, guest, late]) await page.context().close();
});

test('administrators say how IDs are made up and what new conferences are like', async ({ page, rest }) => {
  const before = (await (await rest.call('GET', '/settings')).json()) as {
    conference_ids: object;
    new_conferences: object;
  };
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/settings#conference_ids`);
    await page.getByRole('switch', { name: 'Letters and digits' }).check();
    await page.getByLabel('Length', { exact: true }).fill('12');
    await expect(page.getByText('IDs will look like k7wq2mzp9xh4.')).toBeVisible();
    await page.getByRole('switch', { name: 'Microphones are off on entry' }).check();
    await page.getByRole('combobox', { name: 'Waiting room' }).click();
    await page.getByRole('option', { name: 'Everybody' }).click();
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await page.getByRole('group', { name: 'New conferences' }).scrollIntoViewIfNeeded();
      await look(page, `settings-${scheme}`);
      await noBarrier(page, `settings, ${scheme}`);
    }
    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, 'settings-phone');
    await page.setViewportSize({ width: 1280, height: 720 });
    await page.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText('The settings were saved.')).toBeVisible();

    await page.goto(`${here}/admin/conferences?create=true`);
    const form = page.getByRole('dialog');
    await expect(form.getByText('Nobody guesses it. It will look like k7wq2mzp9xh4.')).toBeVisible();
    await expect(form.getByRole('checkbox', { name: 'Microphones are off' })).toBeChecked();
    await expect(form.getByLabel('Waiting room')).toHaveValue('Everybody');
    await form.getByLabel('Name', { exact: true }).fill('As the server has it');
    await look(page, 'create-dark');
    await form.getByRole('button', { name: 'Create conference' }).click();
    await expect(page.getByText('As the server has it was created.')).toBeVisible();
    const list = await (await rest.call('GET', '/conferences?search=As+the+server')).json();
    expect(list.items[0].cid).toMatch(/^[2-9b-z]{12}$/);
    expect(list.items[0].settings).toMatchObject({ muted_on_entry: true, waiting_room: 'all' });
    await rest.call('DELETE', `/conferences/${list.items[0].cid}`);
  } finally {
    await rest.call('PATCH', '/settings', {
      conference_ids: before.conference_ids,
      new_conferences: before.new_conferences,
    });
  }
});
