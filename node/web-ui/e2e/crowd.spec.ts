import type { Browser, Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, join, newPage } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, urls } from './server';

/** More people than a page is told of by name: the list is read by pages. */

test.use(devices);

const CROWD = 120;
const name = (number: number) => `Guest ${String(number).padStart(3, '0')}`;

interface Guest {
  socket: WebSocket;
  say: (type: string, body: object) => void;
}

declare global {
  interface Window {
    guests: Guest[];
  }
}

/** Guests without pages of their own, spread over the nodes; all sockets are held by one page. */
async function crowd(browser: Browser, cid: string, tokens: string[]): Promise<Page> {
  const page = await newPage(browser);
  await page.goto(here);
  await page.evaluate(
    async ({ cid, tokens, urls }) => {
      const enter = (token: string, url: string) =>
        new Promise<Guest>((resolve, reject) => {
          const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/api/v1/signal`);
          let [sent, ack] = [0, 0];
          const say = (type: string, body: object) =>
            socket.send(JSON.stringify({ seq: ++sent, ack, type, body }));
          socket.onopen = () => socket.send(JSON.stringify({ type: 'hello', v: 1, token, last_seq: 0 }));
          socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
          socket.onmessage = ({ data }) => {
            const message = JSON.parse(data as string) as { type: string; seq?: number };
            ack = message.seq ?? ack;
            if (message.type === 'welcome') say('join', { room: cid, muted: true, camera: false });
            if (message.type === 'ping') socket.send(JSON.stringify({ type: 'pong', ack }));
            if (message.type === 'joined') resolve({ socket, say });
            if (message.type === 'refused') reject(new Error(data as string));
          };
        });
      window.guests = [];
      for (const [place, token] of tokens.entries()) {
        window.guests.push(await enter(token, urls[place % urls.length]!));
      }
    },
    { cid, tokens, urls },
  );
  return page;
}

test('a list of many is read by pages, searched, and moderated', async ({ page, browser, rest, person }) => {
  test.setTimeout(180_000);
  const cid = freshId('crowd');
  const room = { cid, name: `Crowd ${cid}`, access: 'public', owner: person.id };
  const made = await rest.call('POST', '/conferences', { ...room, settings: { mode: 'role_based' } });
  expect(made.status(), await made.text()).toBe(201);
  const tokens: string[] = [];
  for (let number = 1; number <= CROWD; number++) {
    const guest = await rest.call('POST', `/conferences/${cid}/guests`, { name: name(number) });
    expect(guest.status(), await guest.text()).toBe(201);
    tokens.push(((await guest.json()) as { token: string }).token);
  }
  const guests = await crowd(browser, cid, tokens);

  await signIn(page, here, person.id, PASSWORD);
  await join(page, here, cid);
  await expect(page.getByText(`${CROWD + 1} people`)).toBeVisible();
  await page
    .getByRole('toolbar')
    .getByRole('button', { name: /^People/ })
    .click();
  const panel = page.getByRole('complementary', { name: 'People' });
  const rows = panel.getByRole('listitem');
  await expect(panel.getByText(`1 to 50 of ${CROWD + 1}`)).toBeVisible();
  await expect(rows).toHaveCount(50);
  await page.screenshot({ path: 'test-results/look/crowd-list.png' });
  await noBarrier(page, 'crowd');
  await panel.getByRole('button', { name: 'Next people' }).click();
  await expect(panel.getByText(`51 to 100 of ${CROWD + 1}`)).toBeVisible();
  await panel.getByRole('button', { name: 'Next people' }).click();
  await expect(rows).toHaveCount(CROWD + 1 - 100);

  // One of those of whom not everybody hears.
  const find = panel.getByRole('searchbox', { name: 'Find somebody' });
  await find.fill('guest 117');
  await expect(rows).toHaveCount(1);
  await page.getByRole('button', { name: `What to do with ${name(117)}` }).click();
  await page.getByRole('menuitem', { name: 'Invite to the podium' }).click();
  await expect(rows.first()).toContainText('Invited to the podium');
  await guests.evaluate(() => window.guests[116]!.say('state', { invitation: true }));
  await expect(rows.first()).toContainText('On the podium');
  await find.fill('nobody of that name');
  await expect(panel.getByText('Nobody of that name is here.')).toBeVisible();

  // Hands come first, whoever raises them.
  await guests.evaluate(() => window.guests.at(-1)!.say('state', { hand: true }));
  await find.fill('');
  await expect(rows.first()).toContainText(name(CROWD), { timeout: 20_000 });
  await expect(rows.first().getByLabel('Hand raised, number 1')).toBeVisible();

  await page.setViewportSize({ width: 390, height: 844 });
  await expect(panel.getByText(`1 to 50 of ${CROWD + 1}`)).toBeVisible();
  await page.screenshot({ path: 'test-results/look/crowd-phone.png' });
  // With fewer people all are told of everybody again.
  await guests.evaluate(() => window.guests.forEach(({ say }) => say('leave', {})));
  await expect(panel.getByText('1 to 50 of')).toBeHidden({ timeout: 60_000 });
  await expect(rows).toHaveCount(1);
  await guests.close();
  await rest.call('DELETE', `/conferences/${cid}`);
});
