import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isAtEntrance, isInside, join, newPage, plays, tile } from './room';
import { expect, freshId, here, isLive, signIn, test } from './server';

/**
 * People of two servers in one conference, each by the pages of their own server: `cargo xtask test --long partners`, which
 * starts both. PLENARY_PARTNER is a `Partner`. Five more people of the other server are in the conference, on all its nodes.
 */

interface Account {
  login: string;
  password: string;
}

interface Partner {
  /** A node of the server whose people come. */
  url: string;
  /** What the server of the conference is called. */
  server: string;
  /** What the server of those who come is called. */
  guestServer: string;
  cid: string;
  /** Where nodes of the server of the conference tell how many packets went to others, and under which name. */
  metrics: string[];
  sent: string;
  home: Account;
  guest: Account;
}

const partner = JSON.parse(process.env.PLENARY_PARTNER ?? 'null') as Partner | null;

test.use(devices);

type Window = typeof globalThis & { connections: RTCPeerConnection[] };

function keepConnections() {
  const scope = globalThis as unknown as Window;
  scope.connections = [];
  scope.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config?: RTCConfiguration) {
      super(config);
      scope.connections.push(this);
    }
  };
}

/** The energy of all sound that came in, as decoded. */
const energy = (page: Page) =>
  page.evaluate(async () => {
    let sum = 0;
    for (const connection of (globalThis as unknown as Window).connections) {
      for (const flow of (await connection.getStats()).values()) {
        if (flow.type === 'inbound-rtp' && flow.kind === 'audio') sum += flow.totalAudioEnergy ?? 0;
      }
    }
    return sum;
  });

async function hears(page: Page) {
  const before = await energy(page);
  await expect.poll(() => energy(page), { timeout: 20_000 }).toBeGreaterThan(before);
}

/** Packets of media that went from the server of the conference to the other one. */
async function crossed({ metrics, sent }: Partner) {
  let sum = 0;
  for (const url of metrics) {
    const rows = (await (await fetch(url)).text()).split('\n');
    for (const row of rows) if (row.startsWith(`${sent} `)) sum += Number(row.split(' ')[1]);
  }
  return sum;
}

/** Packets of somebody's camera that one gets, and packets of one's own voice that one sends. */
const pictures = (page: Page, of: string) =>
  tile(page, of)
    .locator('video')
    .evaluate(async (element: HTMLVideoElement) => {
      const track = (element.srcObject as MediaStream).getVideoTracks()[0]!.id;
      for (const connection of (globalThis as unknown as Window).connections) {
        for (const flow of (await connection.getStats()).values()) {
          if (flow.type === 'inbound-rtp' && flow.trackIdentifier === track)
            return flow.packetsReceived as number;
        }
      }
      return 0;
    });
const voice = (page: Page) =>
  page.evaluate(async () => {
    let sum = 0;
    for (const connection of (globalThis as unknown as Window).connections) {
      for (const flow of (await connection.getStats()).values()) {
        if (flow.type === 'outbound-rtp' && flow.kind === 'audio') sum += flow.packetsSent as number;
      }
    }
    return sum;
  });

test('people of two servers see, hear and read each other', async ({ browser }) => {
  test.skip(partner === null, 'needs two servers');
  if (!partner) return;
  test.setTimeout(180_000);
  const [ann, ben] = [await newPage(browser), await newPage(browser)];
  for (const page of [ann, ben]) await page.context().addInitScript(keepConnections);
  await signIn(ann, here, partner.home.login, partner.home.password);
  await join(ann, here, partner.cid);
  await signIn(ben, partner.url, partner.guest.login, partner.guest.password);

  // By what one was told, typed at home.
  await ben
    .getByLabel(/conference ID/i)
    .first()
    .fill(`\\c\\${partner.cid}@${partner.server}`);
  await ben.getByRole('button', { name: 'Join', exact: true }).first().click();
  await expect(ben).toHaveURL(new RegExp(`/m/${partner.cid}(@|%40)${partner.server}$`));
  await isAtEntrance(ben);
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(ben);

  await plays(tile(ann, partner.guest.login));
  await plays(tile(ben, partner.home.login));
  await hears(ann);
  await hears(ben);

  // Six of the other server watch, on three nodes: what one sends crosses once.
  const counted = async () => ({
    crossed: await crossed(partner),
    sent: (await pictures(ben, partner.home.login)) + (await voice(ann)),
  });
  const before = await counted();
  await expect
    .poll(async () => (await counted()).sent - before.sent, { timeout: 20_000 })
    .toBeGreaterThan(300);
  const after = await counted();
  const copies = (after.crossed - before.crossed) / (after.sent - before.sent);
  console.log(`what one sends crosses ${copies.toFixed(2)} times`);
  expect(copies).toBeGreaterThan(0.7);
  expect(copies).toBeLessThan(1.3);

  await ben.getByRole('button', { name: /^Chat/ }).click();
  await ben.getByRole('textbox', { name: 'Write to everyone' }).fill('Good morning from the other side');
  await ben.keyboard.press('Enter');
  await ann.getByRole('button', { name: /^Chat/ }).click();
  await expect(ann.getByText('Good morning from the other side')).toBeVisible();

  await ann.getByRole('button', { name: /^People/ }).click();
  await expect(ann.getByText(/oslo\./).first()).toBeVisible();
  await ann.screenshot({ path: 'test-results/partners-people.png' });
  await noBarrier(ann, 'a meeting with somebody of a partner');

  // A page that is loaded again is back in its place.
  await ben.reload();
  await isInside(ben);
  await plays(tile(ben, partner.home.login));
  await plays(tile(ann, partner.guest.login));
});

