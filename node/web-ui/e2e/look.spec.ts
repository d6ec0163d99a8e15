import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { fillIn } from './busy';
import { expect, freshId, here, signIn, test } from './server';

/** Every page as people see it: no barrier in either scheme, nothing wider than the screen, pictures kept. */

const pages = {
  home: '/home',
  contacts: '/contacts',
  profile: '/profile',
  password: '/password',
  devices: '/devices',
  meetings: '/meetings',
  'meetings-create': '/meetings?create=true',
  'meetings-one': '/meetings?conference=CONFERENCE',
  calendar: '/meetings/calendar?day=2031-03-03',
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
  directory: '/admin/directory',
  border: '/admin/border',
  'border-invite': '/admin/border?invite=true',
  'border-one': '/admin/border?controller=BORDER',
  nodes: '/admin/nodes',
  'nodes-invite': '/admin/nodes?invite=true',
  backup: '/admin/backup',
  missing: '/no/such/page',
};
const FORMS = ['meetings-create', 'meetings-one', 'conferences-create', 'border-one'];
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

/** Each size and scheme of a page that is there; words make no difference to colours, nor the scheme to a phone's layout. */
async function look(page: Page, name: string, language: (typeof languages)[number]) {
  for (const [size, { width, height }] of Object.entries(sizes)) {
    // A form lies over its page and scrolls by itself: it is shown whole.
    await page.setViewportSize({ width, height: FORMS.includes(name) ? 3_000 : height });
    for (const scheme of language === 'en' ? schemes : (['light'] as const)) {
      await page.emulateMedia({ colorScheme: scheme });
      await settled(page);
      await page.screenshot({
        path: `test-results/look/${size}-${scheme}-${language}-${name}.png`,
        fullPage: true,
      });
      if (language === 'en')
        await noBarrier(page, `${size} ${scheme} ${name}`, { colours: scheme === 'dark' });
    }
    await fits(page, `${size} ${name}`);
  }
  await page.setViewportSize(sizes.desk);
  await page.emulateMedia({ colorScheme: 'light' });
}

for (const language of languages) {
  test.describe(language, () => {
    test.use({ locale: language, colorScheme: 'light', viewport: sizes.desk });

    test('the front page', async ({ page }) => {
      await page.goto(here);
      await settled(page);
      await look(page, 'front', language);
    });

    test('all pages', async ({ page, person, rest }) => {
      // Some thirty pages, each looked at as a whole.
      test.setTimeout(600_000);
      const cid = freshId('look');
      const made = await rest.call('POST', '/conferences', {
        ...{ cid, name: 'Project review', description: 'What was done, and what comes next.' },
        schedule: { date: '2031-03-03', time: '09:30', zone: 'Europe/Paris', duration_minutes: 60 },
        settings: { place: 'Room 7, second floor', begins_locked: true, pin: '471108' },
      });
      expect(made.status(), await made.text()).toBe(201);
      const border = `look-${language}`;
      const invited = await rest.call('POST', '/border-controllers/invitations', {
        ...{ name: border, address: '127.0.0.9:4312' },
      });
      expect(invited.status(), await invited.text()).toBe(201);
      await fillIn(page);
      await page.addInitScript((chosen) => localStorage.setItem('plenary.language', chosen), 'en');
      await signIn(page, here);
      await page.addInitScript((chosen) => localStorage.setItem('plenary.language', chosen), language);
      for (const [name, path] of Object.entries(pages)) {
        const whole = path.replace('PERSON', person.id).replace('CONFERENCE', cid).replace('BORDER', border);
        await page.goto(here + whole);
        await settled(page);
        await look(page, name, language);
      }
      expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
      expect((await rest.call('DELETE', `/border-controllers/${border}`)).status()).toBe(204);
    });

    test('what opens over a page', async ({ page }) => {
      test.skip(language !== 'en', 'words make no difference here');
      await signIn(page, here);
      await page.getByRole('button', { name: /^Account of/ }).click();
      await expect(page.getByRole('button', { name: 'Sign out' })).toBeVisible();
      await noBarrier(page, 'account menu');
      await page.emulateMedia({ colorScheme: 'dark' });
      await noBarrier(page, 'account menu, dark', { colours: true });
      await page.keyboard.press('Escape');
      await page.keyboard.press('Control+k');
      await expect(page.getByPlaceholder('Find people, pages and settings')).toBeVisible();
      await noBarrier(page, 'search, dark');
      await page.emulateMedia({ colorScheme: 'light' });
      await noBarrier(page, 'search', { colours: true });
    });
  });
}
