import type { Browser, BrowserContext, Locator, Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage, plays, tile } from './room';
import {
  freshId,
  here,
  PASSWORD,
  signIn,
  test as base,
  expect,
  there,
  type Account,
  type Rest,
} from './server';

/** People meet: two browsers with devices that Chromium makes up, and a room of their own. */

interface Fixtures {
  room: string;
  other: Account;
}

const test = base.extend<Fixtures>({
  room: async ({ rest }, give) => {
    const cid = freshId('room');
    const made = await rest.call('POST', '/conferences', { cid, name: `Room ${cid}`, access: 'public' });
    expect(made.status(), await made.text()).toBe(201);
    await give(cid);
    expect([204, 404]).toContain((await rest.call('DELETE', `/conferences/${cid}`)).status());
  },
  other: async ({ rest }, give) => {
    const other = await rest.createUser();
    await give(other);
    await rest.deleteUser(other.id);
  },
});

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/meeting-${name}.png` });

interface Two {
  ann: Page;
  ben: Page;
  annTile: string;
  benTile: string;
}

/** Two accounts in the same room, on two nodes where there are two. */
async function two(browser: Browser, room: string, one: Account, other: Account): Promise<Two> {
  const ann = await newPage(browser);
  const ben = await newPage(browser);
  await signIn(ann, here, one.id, PASSWORD);
  await signIn(ben, there, other.id, PASSWORD);
  await join(ann, here, room);
  await join(ben, there, room);
  return { ann, ben, annTile: one.display_name, benTile: other.display_name };
}

async function end(...pages: Page[]) {
  const contexts = new Set<BrowserContext>(pages.map((page) => page.context()));
  for (const context of contexts) await context.close();
}

test('two people see each other, and what they do', async ({ browser, room, person, other }) => {
  test.setTimeout(180_000);
  const { ann, ben, annTile, benTile } = await two(browser, room, person, other);
  try {
    await plays(tile(ann, benTile));
    await plays(tile(ben, annTile));
    await plays(tile(ann, `${annTile} (you)`));

    await ann.getByRole('button', { name: 'Mute', exact: true }).click();
    await expect(tile(ben, annTile).getByRole('img', { name: 'Microphone off' })).toBeVisible();
    await ann.keyboard.press('m');
    await expect(tile(ben, annTile).getByRole('img', { name: 'Microphone on' })).toBeVisible();

    await ann.getByRole('button', { name: 'Turn camera off' }).click();
    await expect(tile(ben, annTile).locator('video')).toHaveCount(0);
    await ann.getByRole('button', { name: 'Turn camera on' }).click();
    await plays(tile(ben, annTile));

    await ann.keyboard.press('h');
    await expect(tile(ben, annTile).getByRole('img', { name: 'Hand raised' })).toBeVisible();
    await ben.getByRole('button', { name: 'React' }).click();
    await ben.getByRole('button', { name: 'React with 👏' }).click();
    await expect(tile(ann, benTile).getByRole('img', { name: '👏' })).toBeVisible();

    await ann.getByRole('button', { name: /^Chat/ }).click();
    await ann.getByRole('textbox', { name: 'Write to everyone' }).fill('Good morning');
    await ann.keyboard.press('Enter');
    await expect(ben.getByRole('button', { name: 'Chat (1 new message)' })).toBeVisible();
    await ben.getByRole('button', { name: /^Chat/ }).click();
    await expect(ben.getByRole('log')).toContainText('Good morning');

    await noBarrier(ben, 'room with chat');
    await look(ben, 'chat');
    await ann.getByRole('button', { name: 'Leave' }).click();
    await expect(ann.getByRole('heading', { name: 'You left the meeting' })).toBeVisible();
    await expect(tile(ben, annTile)).toHaveCount(0);
    await ann.getByRole('button', { name: 'Join again' }).click();
    await ann.getByRole('button', { name: 'Join', exact: true }).click();
    await plays(tile(ben, annTile));
  } finally {
    await end(ann, ben);
  }
});

test('a shared screen takes the stage', async ({ browser, room, person, other }) => {
  test.setTimeout(120_000);
  const { ann, ben, annTile, benTile } = await two(browser, room, person, other);
  try {
    await ann.getByRole('button', { name: 'Share screen' }).click();
    const screen = tile(ben, `Screen of ${annTile}`);
    await plays(screen);
    const share = await screen.boundingBox();
    const face = await tile(ben, annTile).boundingBox();
    expect(share!.width).toBeGreaterThan(2 * face!.width);
    await look(ben, 'share');
    // Whom one has pinned is large instead, also after a reload; with content first what is shared is.
    const isLarge = async (large: Locator) => {
      const own = tile(ben, `${benTile} (you)`);
      const width = async (of: Locator) => (await of.boundingBox())?.width ?? 0;
      await expect.poll(async () => (await width(large)) > 2 * (await width(own))).toBe(true);
    };
    await tile(ben, annTile)
      .getByRole('button', { name: `Pin ${annTile}` })
      .click();
    await isLarge(tile(ben, annTile));
    await ben.reload();
    await isInside(ben);
    await isLarge(tile(ben, annTile));
    await expect(screen).toHaveCount(0);
    await ben.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
    await ben.getByRole('menuitemradio', { name: 'Content first' }).click();
    await isLarge(screen);
    await expect(tile(ben, annTile)).toBeVisible();
    await look(ben, 'content-first');
    await ann.getByRole('button', { name: 'Stop sharing' }).click();
    await expect(screen).toHaveCount(0);
  } finally {
    await end(ann, ben);
  }
});

test('who may not share a screen sees why', async ({ browser, rest, room, person }) => {
  const group = await rest.call('POST', '/groups', { name: freshId('Listeners') });
  expect(group.status(), await group.text()).toBe(201);
  const { id } = (await group.json()) as { id: string };
  await rest.call('PATCH', `/groups/${id}`, { rights: ['make_calls'] });
  await rest.call('POST', `/groups/${id}/members`, { add: [person.id], remove: [] });
  const page = await newPage(browser);
  try {
    await signIn(page, here, person.id, PASSWORD);
    await join(page, here, room);
    const button = page.getByRole('button', { name: 'do not let you share your screen' });
    await expect(button).toHaveAttribute('aria-disabled', 'true');
    await button.click({ force: true });
    await expect(page.getByRole('button', { name: 'Stop sharing' })).toHaveCount(0);
    await noBarrier(page, 'a room without the right to share');
    // The right counts at once, also for who is in.
    await rest.call('PATCH', `/groups/${id}`, { rights: ['make_calls', 'share_screen'] });
    await expect(page.getByRole('button', { name: 'Share screen' })).toBeVisible();
  } finally {
    await page.context().close();
    await rest.call('DELETE', `/groups/${id}`);
  }
});

test('a page that is loaded again comes back to its place', async ({ browser, room, person, other }) => {
  test.setTimeout(120_000);
  const { ann, ben, annTile, benTile } = await two(browser, room, person, other);
  try {
    await ann.keyboard.press('h');
    await expect(tile(ben, annTile).getByRole('img', { name: 'Hand raised' })).toBeVisible();
    await ann.reload();
    await isInside(ann);
    await plays(tile(ann, benTile));
    await plays(tile(ben, annTile));
    await expect(tile(ben, annTile)).toHaveCount(1);
    await expect(ann.getByRole('button', { name: 'Lower hand' })).toBeVisible();
  } finally {
    await end(ann, ben);
  }
});

test('a guest comes in through an open door, and not through another one', async ({
  browser,
  room,
  rest,
  person,
}) => {
  test.setTimeout(120_000);
  const ann = await newPage(browser);
  const guest = await newPage(browser);
  try {
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    await guest.goto(there);
    await guest.getByLabel('Join a meeting by its ID').fill(room);
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(guest.getByRole('heading', { name: `Room ${room}` })).toBeVisible();
    await noBarrier(guest, 'entrance of a guest');
    await look(guest, 'guest');
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(guest.getByText('Enter your name.')).toBeVisible();
    await guest.getByLabel('Your name').fill('Gina Guest');
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(guest);
    await plays(tile(ann, 'Gina Guest'));
    await plays(tile(guest, person.display_name));
    await guest.reload();
    await isInside(guest);
    await expect(tile(ann, 'Gina Guest')).toHaveCount(1);

    await closeTo(rest, room);
    const stranger = await newPage(browser);
    await stranger.goto(`${here}/m/${room}`);
    await expect(stranger.getByRole('heading', { name: 'Sign in to join this meeting' })).toBeVisible();
    await end(stranger);
  } finally {
    await end(ann, guest);
  }
});

async function closeTo(rest: Rest, room: string) {
  expect((await rest.call('PATCH', `/conferences/${room}`, { access: 'internal' })).status()).toBe(200);
}

test('a room that is deleted says so', async ({ browser, room, rest, person }) => {
  const ann = await newPage(browser);
  try {
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    expect((await rest.call('DELETE', `/conferences/${room}`)).status()).toBe(204);
    await expect(ann.getByRole('heading', { name: 'This room was deleted' })).toBeVisible();
  } finally {
    await end(ann);
  }
});

test('who comes from elsewhere takes their place along', async ({ browser, room, person }) => {
  const ann = await newPage(browser);
  try {
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    const kept = await ann.evaluate((key) => sessionStorage.getItem(key), `plenary.seat.${room}`);
    const again = await ann.context().newPage();
    await again.addInitScript(([key, seat]) => sessionStorage.setItem(key!, seat!), [
      `plenary.seat.${room}`,
      kept!,
    ] as const);
    await again.goto(`${here}/m/${room}`);
    await isInside(again);
    await expect(ann.getByRole('heading', { name: 'You are in this meeting elsewhere' })).toBeVisible();
  } finally {
    await end(ann);
  }
});

test('the entrance and the room have no barrier, and fit', async ({ browser, room, person }) => {
  test.setTimeout(180_000);
  const sizes = { desk: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
  const page = await newPage(browser);
  try {
    await signIn(page, here, person.id, PASSWORD);
    for (const [size, viewport] of Object.entries(sizes)) {
      await page.setViewportSize(viewport);
      for (const scheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.goto(`${here}/m/${room}`);
        await expect(page.getByRole('heading', { name: `Room ${room}` })).toBeVisible();
        await noBarrier(page, `${size} ${scheme} entrance`);
        await look(page, `${size}-${scheme}-entrance`);
        await page.getByRole('button', { name: 'Join', exact: true }).click();
        await isInside(page);
        await noBarrier(page, `${size} ${scheme} room`);
        await look(page, `${size}-${scheme}-room`);
        const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect.soft(beyond, `${size} is wider than the screen`).toBeLessThanOrEqual(0);
        await page.getByRole('button', { name: 'More' }).click();
        await page.getByRole('menuitem', { name: 'Keyboard shortcuts' }).click();
        await expect(page.getByRole('dialog', { name: 'Keyboard shortcuts' })).toBeVisible();
        await noBarrier(page, `${size} ${scheme} shortcuts`);
        await page.keyboard.press('Escape');
        await page.getByRole('button', { name: 'Leave' }).click();
        await expect(page.getByRole('heading', { name: 'You left the meeting' })).toBeVisible();
      }
    }
  } finally {
    await end(page);
  }
});
