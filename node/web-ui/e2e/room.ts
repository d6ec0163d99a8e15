import type { Browser, Locator, Page } from '@playwright/test';
import { expect } from './server';

/** What people in a meeting do, with devices that Chromium makes up. */

export const devices = {
  permissions: ['camera', 'microphone'],
  launchOptions: {
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
      '--auto-accept-this-tab-capture',
      '--autoplay-policy=no-user-gesture-required',
    ],
  },
};

/** Small pictures: the machine that tests encodes and decodes all of them. */
export function smallPictures(times = 1) {
  const media = navigator.mediaDevices;
  if (!media) return;
  const size = { width: 320 * times, height: 180 * times, frameRate: 10 };
  const get = media.getUserMedia.bind(media);
  media.getUserMedia = (wanted) =>
    get({
      ...wanted,
      video: wanted?.video
        ? { ...(typeof wanted.video === 'object' ? wanted.video : {}), ...size }
        : wanted?.video,
    });
  const share = media.getDisplayMedia.bind(media);
  media.getDisplayMedia = (wanted) =>
    share({ ...wanted, audio: false, video: size, preferCurrentTab: true } as DisplayMediaStreamOptions);
}

/** `times` as large as small pictures are. */
export async function newPage(browser: Browser, times = 1): Promise<Page> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: 'en',
    reducedMotion: 'reduce',
    permissions: ['camera', 'microphone'],
  });
  await context.addInitScript(smallPictures, times);
  return context.newPage();
}

export async function join(page: Page, url: string, room: string, name?: string) {
  await page.goto(`${url}/m/${room}`);
  if (name) await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(page);
}

/** The address changes before the page does, and both may have a button named Join. */
export async function isAtEntrance(page: Page) {
  await expect(page.getByRole('region', { name: 'How others will see you' })).toBeVisible();
}

export async function isInside(page: Page) {
  await expect(page.locator('[data-phase=in]')).toBeVisible();
}

export const tile = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

/** The picture moves: frames come, and are new ones. */
export async function plays(of: Locator) {
  const video = of.locator('video');
  await expect(video).toBeVisible();
  const frames = () =>
    video.evaluate((element: HTMLVideoElement) =>
      element.readyState >= 2 ? element.getVideoPlaybackQuality().totalVideoFrames : 0,
    );
  await expect.poll(frames, { timeout: 20_000 }).toBeGreaterThan(0);
  const before = await frames();
  // A new connection counts from the beginning.
  const moved = async () => ![0, before].includes(await frames());
  await expect.poll(moved, { timeout: 20_000 }).toBe(true);
}

/** Notes in the page for how long at most the picture of this person has not changed. */
export function watchGaps(name: string) {
  const noted = { gap: 0 };
  let frames = 0;
  let at = performance.now();
  const look = () => {
    const video = document.querySelector<HTMLVideoElement>(`section[aria-label="${name}"] video`);
    const now = video?.getVideoPlaybackQuality().totalVideoFrames ?? 0;
    noted.gap = Math.max(noted.gap, performance.now() - at);
    if (now > 0 && now !== frames) {
      frames = now;
      at = performance.now();
    }
    setTimeout(look, 20);
  };
  look();
  (window as unknown as { noted: typeof noted }).noted = noted;
}

export const gapOf = (page: Page) =>
  page.evaluate(() => (window as unknown as { noted: { gap: number } }).noted.gap);
