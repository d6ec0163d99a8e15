import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { expect, freshId, here, PASSWORD, signIn, test } from './server';

/** The calendar of the own conferences (WEB-03). */

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/calendar-${name}.png` });

test.use({ timezoneId: 'Europe/Paris' });

test('the own conferences stand in a calendar that is used by keyboard', async ({ page, person, rest }) => {
  test.setTimeout(90_000);
  const cid = freshId('weekly');
  const schedule = {
    date: '2090-03-06',
    time: '09:30',
    zone: 'Europe/Paris',
    duration_minutes: 60,
    weekdays: ['monday', 'thursday'],
    count: 8,
  };
  const made = await rest.call('POST', '/conferences', {
    cid,
    name: 'Team round',
    owner: person.id,
    schedule,
  });
  expect(made.status(), await made.text()).toBe(201);
  try {
    await signIn(page, here, person.id, PASSWORD);
    await page.goto(`${here}/meetings/calendar?day=2090-03-06`);
    const grid = page.getByRole('grid', { name: 'March 2090' });
    await expect(grid.getByRole('link', { name: /Team round/ })).toHaveCount(8);
    const day = (label: string) => grid.getByRole('gridcell', { name: label });
    await expect(day('Monday, March 6, 2090, 1 conference')).toBeVisible();
    await expect(day('Tuesday, March 7, 2090, nothing planned')).toBeVisible();
    await look(page, 'month');
    await noBarrier(page, 'a month');

    // One day is reached by Tab, the others by arrows.
    await day('Monday, March 6, 2090, 1 conference').focus();
    await page.keyboard.press('ArrowRight');
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('ArrowLeft');
    await expect(day('Monday, March 13, 2090, 1 conference')).toBeFocused();
    await page.keyboard.press('Tab');
    await expect(page.getByRole('link', { name: /09:30.*Team round|9:30.*Team round/ }).nth(2)).toBeFocused();
    await page.keyboard.press('Shift+Tab');
    await page.keyboard.press('PageDown');
    await expect(page.getByRole('heading', { name: 'April 2090' })).toBeVisible();
    await page.getByRole('button', { name: 'Month before' }).click();
    await page.getByText('Week', { exact: true }).click();
    await expect(page.getByRole('link', { name: /Team round/ })).toHaveCount(2);
    await look(page, 'week');
    await noBarrier(page, 'a week');

    await page.emulateMedia({ colorScheme: 'dark' });
    await page.setViewportSize({ width: 390, height: 844 });
    await look(page, 'phone');
    await noBarrier(page, 'a week on a phone');
    await page
      .getByRole('link', { name: /Team round/ })
      .first()
      .click();
    await expect(page).toHaveURL(`${here}/m/${cid}`);
  } finally {
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
