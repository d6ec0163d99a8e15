import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect } from './server';

/**
 * Nothing on the page keeps people out who see, hear or move otherwise; the test goes on all the same. `colours`: the page
 * was looked at in another scheme, and only its colours are new.
 */
export async function noBarrier(page: Page, name: string, { colours = false } = {}) {
  if (colours) await painted(page);
  // Nobody reads what was all right: telling that of each element takes longer than finding out.
  const axe = new AxeBuilder({ page }).options({ resultTypes: ['violations'] });
  // Without frames of other sites all of it is done in one page, without opening another one for the result.
  axe.setLegacyMode(page.frames().length === 1);
  if (colours) axe.withRules(['color-contrast', 'link-in-text-block']);
  const { violations } = await axe.analyze();
  const bad = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  const told = bad.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`,
  );
  expect.soft(told, name).toEqual([]);
}

/** The page has taken the colours of the scheme that it was given: it hears of that a moment later. */
async function painted(page: Page) {
  await page.waitForFunction(() => {
    const scheme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    return document.documentElement.getAttribute('data-mantine-color-scheme') === scheme;
  });
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    // Some colours go over into others.
    const going = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.all(going.map((one) => one.finished.catch(() => undefined)));
  });
}