test('who is invited by a partner finds the conference without loading the page again', async ({
  browser,
  rest,
}) => {
  test.skip(partner === null, 'needs two servers');
  if (!partner) return;
  const oslo = partner.guestServer;
  const ben = await newPage(browser);
  await signIn(ben, partner.url, partner.guest.login, partner.guest.password);
  await expect(ben.getByRole('heading', { name: /Meetings/ })).toBeVisible();
  const invite = async (settings: object) => {
    const answer = await rest.call('PATCH', `/conferences/${partner.cid}`, { settings });
    expect(answer.status(), await answer.text()).toBe(200);
  };
  const title = ben.getByRole('heading', { name: 'Invitations from other servers' });
  await invite({ moderators: [`${partner.guest.login}@${oslo}`] });
  await expect(title).toBeVisible();
  const invitations = ben.getByRole('list', { name: 'Invitations from other servers' });
  await expect(invitations.getByText(partner.server)).toBeVisible();
  await expect(invitations.getByText('You moderate')).toBeVisible();
  await ben.screenshot({ path: 'test-results/partners-invited.png' });
  await noBarrier(ben, 'an invitation of another server');
  await invitations.getByRole('link', { name: /^Join/ }).click();
  await expect(ben).toHaveURL(new RegExp(`/m/${partner.cid}(@|%40)${partner.server}$`));
  await ben.goBack();
  await expect(title).toBeVisible();
  await invite({ moderators: [] });
  await expect(title).toBeHidden();

  await invite({ moderators: [`${partner.guest.login}@${oslo}`] });
  await invitations.getByRole('button', { name: /^Decline: / }).click();
  const asked = ben.getByRole('dialog', { name: /^Decline the invitation to/ });
  await noBarrier(ben, 'an invitation is declined');
  await asked.getByRole('button', { name: 'Decline' }).click();
  await expect(title).toBeHidden();
  await invite({ moderators: [] });
});

test('who cannot come by federation is led to the pages there', async ({ browser }) => {
  test.skip(partner === null, 'needs two servers');
  if (!partner) return;
  const ben = await newPage(browser);
  await signIn(ben, partner.url, partner.guest.login, partner.guest.password);
  await ben.goto(`${partner.url}/m/review@bergen.example.org`);
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(ben.getByRole('heading', { name: 'The other server cannot be reached' })).toBeVisible();
  await expect(ben.getByRole('link', { name: 'Join as a guest there' })).toHaveAttribute(
    'href',
    'https://bergen.example.org/m/review',
  );
  await ben.screenshot({ path: 'test-results/partners-unreachable.png' });
  await noBarrier(ben, 'another server that cannot be reached');
});

