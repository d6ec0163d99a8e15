import type { Page } from '@playwright/test';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { noBarrier } from './barrier';
import { expect, freshId, here, PASSWORD, signIn, test } from './server';

/** What other sites show of a public conference (CONF-16). */

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/widget-${name}.png` });

let site: Server;
let markup = '';

/** A site of somebody else: another host name than that of the nodes. */
test.beforeAll(async () => {
  site = createServer((_, answer) => {
    answer.setHeader('content-type', 'text/html; charset=utf-8');
    answer.end(`<!doctype html><html lang="en"><meta name="color-scheme" content="light dark">
      <title>Club</title><main><h1>Our club</h1>${markup}</main></html>`);
  });
  await new Promise<void>((done) => site.listen(0, '127.0.0.1', done));
});
test.afterAll(() => site.close());
const club = () => `http://127.0.0.1:${(site.address() as AddressInfo).port}/`;

test('the code of a conference shows it on another site, and leads to its page', async ({
  page,
  browser,
  rest,
  person,
}) => {
  test.setTimeout(120_000);
  const cid = freshId('review');
  const made = await rest.call('POST', '/conferences', {
    cid,
    name: 'Open review',
    description: 'What we did this month.\nQuestions are welcome.',
    access: 'public',
    owner: person.id,
    schedule: { date: '2031-03-03', time: '09:30', zone: 'Europe/Paris', duration_minutes: 60 },
  });
  expect(made.status(), await made.text()).toBe(201);

  // The code is on the card of the conference.
  await signIn(page, here, person.id, PASSWORD);
  await page.goto(`${here}/meetings?conference=${cid}`);
  const sheet = page.getByRole('dialog');
  await sheet.getByRole('tab', { name: 'Share' }).click();
  await expect(sheet.getByLabel('Address of the conference')).toHaveValue(`${here}/m/${cid}`);
  await expect(sheet.getByRole('img', { name: 'QR code of the address' })).toBeVisible();
  const preview = sheet.frameLocator('iframe');
  await expect(preview.getByRole('heading', { name: 'Open review' })).toBeVisible();
  await look(page, 'share');
  await sheet.getByRole('button', { name: 'Copy the code' }).scrollIntoViewIfNeeded();
  await look(page, 'share-code');
  await noBarrier(page, 'how it is shared');
  await page.emulateMedia({ colorScheme: 'dark' });
  await look(page, 'share-dark');
  markup = await sheet.getByLabel('Code for the page').inputValue();
  expect(markup).toContain(`src="${here}/w/${cid}"`);

  // On the other site, for somebody whom the server does not know.
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: 'fr-FR',
    reducedMotion: 'reduce',
  });
  const reader = await context.newPage();
  await reader.clock.install();
  await reader.goto(club());
  const widget = reader.frameLocator('iframe');
  await expect(widget.getByRole('heading', { name: 'Open review' })).toBeVisible();
  await expect(widget.getByText('Pas encore')).toBeVisible();
  await expect(widget.getByText(/^Commence lundi 3 mars 2031/)).toBeVisible();
  await expect(widget.getByText(/^Dans .*jours/)).toBeVisible();
  await expect(widget.getByText('Questions are welcome.')).toBeVisible();
  await look(reader, 'light');
  await noBarrier(reader, 'the widget');
  await reader.emulateMedia({ colorScheme: 'dark' });
  await expect(widget.locator('main')).toHaveCSS('background-color', 'rgb(19, 26, 37)');
  await look(reader, 'dark');
  await noBarrier(reader, 'the widget, dark');
  await reader.setViewportSize({ width: 390, height: 844 });
  await look(reader, 'phone');
  expect(await context.cookies(), 'no cookies').toEqual([]);
  const opened = context.waitForEvent('page');
  await widget.getByRole('link', { name: 'Ouvrir la conférence' }).click();
  const conference = await opened;
  await expect(conference).toHaveURL(`${here}/m/${cid}`);
  expect(await conference.evaluate(() => window.opener)).toBeNull();
  expect(new URL(reader.url()).host, 'the site stays where it is').toContain('127.0.0.1');

  // It begins while somebody looks at it.
  await reader.bringToFront();
  const begun = await rest.call('POST', `/conferences/${cid}/acts`, { act: 'start' });
  expect(begun.status()).toBe(204);
  // It asks now and then.
  await reader.clock.fastForward('01:00');
  await expect(widget.getByText('En cours')).toBeVisible();
  await look(reader, 'now');
  await context.close();
});

test('what is not public is as what is not there, and nothing else may be framed', async ({
  page,
  request,
  rest,
}) => {
  const cid = freshId('inside');
  const made = await rest.call('POST', '/conferences', { cid, name: 'Inside' });
  expect(made.status()).toBe(201);
  const answers = [];
  for (const of of [cid, freshId('nowhere')]) {
    const answer = await request.get(`${here}/w/${of}`);
    expect(answer.headers()['content-security-policy']).toContain('frame-ancestors *;');
    expect(answer.headers()['x-frame-options']).toBeUndefined();
    answers.push(await answer.text());
    markup = `<iframe src="${here}/w/${of}" title="x"></iframe>`;
    await page.goto(club());
    await expect(page.frameLocator('iframe').getByText('Nothing to show here')).toBeVisible();
  }
  expect(answers[0]).toBe(answers[1]);
  await look(page, 'gone');
  await noBarrier(page, 'nothing to show');
  markup = `<iframe src="${here}/m/${cid}" title="x"></iframe>`;
  const refused = page.waitForEvent('console', (message) => message.text().includes('frame-ancestors'));
  await page.goto(club());
  await refused;
  await expect(page.frameLocator('iframe').locator('#root')).toHaveCount(0);
});
