import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test as base, there, type Account } from './server';

/** A moderator says who has which place for everybody; and one puts people into an order for oneself. */

const test = base.extend<{ other: Account }>({
  other: async ({ rest }, give) => {
    const other = await rest.createUser();
    await give(other);
    await rest.deleteUser(other.id);
  },
});

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/layout-${name}.png` });

/** Names of those who are shown, from the upper left to the lower right. */
async function shown(page: Page): Promise<string[]> {
  const tiles = await page.locator('[data-participant]').evaluateAll((all) =>
    all.map((one) => {
      const { x, y } = one.getBoundingClientRect();
      return { name: one.getAttribute('aria-label') ?? '', x, y };
    }),
  );
  return tiles.sort((a, b) => a.y - b.y || a.x - b.x).map(({ name }) => name);
}

test('a moderator sets places, hides names and shows people in turn, and one moves pictures for oneself', async ({
  browser,
  person,
  other,
  rest,
}) => {
  test.setTimeout(180_000);
  const cid = freshId('places');
  expect((await rest.call('POST', '/conferences', { cid, name: 'Places', owner: person.id })).status()).toBe(
    201,
  );
  const owner = await newPage(browser);
  const guest = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);
  await signIn(guest, there, other.id, PASSWORD);
  await join(guest, there, cid);
  const [first, second] = [person.display_name, `${other.display_name} (you)`];
  await expect(tile(guest, first)).toBeVisible();
  await expect.poll(() => shown(guest)).toEqual([first, second]);

  // For oneself, by the keyboard and by the menu; kept over a reload.
  const handle = guest.getByRole('button', { name: `Move ${other.display_name}` });
  await handle.focus();
  await guest.keyboard.press('ArrowLeft');
  await expect.poll(() => shown(guest)).toEqual([second, first]);
  await expect(guest.getByText(`${other.display_name} is number 1 now.`)).toBeAttached();
  await look(guest, 'moved');
  await noBarrier(guest, 'moving');
  expect(await shown(owner), 'others see no change').toEqual([
    `${person.display_name} (you)`,
    other.display_name,
  ]);
  await guest.reload();
  await isInside(guest);
  await expect.poll(() => shown(guest)).toEqual([second, first]);
  await guest.getByRole('button', { name: `Move ${person.display_name}` }).dragTo(tile(guest, second));
  await expect.poll(() => shown(guest)).toEqual([first, second]);

  // For all: the other one in the first place, no names, nobody chooses otherwise.
  await owner.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
  await owner.getByRole('menuitem', { name: 'Set places…' }).click();
  const dialog = owner.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Add a place' }).click();
  await dialog.getByRole('combobox', { name: 'Place 1' }).click();
  await owner.getByRole('option', { name: other.display_name }).click();
  await dialog.getByRole('switch', { name: 'Show everybody in turn' }).check();
  await dialog.getByLabel('Seconds for each turn').fill('3');
  await expect(dialog.getByText('5 to 3,600 seconds.')).toBeVisible();
  await expect(dialog.getByRole('button', { name: 'Show to everybody' })).toBeDisabled();
  await dialog.getByLabel('Seconds for each turn').fill('10');
  await dialog.getByRole('switch', { name: 'Names on the pictures' }).uncheck();
  await dialog.getByRole('switch', { name: 'Nobody chooses another view' }).check();
  await look(owner, 'dialog');
  await noBarrier(owner, 'places for everybody');
  await dialog.getByRole('button', { name: 'Show to everybody' }).click();
  await expect.poll(() => shown(guest)).toEqual([second, first]);
  await expect.poll(() => shown(owner)).toEqual([other.display_name, `${person.display_name} (you)`]);
  await expect(tile(guest, first).getByText(first)).toHaveCount(0);
  await look(guest, 'set');
  await guest.reload();
  await isInside(guest);
  await expect.poll(() => shown(guest)).toEqual([second, first]);
  await expect(guest.getByRole('button', { name: /^Move / })).toHaveCount(0);

  await owner.setViewportSize({ width: 390, height: 844 });
  await owner.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await owner.getByRole('menuitem', { name: 'Set places…' }).click();
  await look(owner, 'phone');
  await owner.getByRole('dialog').getByRole('button', { name: 'Let everybody choose' }).click();
  await expect.poll(() => shown(guest)).toEqual([first, second]);

  // In turn: one is large for all, and there is room for one of the two others beside them.
  const third = await rest.createUser();
  const ann = await newPage(browser);
  await signIn(ann, there, third.id, PASSWORD);
  await join(ann, there, cid);
  // Whoever speaks would be shown whatever the time is.
  expect((await rest.call('POST', `/conferences/${cid}/acts`, { act: 'mute_all' })).status()).toBe(204);
  await owner.getByRole('toolbar').getByRole('button', { name: 'Mute', exact: true }).click();
  await guest.setViewportSize({ width: 900, height: 320 });
  await owner.setViewportSize({ width: 1280, height: 720 });
  await owner.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
  await owner.getByRole('menuitem', { name: 'Set places…' }).click();
  await dialog.getByRole('radio', { name: 'Speaker' }).check();
  await dialog.getByRole('button', { name: 'Add a place' }).click();
  await dialog.getByRole('combobox', { name: 'Large picture' }).click();
  await owner.getByRole('option', { name: other.display_name }).click();
  await dialog.getByRole('switch', { name: 'Show everybody in turn' }).check();
  await dialog.getByLabel('Seconds for each turn').fill('5');
  await dialog.getByRole('button', { name: 'Show to everybody' }).click();
  const turns = { timeout: 15_000, intervals: [250] };
  for (const name of [first, third.display_name, first]) {
    await expect.poll(() => shown(guest), turns).toEqual([second, name]);
  }
  await look(guest, 'in-turn');
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
  for (const page of [owner, guest, ann]) await page.context().close();
  await rest.deleteUser(third.id);
});

test('a moderator sends a layout to one alone, and takes it back', async ({
  browser,
  person,
  other,
  rest,
}) => {
  test.setTimeout(150_000);
  const cid = freshId('own-layout');
  const made = { cid, name: 'For one', owner: person.id };
  expect((await rest.call('POST', '/conferences', made)).status()).toBe(201);
  const owner = await newPage(browser);
  const guest = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);
  await signIn(guest, there, other.id, PASSWORD);
  await join(guest, there, cid);
  const [first, second] = [person.display_name, `${other.display_name} (you)`];
  await expect.poll(() => shown(guest)).toEqual([first, second]);

  await owner
    .getByRole('toolbar')
    .getByRole('button', { name: /^People/ })
    .click();
  const menu = () => owner.getByRole('button', { name: `What to do with ${other.display_name}` }).click();
  await menu();
  await owner.getByRole('menuitem', { name: 'Set their layout…' }).click();
  const dialog = owner.getByRole('dialog', { name: `Layout for ${other.display_name}` });
  await dialog.getByRole('radio', { name: 'Only who speaks' }).check();
  await dialog.getByRole('switch', { name: 'They choose no other view' }).check();
  await look(owner, 'for-one');
  await noBarrier(owner, 'layout for one');
  await dialog.getByRole('button', { name: 'Send layout' }).click();
  await expect(tile(guest, second)).toHaveCount(0);
  await expect(tile(guest, first)).toBeVisible();
  await expect.poll(() => shown(owner)).toHaveLength(2);
  await expect(owner.getByRole('listitem').filter({ hasText: other.display_name })).toContainText(
    'Own layout',
  );
  await look(owner, 'for-one-list');

  // Kept over a reload, and nobody's choice.
  await guest.reload();
  await isInside(guest);
  await expect(tile(guest, second)).toHaveCount(0);
  await guest.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
  await expect(guest.getByText('A moderator has chosen for you.')).toBeVisible();
  await look(guest, 'for-me');
  await noBarrier(guest, 'own layout');
  await guest.keyboard.press('Escape');

  await menu();
  await owner.getByRole('menuitem', { name: 'Take their layout back' }).click();
  await expect.poll(() => shown(guest)).toEqual([first, second]);
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
  for (const page of [owner, guest]) await page.context().close();
});

const leave = (page: Page) => page.getByRole('button', { name: 'Leave' }).click();

test('a moderator keeps layouts and switches between them', async ({ browser, person, other, rest }) => {
  test.setTimeout(150_000);
  const cid = freshId('kept');
  const made = await rest.call('POST', '/conferences', { cid, name: 'Kept', owner: person.id });
  expect(made.status(), await made.text()).toBe(201);
  const [owner, guest] = [await newPage(browser), await newPage(browser)];
  try {
    await signIn(owner, here, person.id, PASSWORD);
    await join(owner, here, cid);
    await signIn(guest, there, other.id, PASSWORD);
    await join(guest, there, cid);
    const menu = owner.getByRole('button', { name: 'Layout', exact: true });
    const open = async () => {
      await menu.click();
      await owner.getByRole('menuitem', { name: 'Set places…' }).click();
      return owner.getByRole('dialog');
    };
    let dialog = await open();
    await dialog.getByRole('radio', { name: 'Only who speaks' }).check();
    await dialog.getByLabel('Keep this layout as').fill('Talk');
    await dialog.getByRole('button', { name: 'Keep', exact: true }).click();
    await expect(owner.getByText('“Talk” was kept.')).toBeVisible();
    await look(owner, 'kept');
    await noBarrier(owner, 'kept layouts');
    await owner.keyboard.press('Escape');
    await expect(dialog).toHaveCount(0);

    await menu.click();
    const talk = owner.getByRole('menuitemradio', { name: 'Talk' });
    await expect(talk).toHaveAttribute('aria-checked', 'false');
    await look(owner, 'kept-menu');
    await noBarrier(owner, 'a menu with kept layouts');
    await talk.click();
    // One picture alone, at the other node too.
    await expect.poll(async () => (await shown(guest)).length).toBe(1);
    await menu.click();
    await expect(talk).toHaveAttribute('aria-checked', 'true');
    await owner.keyboard.press('Escape');

    // People have places in it, and find them when they come.
    const placed = [other.display_name, `${person.display_name} (you)`];
    dialog = await open();
    await dialog.getByRole('radio', { name: 'Gallery' }).check();
    await dialog.getByRole('button', { name: 'Add a place' }).click();
    await dialog.getByRole('combobox', { name: 'Place 1' }).click();
    await owner.getByRole('option', { name: other.display_name }).click();
    await dialog.getByLabel('Keep this layout as').fill('Panel');
    await dialog.getByRole('button', { name: 'Keep', exact: true }).click();
    await expect(owner.getByText('“Panel” was kept.')).toBeVisible();
    await expect(dialog.getByText('Guests have no place in a kept layout')).toHaveCount(0);
    await owner.keyboard.press('Escape');
    await menu.click();
    const panel = owner.getByRole('menuitemradio', { name: 'Panel' });
    await panel.click();
    await expect.poll(() => shown(owner)).toEqual(placed);
    await look(owner, 'kept-people');
    await leave(guest);
    await expect.poll(async () => (await shown(owner)).length).toBe(1);
    await join(guest, there, cid);
    await expect.poll(() => shown(owner)).toEqual(placed);
    await menu.click();
    await expect(panel).toHaveAttribute('aria-checked', 'true');
    await owner.keyboard.press('Escape');

    // It is there in the next meeting, until it is deleted.
    await leave(guest);
    await owner.getByRole('button', { name: 'Leave' }).click();
    await owner.getByRole('menuitem', { name: 'Leave', exact: false }).first().click();
    await join(owner, here, cid);
    dialog = await open();
    await dialog.getByRole('button', { name: 'Delete the layout Talk' }).click();
    await expect(owner.getByText('“Talk” was deleted.')).toBeVisible();
    await expect(dialog.getByRole('button', { name: 'Delete the layout Talk' })).toHaveCount(0);
  } finally {
    for (const page of [owner, guest]) await page.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