test('people of two servers call each other', async ({ browser }) => {
  test.skip(partner === null, 'needs two servers');
  if (!partner) return;
  test.setTimeout(180_000);
  const [ann, ben] = [await newPage(browser), await newPage(browser)];
  await signIn(ann, here, partner.home.login, partner.home.password);
  await signIn(ben, partner.url, partner.guest.login, partner.guest.password);
  for (const page of [ann, ben]) await isLive(page);
  const called = `${partner.home.login}@${partner.server}`;
  const session = await ben.request.post(`${partner.url}/api/v1/session`, { data: partner.guest });
  const { token } = (await session.json()) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const kept = await ben.request.put(`${partner.url}/api/v1/me/contacts`, {
    data: { call: called },
    headers,
  });
  expect(kept.status(), await kept.text()).toBe(204);

  await ben.goto(`${partner.url}/contacts`);
  const row = ben.getByRole('row').filter({ hasText: called });
  await row.getByRole('button', { name: /^Call/ }).click();
  await expect(ben.getByText(/^Calling/)).toBeVisible();
  const rings = `${partner.guest.login} is calling you`;
  await expect(ann.getByText(rings)).toBeVisible();
  await expect(ann.getByText(new RegExp(`^${partner.guest.login}@oslo\\.`))).toBeVisible();
  await ann.screenshot({ path: 'test-results/partners-rings.png' });
  await noBarrier(ann, 'a call from a partner');
  await ann.getByRole('button', { name: 'Answer' }).click();
  await isInside(ann);
  await plays(tile(ann, partner.guest.login));
  await plays(tile(ben, partner.home.login));
  await ann.screenshot({ path: 'test-results/partners-talks.png' });
  await ann.getByRole('button', { name: 'Leave' }).click();
  await expect(ann.getByText('Called you ·', { exact: false })).toBeVisible();
  await expect(ben.getByText('You called ·', { exact: false })).toBeVisible();

  // And back, from the list of calls; this time it is declined.
  await ann.getByRole('button', { name: 'Call again' }).click();
  await expect(ben.getByText(`${partner.home.login} is calling you`)).toBeVisible();
  await ben.getByRole('button', { name: 'Decline' }).click();
  await expect(ann.getByText('Declined your call')).toBeVisible();

  // A moderator of a conference calls them in.
  const own = await ann.request.post(`${here}/api/v1/session`, { data: partner.home });
  const owner = { authorization: `Bearer ${((await own.json()) as { token: string }).token}` };
  const cid = freshId('council');
  const made = await ann.request.post(`${here}/api/v1/conferences`, {
    data: { cid, name: cid },
    headers: owner,
  });
  expect(made.status(), await made.text()).toBe(201);
  await join(ann, here, cid);
  await ann.getByRole('button', { name: /^People/ }).click();
  await ann.getByRole('button', { name: 'Call people' }).click();
  const invite = ann.getByRole('dialog');
  const typed = `${partner.guest.login}@oslo.example.net`;
  await invite.getByRole('combobox', { name: 'Call people into the meeting' }).fill(typed);
  await ann.getByRole('option', { name: typed }).click();
  await invite.getByRole('button', { name: 'Call 1 person' }).click();
  await ben.getByRole('button', { name: 'Come in' }).click();
  await isInside(ben);
  await plays(tile(ann, partner.guest.login));
  const gone = await ann.request.delete(`${here}/api/v1/conferences/${cid}`, { headers: owner });
  expect(gone.status(), await gone.text()).toBe(204);
});

test('people of two servers find each other in the address book', async ({ browser, rest }) => {
  test.skip(partner === null, 'needs two servers');
  if (!partner) return;
  test.setTimeout(120_000);
  const { url, server, cid, home, guest } = partner;
  const alias = freshId('alias');
  expect((await rest.call('POST', '/aliases', { id: alias, target: `\\c\\${cid}` })).status()).toBe(201);
  const [ann, ben] = [await newPage(browser), await newPage(browser)];
  await signIn(ann, here, home.login, home.password);
  await signIn(ben, url, guest.login, guest.password);
  const id = `${home.login}@${server}`;
  await ben.goto(`${url}/contacts`);
  await ben.getByRole('button', { name: 'Add contact' }).first().click();
  await ben.getByRole('textbox', { name: 'Call string' }).fill(id);
  await expect(ben.getByRole('status').getByText(`(${id})`)).toBeVisible();
  await ben.screenshot({ path: 'test-results/elsewhere-add.png' });
  await ben.getByRole('button', { name: 'Save' }).click();
  const row = ben.getByRole('row').filter({ hasText: id });
  // Their page of another test may still be in the meeting.
  await expect(row.getByText(/^(Online|In conference|Hosting)$/)).toBeVisible({ timeout: 20_000 });
  await ann.goto(`${here}/m/${cid}?now=true`);
  await expect(row.getByText('In conference')).toBeVisible({ timeout: 20_000 });
  await ben.screenshot({ path: 'test-results/elsewhere-contacts.png' });
  await noBarrier(ben, 'contacts of another server');
  await row.click();
  await expect(ben.getByText(`This is what ${server} shows to people of other servers.`)).toBeVisible();
  await ben.screenshot({ path: 'test-results/elsewhere-person.png' });
  await noBarrier(ben, 'somebody of another server');

  await ben.goto(`${url}/home`);
  const where = ben.getByLabel(/conference ID/i).first();
  await where.fill(id);
  await ben.getByRole('button', { name: 'Join', exact: true }).first().click();
  await expect(ben.getByText(/is a person, not a conference/)).toBeVisible();
  await where.fill(`${alias}@${server}`);
  await ben.getByRole('button', { name: 'Join', exact: true }).first().click();
  await expect(ben).toHaveURL(new RegExp(`/m/${cid}(@|%40)${server}$`));
});
