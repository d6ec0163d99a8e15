import type { Browser, Page, WebSocketRoute } from '@playwright/test';
import { devices, join, newPage, plays, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, type Account, type Rest } from './server';
import { GOOD, Wan } from './wan';

/** People meet where the network lets little through. */

test.use(devices);

type Window = typeof globalThis & { connections: RTCPeerConnection[] };

/** Keeps all connections at hand, and lets through what goes over TCP or a TURN server only, or all. */
function narrow(only: 'tcp' | 'relay' | 'nothing') {
  const scope = globalThis as unknown as Window;
  scope.connections = [];
  scope.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config?: RTCConfiguration) {
      super(only === 'relay' ? { ...config, iceTransportPolicy: 'relay' } : config);
      scope.connections.push(this);
    }

    override setRemoteDescription(description: RTCSessionDescriptionInit) {
      const lines = (description.sdp ?? '').split('\r\n');
      const through = lines.filter((line) => only !== 'tcp' || !/^a=candidate:\S+ \d+ udp /i.test(line));
      return super.setRemoteDescription({ ...description, sdp: through.join('\r\n') });
    }
  };
}

/** How media goes, of all connections that are up: kind of the own candidate, and what is spoken to the node. */
async function ways(page: Page): Promise<string[]> {
  return page.evaluate(async () => {
    const { connections } = globalThis as unknown as Window;
    const found: string[] = [];
    for (const connection of connections.filter(({ connectionState }) => connectionState === 'connected')) {
      const stats = await connection.getStats();
      for (const transport of stats.values()) {
        if (transport.type !== 'transport' || !transport.selectedCandidatePairId) continue;
        const pair = stats.get(transport.selectedCandidatePairId);
        const local = stats.get(pair.localCandidateId);
        found.push(`${local.candidateType} ${stats.get(pair.remoteCandidateId).protocol}`);
      }
    }
    return found;
  });
}

async function meetThrough(
  only: 'tcp' | 'relay',
  way: RegExp,
  browser: Browser,
  person: Account,
  rest: Rest,
) {
  const room = freshId('narrow');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room, access: 'public' });
  expect(made.status(), await made.text()).toBe(201);
  const [ann, ben] = [await newPage(browser), await newPage(browser)];
  try {
    await ann.addInitScript(narrow, only);
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    await join(ben, here, room, 'Ben');
    await plays(tile(ann, 'Ben'));
    await plays(tile(ben, person.display_name));
    const gone = await ways(ann);
    expect(gone).toHaveLength(2);
    for (const one of gone) expect(one).toMatch(way);
  } finally {
    await ann.context().close();
    await ben.context().close();
    await rest.call('DELETE', `/conferences/${room}`);
  }
}

test('where no UDP gets through, media goes over TCP', async ({ browser, person, rest }) => {
  test.setTimeout(120_000);
  await meetThrough('tcp', /^(host|prflx) tcp$/, browser, person, rest);
});

test('where only a TURN server is reached, media goes through it', async ({ browser, person, rest }) => {
  test.skip(!process.env.PLENARY_TURN, 'needs a TURN server that the nodes know of');
  test.setTimeout(120_000);
  await meetThrough('relay', /^relay udp$/, browser, person, rest);
});

/** Sums of what a page received, and how it was to listen to and to look at. */
async function received(page: Page) {
  return page.evaluate(async () => {
    const { connections } = globalThis as unknown as Window;
    const sums = { audio: 0, concealed: 0, samples: 0, frames: 0, frozen: 0 };
    for (const connection of connections.filter(({ connectionState }) => connectionState === 'connected')) {
      for (const one of (await connection.getStats()).values()) {
        if (one.type !== 'inbound-rtp') continue;
        if (one.kind === 'audio') {
          sums.audio += one.packetsReceived;
          sums.concealed += one.concealedSamples - one.silentConcealedSamples;
          sums.samples += one.totalSamplesReceived;
        } else {
          sums.frames += one.framesDecoded;
          sums.frozen += one.totalFreezesDuration ?? 0;
        }
      }
    }
    return sums;
  });
}

