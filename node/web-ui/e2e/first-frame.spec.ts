import type { Page } from '@playwright/test';
import { devices, join, newPage, plays, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test } from './server';

/**
 * How long it takes from the click on Join to the first picture of somebody else. Figures, so it runs alone:
 * `cargo xtask test --long first-frame`. PLENARY_JOINS says how often.
 */

const joins = Number(process.env.PLENARY_JOINS ?? 0);

test.use(devices);

interface Noted {
  click: number;
  at: Record<string, number>;
}

/** Notes when what happens on the way to the first picture. */
function noteSteps() {
  const noted: Noted = { click: 0, at: {} };
  (globalThis as unknown as { noted: Noted }).noted = noted;
  const note = (step: string) => (noted.at[step] ??= performance.now());
  const Socket = globalThis.WebSocket;
  globalThis.WebSocket = class extends Socket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      this.addEventListener('message', ({ data }) => {
        const type = /"type":"(\w+)"/.exec(String(data))?.[1];
        if (type === 'joined' || type === 'slots') note(type);
        if (type === 'answer' && /"connection":"receive"/.test(String(data))) note('answer');
      });
    }
  };
  const Peer = globalThis.RTCPeerConnection;
  globalThis.RTCPeerConnection = class extends Peer {
    constructor(config?: RTCConfiguration) {
      super(config);
      this.addEventListener('iceconnectionstatechange', () => {
        if (this.iceConnectionState === 'connected' && this.getReceivers().length > 2) note('ice');
      });
      this.addEventListener('connectionstatechange', () => {
        if (this.connectionState === 'connected' && this.getReceivers().length > 2) note('dtls');
      });
    }
  };
}

/** Clicks and waits for the first picture; milliseconds after the click of each step. */
async function steps(page: Page, name: string): Promise<Record<string, number>> {
  return page.evaluate(async (name) => {
    const { noted } = globalThis as unknown as { noted: Noted };
    const button = [...document.querySelectorAll('button')].find(({ textContent }) => textContent === 'Join');
    noted.click = performance.now();
    button?.click();
    for (;;) {
      const video = document.querySelector<HTMLVideoElement>(`section[aria-label="${name}"] video`);
      if ((video?.getVideoPlaybackQuality().totalVideoFrames ?? 0) > 0) break;
      await new Promise((again) => requestAnimationFrame(again));
    }
    noted.at.picture = performance.now();
    return Object.fromEntries(Object.entries(noted.at).map(([step, at]) => [step, at - noted.click]));
  }, name);
}

test('the first picture comes soon after the click', async ({ browser, person, rest }) => {
  test.skip(joins === 0, 'gives figures: only where it is told how often to join');
  test.setTimeout(joins * 20_000 + 60_000);
  const room = freshId('first');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room, access: 'public' });
  expect(made.status(), await made.text()).toBe(201);
  const ann = await newPage(browser);
  const all: Record<string, number>[] = [];
  try {
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    const ben = await newPage(browser);
    await ben.addInitScript(noteSteps);
    for (let nth = 0; nth < joins; nth += 1) {
      await ben.goto(`${here}/m/${room}`);
      await ben.getByLabel('Your name').fill('Ben');
      await expect(ben.getByRole('button', { name: 'Join', exact: true })).toBeEnabled();
      await expect(ben.locator('video').first()).toBeVisible();
      all.push(await steps(ben, person.display_name));
      await plays(tile(ben, person.display_name));
      await ben.getByRole('button', { name: 'Leave' }).first().click();
      await expect(tile(ann, 'Ben')).toHaveCount(0);
    }
    await ben.context().close();
    for (const step of ['joined', 'answer', 'ice', 'dtls', 'slots', 'picture']) {
      // The page may hear of a step only after the picture.
      const known = all.flatMap((one) => (step in one ? [Math.round(one[step]!)] : []));
      const values = known.sort((one, other) => one - other);
      const at = (share: number) => values[Math.min(values.length - 1, Math.floor(values.length * share))];
      console.log(
        `${step} (${values.length}): p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${values.at(-1)} ms`,
      );
    }
  } finally {
    await ann.context().close();
    await rest.call('DELETE', `/conferences/${room}`);
  }
});
