import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage, plays, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** A meeting as people see it, from its door on: light and dark, at a desk and on a phone; pictures kept. */

test.use(devices);

const sizes = { desk: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } };

/** Tiles are where they are going to be. */
async function isStill(page: Page) {
  const places = () =>
    page.evaluate(() =>
      JSON.stringify([...document.querySelectorAll('section')].map((one) => one.getBoundingClientRect())),
    );
  let before = '';
  await expect
    .poll(
      async () => {
        const now = await places();
        const same = now === before;
        before = now;
        return same;
      },
      { intervals: [100] },
    )
    .toBe(true);
}

const people = (page: Page) =>
  page
    .getByRole('toolbar')
    .getByRole('button', { name: /^People/ })
    .click();

async function lookAtAll(page: Page, name: string) {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await isStill(page);
      await page.screenshot({ path: `test-results/look/${size}-${scheme}-meeting-${name}.png` });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect.soft(beyond, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
      await noBarrier(page, `${size} ${scheme} ${name}`, { colours: scheme === 'dark' });
    }
  }
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  await page.setViewportSize(sizes.desk);
}

test('a meeting looks well in light and dark, at a desk and on a phone', async ({
  browser,
  person,
  rest,
}) => {
  test.setTimeout(300_000);
  const other = await rest.createUser();
  const cid = freshId('look');
  const settings = { waiting_room: 'guests', place: 'Room 7, second floor' };
  const made = await rest.call('POST', '/conferences', {
    ...{ cid, name: 'Project review', access: 'public', owner: person.id },
    ...{ description: 'What was done, and what comes next.', settings },
  });
  expect(made.status(), await made.text()).toBe(201);
  const owner = await newPage(browser);
  const guest = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);
  await owner.getByRole('toolbar').getByRole('button', { name: 'More' }).click();
  await owner.getByRole('menuitem', { name: 'PIN and waiting room…' }).click();
  const rules = owner.getByRole('dialog', { name: 'Who comes in from now on' });
  await rules.getByRole('textbox', { name: 'PIN' }).fill('4711');
  await rules.getByRole('button', { name: 'Set PIN' }).click();
  await expect(rules.getByText('The PIN is 4711.')).toBeVisible();
  await lookAtAll(owner, 'entry-rules');
  await owner.keyboard.press('Escape');

  await guest.goto(`${there}/m/${cid}`);
  await guest.getByLabel('Your name').fill('Zoë');
  await expect(guest.locator('video').first()).toBeVisible();
  await lookAtAll(guest, 'guest');
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await guest.getByLabel('PIN').fill('4711');
  await lookAtAll(guest, 'pin');
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(guest.getByRole('heading', { name: 'You are in the waiting room' })).toBeVisible();
  await lookAtAll(guest, 'waiting');
  await owner.getByRole('button', { name: 'Show', exact: true }).click();
  await owner.getByRole('button', { name: 'Let Zoë in' }).click();
  await people(owner);
  await plays(tile(owner, 'Zoë'));
  await plays(tile(guest, person.display_name));
  for (const view of ['Gallery', 'Speaker', 'Only who speaks', 'Content first']) {
    await owner.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
    await owner.getByRole('menuitemradio', { name: view }).click();
    await expect(owner.getByRole('menu')).toHaveCount(0);
    await lookAtAll(owner, view.toLowerCase().replaceAll(' ', '-'));
  }
  // What somebody shows is large, and people go to a strip.
  await owner.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
  await owner.getByRole('menuitemradio', { name: 'Speaker', exact: true }).click();
  await guest.getByRole('button', { name: 'Share screen' }).click();
  await plays(tile(owner, 'Screen of Zoë'));
  await lookAtAll(owner, 'content');
  await guest.getByRole('button', { name: 'Stop sharing' }).click();

  // The same people on a podium, with a queue before it; then in a lecture.
  const ben = await newPage(browser);
  await signIn(ben, there, other.id, PASSWORD);
  await ben.goto(`${there}/m/${cid}`);
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  await ben.getByLabel('PIN').fill('4711');
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(ben);
  const becomes = async (mode: string) => {
    const changed = await rest.call('PATCH', `/conferences/${cid}`, { settings: { mode, podium_places: 2 } });
    expect(changed.status(), await changed.text()).toBe(200);
  };
  await becomes('role_based');
  for (const page of [guest, ben]) await page.getByRole('button', { name: 'Ask for the podium' }).click();
  await expect(owner.getByText('Step onto the podium to speak.')).toBeVisible();
  await owner.getByRole('button', { name: 'Step onto the podium' }).click();
  await people(owner);
  await expect(owner.getByLabel('Hand raised, number 2')).toBeVisible();
  await lookAtAll(owner, 'queue');
  await lookAtAll(guest, 'off-podium');
  await becomes('lecture');
  await plays(tile(owner, 'Zoë'));
  await lookAtAll(owner, 'lecture');
  await plays(tile(guest, person.display_name));
  await expect(tile(guest, other.display_name)).toHaveCount(0);
  await lookAtAll(guest, 'lecture-listener');
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
  for (const page of [owner, guest, ben]) await page.context().close();
  await rest.deleteUser(other.id);
});

test('the page of a webinar looks well before it begins', async ({ page, person, rest }) => {
  test.setTimeout(120_000);
  const cid = freshId('webinar');
  const made = await rest.call('POST', '/conferences', {
    ...{ cid, name: 'What is new this year', access: 'public', owner: person.id },
    description: 'Our plans, and your questions.\nThe recording follows.',
    schedule: { date: '2031-03-03', time: '09:30', zone: 'Europe/Paris', duration_minutes: 60 },
    settings: { place: 'Town hall', registration: { on: true, email: 'required', organisation: 'optional' } },
  });
  expect(made.status(), await made.text()).toBe(201);
  await page.goto(`${there}/m/${cid}`);
  await expect(page.getByRole('button', { name: 'Register', exact: true })).toBeVisible();
  await lookAtAll(page, 'webinar');
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
});