test('on a bad line voices go on, and pictures as far as it bears them', async ({
  browser,
  person,
  rest,
}) => {
  test.setTimeout(180_000);
  const room = freshId('bad');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room, access: 'public' });
  expect(made.status(), await made.text()).toBe(201);
  const [ann, ben] = [await newPage(browser), await newPage(browser)];
  const wan = new Wan({ ...GOOD, loss: 0.05, delay: 40 });
  try {
    await wan.carry(ann);
    await ann.addInitScript(narrow, 'nothing' as const);
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    await join(ben, here, room, 'Ben');
    await plays(tile(ann, 'Ben'));
    await plays(tile(ben, person.display_name));

    // Every twentieth packet is lost, each way, and a round trip takes 80 ms: pictures move all the same.
    const before = await received(ann);
    await ann.waitForTimeout(8_000);
    const after = await received(ann);
    expect(after.frames - before.frames).toBeGreaterThan(40);
    expect(after.frozen - before.frozen).toBeLessThan(4);
    expect(after.audio - before.audio).toBeGreaterThan(300);
    expect((after.concealed - before.concealed) / (after.samples - before.samples)).toBeLessThan(0.2);

    // Too little for a picture: the voice comes, and the tile says why there is none.
    wan.line = { ...GOOD, kbps: 64 };
    const paused = tile(ann, 'Ben').getByText('paused', { exact: false });
    await expect(paused.first()).toBeVisible({ timeout: 30_000 });
    const alone = await received(ann);
    // The search for more room costs it little.
    await ann.waitForTimeout(8_000);
    expect((await received(ann)).audio - alone.audio).toBeGreaterThan(300);

    // And the picture is back when the line is.
    wan.line = GOOD;
    await expect(tile(ann, 'Ben').locator('video')).toBeVisible({ timeout: 30_000 });
    await plays(tile(ann, 'Ben'));
    await expect(paused).toHaveCount(0, { timeout: 30_000 });
  } finally {
    await ann.context().close();
    await ben.context().close();
    wan.close();
    await rest.call('DELETE', `/conferences/${room}`);
  }
});

test('half a minute without a network costs nobody their place', async ({ browser, person, rest }) => {
  test.setTimeout(180_000);
  const room = freshId('cut');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room, access: 'public' });
  expect(made.status(), await made.text()).toBe(201);
  const [ann, ben] = [await newPage(browser), await newPage(browser)];
  const wan = new Wan(GOOD);
  let cut = false;
  const sockets = new Set<WebSocketRoute>();
  try {
    await wan.carry(ann);
    await ann.addInitScript(narrow, 'nothing' as const);
    await ann.routeWebSocket(/./, (socket) => {
      if (cut) return void socket.close({ code: 1001 });
      socket.connectToServer();
      sockets.add(socket);
    });
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    await join(ben, here, room, 'Ben');
    await plays(tile(ann, 'Ben'));
    await ann.getByRole('button', { name: 'Raise hand' }).click();
    const hand = tile(ben, person.display_name).getByLabel(/hand/i);
    await expect(hand).toBeVisible();

    cut = true;
    wan.line = { ...GOOD, loss: 1 };
    await ann.context().setOffline(true);
    for (const socket of sockets) await socket.close({ code: 1001 });
    await ann.waitForTimeout(30_000);
    cut = false;
    wan.line = GOOD;
    await ann.context().setOffline(false);

    // Nothing is clicked: the same place with the same hand, and both see each other.
    await expect(ann.locator('[data-phase=in]')).toBeVisible({ timeout: 30_000 });
    await plays(tile(ann, 'Ben'));
    await plays(tile(ben, person.display_name));
    await expect(hand).toBeVisible();
    await expect(ben.getByRole('region')).toHaveCount(2);
  } finally {
    await ann.context().close();
    await ben.context().close();
    wan.close();
    await rest.call('DELETE', `/conferences/${room}`);
  }
});
