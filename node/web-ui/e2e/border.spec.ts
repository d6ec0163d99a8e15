import { execFileSync } from 'node:child_process';
import type { Page } from '@playwright/test';
import { devices, gapOf, isInside, join, newPage, plays, tile, watchGaps } from './room';
import { expect, here, signInByHand, test } from './server';

/**
 * Somebody inside and two outside, who reach two Border Controllers alone: `cargo xtask test --long border-pages`, which starts all
 * of it, and lets the server's name lead to both. PLENARY_BORDER is a `Border`.
 */

interface Border {
  /** By which name the outside asks for the server. */
  server: string;
  /** Files by which the processes of the controllers are found, in the order of their addresses. */
  controllers: string[];
  cid: string;
  /** A room for which strangers register. */
  webinar: string;
  /** What gets through to the controllers, while pages are always reached; or that one of them is lost. */
  way: 'udp' | 'tcp' | 'tls' | 'lost';
  password: string;
  inside: string;
  outside: string;
}

const border = JSON.parse(process.env.PLENARY_BORDER ?? 'null') as Border | null;
const launchOptions = {
  ...devices.launchOptions,
  args: [
    ...devices.launchOptions.args,
    // The nodes serve no HTTPS inside here, and without it there is no camera.
    `--unsafely-treat-insecure-origin-as-secure=${here}`,
    // Of a name in a file it knows one address only; the system gives both.
    '--disable-features=AsyncDns',
    // What ignores the errors of pages does not do so for TURN.
    '--ignore-certificate-errors',
  ],
};

test.use({ ...devices, launchOptions });

type Window = typeof globalThis & { connections: RTCPeerConnection[]; told: string[] };

/** Keeps all connections, and which candidates the server told of; `relay`: media go by TURN only. */
function keepConnections(relay = false) {
  const scope = globalThis as unknown as Window;
  scope.connections = [];
  scope.told = [];
  scope.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config?: RTCConfiguration) {
      super(relay ? { ...config, iceTransportPolicy: 'relay' } : config);
      scope.connections.push(this);
    }

    override setRemoteDescription(description: RTCSessionDescriptionInit) {
      scope.told.push(...((description.sdp ?? '').match(/^a=candidate:.*$/gm) ?? []));
      return super.setRemoteDescription(description);
    }
  };
}

interface Way {
  /** Where media go to, as `udp 198.51.100.2`. */
  to: string;
  /** How they leave the client, as `relay tls`. */
  by: string;
}

/** The ways of media of all connections that are up. */
const ways = (page: Page) =>
  page.evaluate(async () => {
    const found: Way[] = [];
    for (const connection of (globalThis as unknown as Window).connections) {
      const stats = await connection.getStats();
      for (const transport of stats.values()) {
        if (transport.type !== 'transport' || !transport.selectedCandidatePairId) continue;
        const pair = stats.get(transport.selectedCandidatePairId);
        const far = stats.get(pair.remoteCandidateId);
        const near = stats.get(pair.localCandidateId);
        found.push({
          to: `${far.protocol} ${far.address}`,
          by: `${near.candidateType} ${near.relayProtocol}`,
        });
      }
    }
    return found;
  });

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

