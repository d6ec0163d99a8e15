import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, join, newPage, plays, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** A meeting as people see it, from its door on: light and dark, at a desk and on a phone; pictures kept. */

test.use(devices);

const sizes = { desk: { width: 1280, height: 720 }, phone: { width: 390, height: 844 } };

async function lookAtAll(page: Page, name: string) {
  for (const scheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      await page.screenshot({ path: `test-results/look/${size}-${scheme}-meeting-${name}.png` });
      const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect.soft(beyond, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
      if (size === 'desk' || scheme === 'light') await noBarrier(page, `${size} ${scheme} ${name}`);
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
  test.setTimeout(180_000);
  const cid = freshId('look');
  const settings = { waiting_room: 'guests' };
  const made = await rest.call('POST', '/conferences', {
    ...{ cid, name: 'Project review', access: 'public', owner: person.id },
    ...{ description: 'What was done, and what comes next.', settings },
  });
  expect(made.status(), await made.text()).toBe(201);
  const owner = await newPage(browser);
  const guest = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);

  await guest.goto(`${there}/m/${cid}`);
  await guest.getByLabel('Your name').fill('Zoë');
  await expect(guest.locator('video').first()).toBeVisible();
  await lookAtAll(guest, 'guest');
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(guest.getByRole('heading', { name: 'You are in the waiting room' })).toBeVisible();
  await lookAtAll(guest, 'waiting');
  await owner.getByRole('button', { name: 'Show', exact: true }).click();
  await owner.getByRole('button', { name: 'Let Zoë in' }).click();
  await owner
    .getByRole('toolbar')
    .getByRole('button', { name: /^People/ })
    .click();
  await plays(tile(owner, 'Zoë'));
  await plays(tile(guest, person.display_name));
  for (const view of ['Gallery', 'Speaker', 'Only who speaks']) {
    await owner.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
    await owner.getByRole('menuitemradio', { name: view }).click();
    await expect(owner.getByRole('menu')).toHaveCount(0);
    await lookAtAll(owner, view.toLowerCase().replaceAll(' ', '-'));
  }
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
  for (const page of [owner, guest]) await page.context().close();
});
