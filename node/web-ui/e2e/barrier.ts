import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect } from './server';

/**
 * Nothing on the page keeps people out who see, hear or move otherwise; the test goes on all the same. `colours`: the page
 * was looked at in another scheme, and only its colours are new.
 */
export async function noBarrier(page: Page, name: string, { colours = false } = {}) {
  await painted(page, colours);
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

/**
 * The page has taken the colours of the scheme that it was given: it hears of that a moment later. Where `given` is not sure, a
 * page may have one of its own, and is not waited for long.
 */
async function painted(page: Page, given: boolean) {
  const taken = page.waitForFunction(
    () => {
      const scheme = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
      return document.documentElement.getAttribute('data-mantine-color-scheme') === scheme;
    },
    undefined,
    { timeout: given ? undefined : 1_000 },
  );
  await (given ? taken : taken.catch(() => undefined));
  await page.evaluate(async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    // Some colours go over into others.
    const going = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.all(going.map((one) => one.finished.catch(() => undefined)));
  });
}