test('people on both sides of the fence see and hear each other', async ({ browser }) => {
  test.skip(border === null || border.way === 'lost', 'needs a Border Controller');
  if (!border) return;
  test.setTimeout(180_000);
  const outside = `https://${border.server}`;
  const [anna, olav, guest] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  const turn = border.way === 'tls';
  await anna.context().addInitScript(keepConnections, false);
  for (const page of [olav, guest]) await page.context().addInitScript(keepConnections, turn);
  await signInByHand(anna, here, border.inside, border.password);
  await join(anna, here, border.cid);
  await signInByHand(olav, outside, border.outside, border.password);
  await join(olav, outside, border.cid);
  await join(guest, outside, border.cid, 'Gustav');
  await isInside(guest);

  await plays(tile(anna, border.outside));
  await plays(tile(anna, 'Gustav'));
  await plays(tile(olav, border.inside));
  await plays(tile(guest, border.inside));
  for (const page of [anna, olav]) {
    const before = await energy(page);
    await expect.poll(() => energy(page), { timeout: 20_000 }).toBeGreaterThan(before);
  }
  // Whoever is outside hears of no address but the controllers'.
  for (const page of [olav, guest]) {
    const gone = await ways(page);
    expect(gone).toHaveLength(2);
    for (const { to } of gone)
      expect(to).toMatch(
        new RegExp(`^${border.way === 'tcp' ? 'tcp' : 'udp'} (198\\.51\\.100|203\\.0\\.113)\\.2$`),
      );
    if (turn) for (const { by } of gone) expect(by).toBe('relay tls');
    const told = await page.evaluate(() => (globalThis as unknown as Window).told);
    expect(told.length).toBeGreaterThan(0);
    for (const candidate of told) expect(candidate).toMatch(/ (198\.51\.100|203\.0\.113)\.2 /);
  }
  await guest.screenshot({ path: `test-results/border-${border.way}.png` });
});

test('a stranger outside registers for a webinar and attends it', async ({ browser }) => {
  test.skip(border?.way !== 'udp', 'needs a Border Controller, and once is enough');
  if (!border) return;
  test.setTimeout(120_000);
  const [anna, stranger] = [await newPage(browser), await newPage(browser)];
  await signInByHand(anna, here, border.inside, border.password);
  await join(anna, here, border.webinar);
  await stranger.goto(`https://${border.server}/m/${border.webinar}`);
  await stranger.getByLabel('Your name').fill('Gudrun');
  await stranger.getByLabel('Email').fill('gudrun@example.com');
  await stranger.getByRole('button', { name: 'Register', exact: true }).click();
  // It goes on already, so that they come to its entrance at once.
  await expect(stranger.getByText('You join as Gudrun.')).toBeVisible();
  await stranger.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(stranger);
  await plays(tile(stranger, border.inside));
  await plays(tile(anna, 'Gudrun'));
});

/** Addresses of the controllers, in their order. */
const CONTROLLERS = ['198.51.100.2', '203.0.113.2'];
/** Who was carried by the controller that is lost is back within this. */
const BACK_WITHIN_MS = 3_000;

test('when the controller that carries people is lost, they go on by the other one', async ({ browser }) => {
  test.skip(border?.way !== 'lost', 'needs two Border Controllers, and kills one');
  if (!border) return;
  test.setTimeout(180_000);
  const outside = `https://${border.server}`;
  const [anna, olav, guest] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  for (const page of [anna, olav, guest]) await page.context().addInitScript(keepConnections, false);
  await signInByHand(anna, here, border.inside, border.password);
  await join(anna, here, border.cid);
  await signInByHand(olav, outside, border.outside, border.password);
  await join(olav, outside, border.cid);
  await join(guest, outside, border.cid, 'Gustav');
  const all: [Page, string[]][] = [
    [anna, [border.outside, 'Gustav']],
    [olav, [border.inside, 'Gustav']],
    [guest, [border.inside, border.outside]],
  ];
  const meet = async () => {
    for (const [page, others] of all) for (const name of others) await plays(tile(page, name));
  };
  await meet();
  const carriers = (await ways(olav)).map(({ to }) => CONTROLLERS.indexOf(to.split(' ')[1]!));
  const configuration = border.controllers[carriers[0]!]!;
  for (const [page, others] of all) await page.evaluate(watchGaps, others[0]!);
  const [process] = execFileSync('pgrep', ['-f', '--', configuration]).toString().trim().split('\n');
  execFileSync('kill', ['-KILL', process!]);
  await meet();
  const gaps = await Promise.all(all.map(([page]) => gapOf(page)));
  console.log(
    `a controller killed: pictures of others stood still for ${gaps.map(Math.round).join(', ')} ms`,
  );
  for (const page of [anna, olav, guest]) await expect(page.getByRole('region')).toHaveCount(3);
  expect(Math.max(...gaps)).toBeLessThan(BACK_WITHIN_MS);
});
