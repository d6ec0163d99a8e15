import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { expect, here, signIn, test } from './server';

/** Every page as people see it: no barrier in either scheme, nothing wider than the screen, pictures kept. */

const pages = {
  home: '/home',
  contacts: '/contacts',
  profile: '/profile',
  password: '/password',
  devices: '/devices',
  meetings: '/meetings',
  'meetings-create': '/meetings?create=true',
  templates: '/meetings/templates',
  history: '/history',
  rights: '/rights',
  summary: '/admin',
  users: '/admin/users',
  'users-create': '/admin/users?create=true',
  'users-one': '/admin/users/PERSON',
  import: '/admin/import',
  groups: '/admin/groups',
  'groups-one': '/admin/groups/ungrouped',
  aliases: '/admin/aliases',
  conferences: '/admin/conferences',
  'conferences-create': '/admin/conferences?create=true',
  events: '/admin/events',
  settings: '/admin/settings',
  licence: '/admin/licence',
  partners: '/admin/partners',
  'partners-create': '/admin/partners?create=true',
  nodes: '/admin/nodes',
  'nodes-invite': '/admin/nodes?invite=true',
  backup: '/admin/backup',
  missing: '/no/such/page',
};
const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const schemes = ['light', 'dark'] as const;
const languages = ['en', 'fr'] as const;

async function settled(page: Page) {
  await expect(page.locator('h1, h2').first()).toBeVisible();
  await expect(page.getByRole('status', { name: /^(Loading|Chargement)$/ })).toHaveCount(0);
  await page.evaluate(() => document.fonts.ready);
}

async function fits(page: Page, name: string) {
  const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect.soft(beyond, `${name} is wider than the screen`).toBeLessThanOrEqual(0);
}

for (const language of languages) {
  // Words make no difference to colours: the second language is seen in one scheme.
  for (const scheme of language === 'en' ? schemes : (['light'] as const)) {
    test.describe(`${language}, ${scheme}`, () => {
      test.use({ locale: language, colorScheme: scheme });

      test('the front page', async ({ page }) => {
        for (const [size, viewport] of Object.entries(sizes)) {
          await page.setViewportSize(viewport);
          await page.goto(here);
          await settled(page);
          await noBarrier(page, 'front');
          await fits(page, 'front');
          await page.screenshot({
            path: `test-results/look/${size}-${scheme}-${language}-front.png`,
            fullPage: true,
          });
        }
      });

      test('all pages', async ({ page, person }) => {
        // Some forty pages, each looked at as a whole.
        test.setTimeout(600_000);
        await page.addInitScript((chosen) => localStorage.setItem('plenary.language', chosen), 'en');
        await signIn(page, here);
        await page.addInitScript((chosen) => localStorage.setItem('plenary.language', chosen), language);
        for (const [size, viewport] of Object.entries(sizes)) {
          await page.setViewportSize(viewport);
          for (const [name, path] of Object.entries(pages)) {
            await page.goto(here + path.replace('PERSON', person.id));
            await settled(page);
            await page.screenshot({
              path: `test-results/look/${size}-${scheme}-${language}-${name}.png`,
              fullPage: true,
            });
            await fits(page, name);
            // Barriers of the phone's layout are the same in both schemes.
            const looked = language === 'en' && (size === 'desk' || scheme === 'light');
            if (looked) await noBarrier(page, `${size} ${name}`);
          }
        }
      });

      test('what opens over a page', async ({ page }) => {
        test.skip(language !== 'en', 'words make no difference here');
        await signIn(page, here);
        await page.getByRole('button', { name: /^Account of/ }).click();
        await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
        await noBarrier(page, 'account menu');
        await page.keyboard.press('Escape');
        await page.keyboard.press('Control+k');
        await expect(page.getByPlaceholder('Find people, pages and settings')).toBeVisible();
        await noBarrier(page, 'search');
      });
    });
  }
}
