import { mkdir } from 'node:fs/promises';
import puppeteer, { type Page as FirefoxPage } from 'puppeteer-core';
import { devices, join, newPage, plays, smallPictures, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** Another browser than Chromium: Debian's Firefox, driven by WebDriver BiDi. */

test.use(devices);

const PREFERENCES = {
  'media.navigator.streams.fake': true,
  'media.navigator.permission.disabled': true,
  'media.autoplay.default': 0,
  // The nodes of the tests are on this machine only.
  'media.peerconnection.ice.loopback': true,
  // Addresses beyond the one to the internet are used for who has a camera, or may have one.
  'permissions.default.camera': 1,
  'permissions.default.microphone': 1,
  'intl.accept_languages': 'en',
};

async function openFirefox() {
  return puppeteer.launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    acceptInsecureCerts: true,
    extraPrefsFirefox: PREFERENCES,
  });
}

/** How many pictures of them were shown; Firefox counts none for streams in `getVideoPlaybackQuality`. */
const framesOf = (page: FirefoxPage, name: string) =>
  page.evaluate(
    (name) =>
      new Promise<number>((resolve) => {
        const video = document.querySelector<HTMLVideoElement>(`section[aria-label="${name}"] video`);
        video?.requestVideoFrameCallback((_, { presentedFrames }) => resolve(presentedFrames));
        setTimeout(() => resolve(0), 2_000);
      }),
    name,
  );

test('Firefox and Chromium see each other', async ({ browser, person, rest }) => {
  test.setTimeout(180_000);
  const room = freshId('fox');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room, access: 'public' });
  expect(made.status(), await made.text()).toBe(201);
  const ann = await newPage(browser);
  const firefox = await openFirefox();
  try {
    await signIn(ann, here, person.id, PASSWORD);
    await join(ann, here, room);
    const fox = await firefox.newPage();
    await fox.evaluateOnNewDocument(smallPictures);
    await fox.goto(`${there}/m/${room}`);
    const name = await fox.waitForSelector('input[autocomplete=name]', { timeout: 30_000 });
    await name!.type('Fox');
    await fox.keyboard.press('Enter');
    await fox.waitForSelector('[data-phase=in]', { timeout: 30_000 });
    await plays(tile(ann, 'Fox'));
    await expect.poll(() => framesOf(fox, person.display_name), { timeout: 30_000 }).toBeGreaterThan(0);
    const before = await framesOf(fox, person.display_name);
    await expect
      .poll(() => framesOf(fox, person.display_name), { timeout: 30_000 })
      .toBeGreaterThan(before + 10);
    await mkdir('test-results/look', { recursive: true });
    await fox.screenshot({ path: 'test-results/look/meeting-firefox.png' });
  } finally {
    await firefox.close();
    await ann.context().close();
    await rest.call('DELETE', `/conferences/${room}`);
  }
});
