import { defineConfig } from '@playwright/test';

/**
 * Where hardly any pictures are encoded. These change settings of the server, and those where people meet have one of
 * their own.
 */
const PAGES = [
  'calendar',
  'directory',
  'directory-pages',
  'elsewhere',
  'entry',
  'failover',
  'federation',
  'guest-page',
  'history',
  'ids',
  'licence',
  'look',
  'partners',
  'personal',
  'presence',
  'profile',
  'registration',
  'schedule',
  'server-pages',
  'session',
  'templates',
  'users',
  'visibility',
  'widget',
  'zones',
].map((name) => `**/e2e/${name}.spec.ts`);

/**
 * Against real nodes that run already: PLENARY_URLS (their addresses, separated by commas), PLENARY_ADMIN and
 * PLENARY_PASSWORD (a full administrator). CHROMIUM: the browser, if not the system's.
 */
export default defineConfig({
  testDir: 'e2e',
  projects: [
    { name: 'pages', testMatch: PAGES, outputDir: 'test-results/pages' },
    { name: 'meetings', testIgnore: PAGES, outputDir: 'test-results/meetings' },
  ],
  timeout: 60_000,
  expect: { timeout: 10_000 },
  workers: 1,
  // Whoever fails is tried again, with a trace: a trace of each test that passes takes a tenth of the time of all. Who passes
  // then is called flaky, and is to be mended (docs/decisions/0028-unsteady-tests.md).
  retries: 1,
  failOnFlakyTests: process.env.PLENARY_STRICT === 'true',
  forbidOnly: !!process.env.CI,
  reporter: [['list']],
  use: {
    browserName: 'chromium',
    ignoreHTTPSErrors: true,
    locale: 'en',
    reducedMotion: 'reduce',
    screenshot: 'only-on-failure',
    // Without films of the pages: two cores encode those of meetings already.
    trace: { mode: 'on-first-retry', screenshots: false },
    launchOptions: { executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: ['--no-sandbox'] },
  },
});
