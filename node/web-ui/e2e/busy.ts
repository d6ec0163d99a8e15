import type { Page } from '@playwright/test';

/** What a controller at work says of itself, where media are cut and somebody floods: none is behind this server. */
const busy = {
  up_since: new Date(Date.now() - 50 * 3_600_000).toISOString(),
  trouble: null,
  version: '0.1.0',
  tunnels: 3,
  flows: 412,
  flows_begun: 90_231,
  refused: [{ reason: 'too_fast', count: 8_412 }],
  mtu_bytes: 1200,
  mtu_wanted_bytes: 1259,
  sources: [
    { network: '198.51.100.7', connections: 9_120, refused: 8_400 },
    { network: '2001:db8:7:1a2b::/64', connections: 312, refused: 0 },
  ],
};

/** Lets each controller that is invited look as if it were at work. */
export async function fillIn(page: Page) {
  await page.route('**/api/v1/border-controllers', async (route) => {
    if (route.request().method() !== 'GET') return route.continue();
    const response = await route.fetch();
    const all = await response.json();
    for (const one of all.items) {
      Object.assign(one, { stage: 'enrolled', token_expires_at: null });
      Object.assign(one.tunnel, busy);
    }
    await route.fulfill({ response, json: all });
  });
}
