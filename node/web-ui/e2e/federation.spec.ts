import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { admin, expect, freshId, here, signIn, test, there } from './server';

/** Servers of other enterprises. Nobody answers here: names end where DNS knows nothing. */

test('a partner is added, gets terms of its own and a pin, is tried and forgotten', async ({
  page,
  rest,
}) => {
  test.setTimeout(90_000);
  const server = `${freshId('oslo')}.invalid`;
  const federation = { mode: 'whitelist', whitelist: ['*.invalid'], blacklist: [] };
  expect((await rest.call('PATCH', '/settings', { federation })).status()).toBe(200);
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/partners`);
    await page.getByRole('button', { name: 'Add a server' }).first().click();
    await page.getByRole('textbox', { name: 'Server' }).fill('no name!');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await expect(page.getByRole('dialog').getByText('This is no name of a server')).toBeVisible();
    await page.getByRole('textbox', { name: 'Server' }).fill(server.toUpperCase());
    await page.getByRole('button', { name: 'Add', exact: true }).click();

    const sheet = page.getByRole('dialog', { name: server });
    await expect(sheet.getByText('Not tried yet')).toBeVisible();
    await sheet.getByRole('textbox', { name: 'Note' }).fill('Ask Olav');
    await sheet.getByRole('switch', { name: 'Terms of its own' }).click();
    await sheet.getByRole('switch', { name: 'Chat and files' }).click();
    await sheet.getByRole('radio', { name: 'One certificate exactly' }).click();
    await sheet.getByRole('textbox', { name: 'Fingerprint (SHA-256)' }).fill('ab:cd');
    await sheet.getByRole('button', { name: 'Save' }).click();
    await expect(sheet.getByText(/64 hexadecimal digits, with or without/)).toBeVisible();
    await sheet.getByRole('textbox', { name: 'Fingerprint (SHA-256)' }).fill('AB:'.repeat(31) + 'AB');
    await sheet.getByRole('button', { name: 'Save' }).click();
    await expect(page.getByText(`${server} is saved`)).toBeVisible();
    const stored = (await (await rest.call('GET', `/federation/partners/${server}`)).json()) as {
      terms: { chat: boolean; calls: boolean };
      certificate: string;
    };
    expect(stored.terms).toMatchObject({ chat: false, calls: true });
    expect(stored.certificate).toBe('ab'.repeat(32));

    await sheet.getByRole('button', { name: 'Try', exact: true }).click();
    await expect(sheet.getByText(`${server} cannot be met yet`)).toBeVisible({ timeout: 40_000 });
    await expect(sheet.getByText('Cannot be met', { exact: true })).toBeVisible();

    await sheet.getByRole('button', { name: 'Forget' }).click();
    await page
      .getByRole('dialog', { name: /^Forget what/ })
      .getByRole('button', { name: 'Forget' })
      .click();
    await expect(page.getByText(`${server} is treated as all others are`)).toBeVisible();
  } finally {
    await rest.call('DELETE', `/federation/partners/${server}`);
    await rest.call('PATCH', '/settings', { federation: { mode: 'off', whitelist: [], blacklist: [] } });
  }
});

test('what one node tried the others know', async ({ request, rest }) => {
  test.setTimeout(90_000);
  const server = `${freshId('bergen')}.invalid`;
  const federation = { mode: 'whitelist', whitelist: ['*.invalid'], blacklist: [] };
  expect((await rest.call('PATCH', '/settings', { federation })).status()).toBe(200);
  try {
    const session = await request.post(`${there}/api/v1/session`, { data: admin });
    const { token } = (await session.json()) as { token: string };
    const headers = { authorization: `Bearer ${token}` };
    const tried = () => request.post(`${there}/api/v1/federation/test`, { data: { server }, headers });
    // The other node has the new list a moment later.
    await expect
      .poll(async () => ((await (await tried()).json()) as { steps: { good: boolean }[] }).steps[0]?.good)
      .toBe(true);
    const known = await rest.call('GET', `/federation/partners/${server}`);
    const partner = (await known.json()) as {
      state: string;
      revision: string | null;
      seen: { incoming: unknown; reached_at: string | null; outgoing: { trouble: string } };
    };
    expect([partner.state, partner.revision]).toEqual(['failing', null]);
    expect([partner.seen.incoming, partner.seen.reached_at]).toEqual([null, null]);
    expect(partner.seen.outgoing.trouble).toContain('DNS');
  } finally {
    await rest.call('PATCH', '/settings', { federation: { mode: 'off', whitelist: [], blacklist: [] } });
  }
});

const DAY = 86_400_000;
const at = (days: number) => new Date(Date.now() + days * DAY).toISOString();

const certificate = (name: string, print: string, days: number) => ({
  subject: `CN=${name}`,
  issuer: 'C=NO, O=Authority of Oslo, CN=Issuing CA 7',
  expires_at: at(days),
  fingerprint: print.repeat(32),
  names: [name],
});

const seen = (name: string, more: object = {}) => ({
  way: `node-1.${name}:4307, node-2.${name}:4307`,
  certificate: certificate(name, '5c', 80),
  certificate_expires: false,
  changed: null,
  claimed: null,
  outgoing: { at: at(-0.01), trouble: null },
  incoming: { at: at(-0.3), trouble: null },
  round_trip_ms: 14,
  reached_at: at(-0.01),
  quarantined_until: null,
  users: 12,
  conferences: 2,
  own_users: 5,
  received_bytes: 52_000_000,
  sent_bytes: 61_000_000,
  ...more,
});

const partner = (server: string, state: string, more: object = {}) => ({
  server,
  state,
  note: '',
  terms: null,
  authority: null,
  authorities: [],
  certificate: null,
  seen: seen(server),
  revision: '7',
  ...more,
});

const changed = 'its certificate has changed: ab… is pinned for this partner, and it showed 5c…';
/** All states at once, which real servers are not in at one time. */
const partners = {
  licensed: true,
  items: [
    partner('bergen.example.net', 'well', { note: 'Ask Olav at the helpdesk, +47 22 00 00 00' }),
    partner('lyon.example.com', 'failing', {
      seen: seen('lyon.example.com', {
        outgoing: { at: at(-0.02), trouble: '192.0.2.7:4307: no answer within 4 s' },
        reached_at: at(-3),
        certificate: certificate('lyon.example.com', '5c', 9),
        certificate_expires: true,
      }),
    }),
    partner('oslo.example.net', 'certificate_changed', {
      certificate: 'ab'.repeat(32),
      seen: seen('oslo.example.net', {
        outgoing: { at: at(-0.01), trouble: changed },
        changed: certificate('oslo.example.net', '5c', 80),
      }),
    }),
    partner('turku.example.org', 'certificate_changed', {
      authority: '-----BEGIN CERTIFICATE-----',
      authorities: [{ subject: 'CN=Authority of Turku', expires_at: at(900) }],
      seen: seen('turku.example.org', {
        outgoing: { at: at(-0.01), trouble: changed },
        changed: certificate('turku.example.org', '5c', 80),
        claimed: { at: at(-0.02), trouble: changed },
      }),
    }),
    partner('odd.example.org', 'quarantined', {
      seen: seen('odd.example.org', { quarantined_until: at(0.02) }),
    }),
    partner('new.example.org', 'untried', { seen: null }),
    partner('old.example.org', 'not_allowed', { revision: null }),
  ],
};

async function look(page: Page, name: string) {
  for (const [size, viewport] of Object.entries({
    desk: { width: 1440, height: 900 },
    phone: { width: 390, height: 844 },
  })) {
    await page.setViewportSize(viewport);
    const beyond = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    await expect.poll(beyond, `${name} is as wide as the screen`).toBeLessThanOrEqual(0);
    for (const scheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await noBarrier(page, `${size} ${scheme} ${name}`, { colours: scheme === 'dark' });
      await page.screenshot({ path: `test-results/look/${size}-${scheme}-en-${name}.png` });
    }
    await page.emulateMedia({ colorScheme: 'light' });
  }
}

test('partners in every state', async ({ page }) => {
  test.setTimeout(120_000);
  await signIn(page, here);
  await page.route('**/api/v1/federation/partners', (route) => route.fulfill({ json: partners }));
  await page.goto(`${here}/admin/partners`);
  await expect(page.getByText('Certificate changed').first()).toBeVisible();
  // What needs somebody comes first.
  await expect(page.getByRole('row').nth(1)).toContainText('odd.example.org');
  // Of theirs here and of ours there.
  const well = page.getByRole('row').filter({ hasText: 'bergen.example.net' });
  await expect(well.getByText('17', { exact: true })).toBeVisible();
  await look(page, 'partners-all');
  for (const [server, words] of [
    ['oslo.example.net', 'Trust the new one'],
    ['turku.example.org', 'Pin this certificate instead'],
    ['odd.example.org', 'Answer it again now'],
    ['lyon.example.com', 'no answer within 4 s'],
  ]) {
    await page.goto(`${here}/admin/partners?partner=${server}`);
    await expect(page.getByText(words!)).toBeVisible();
    await look(page, `partner-${server!.split('.')[0]}`);
  }
});

test('what was shown is confirmed, whatever is shown meanwhile, and no authority is given up by the way', async ({
  page,
}) => {
  await signIn(page, here);
  const now = structuredClone(partners);
  await page.route('**/api/v1/federation/partners', (route) => route.fulfill({ json: now }));
  const sent: Record<string, unknown>[] = [];
  await page.route('**/api/v1/federation/partners/*', async (route) => {
    sent.push(route.request().postDataJSON() as Record<string, unknown>);
    await route.fulfill({ status: 409, json: { type: 'about:blank', title: 'Changed', status: 409 } });
  });
  const shows = async (server: string, print: string) => {
    const found = now.items.find((one) => one.server === server);
    Object.assign(found!.seen, { changed: certificate(server, print, 80) });
    const heard = page.waitForResponse('**/api/v1/federation/partners');
    await page.evaluate(() => window.dispatchEvent(new Event('visibilitychange')));
    await heard;
  };
  const dialog = page.getByRole('dialog').filter({ hasText: 'Trust the new certificate of' });

  await page.goto(`${here}/admin/partners?partner=oslo.example.net`);
  await page.getByRole('button', { name: 'Trust the new one' }).click();
  await expect(dialog).toContainText('5c5c 5c5c');
  await shows('oslo.example.net', 'ee');
  await expect(page.getByText('eeee eeee').first()).toBeAttached();
  await expect(dialog).toContainText('5c5c 5c5c');
  await dialog.getByRole('button', { name: 'Trust the new one' }).click();
  await expect.poll(() => sent.length).toBe(1);
  expect(sent[0]).toMatchObject({ certificate: '5c'.repeat(32), authority: null });

  await page.goto(`${here}/admin/partners?partner=turku.example.org`);
  await page.getByRole('button', { name: 'Pin this certificate instead' }).click();
  const pin = dialog.getByRole('button', { name: 'Pin this certificate instead' });
  await expect(pin).toBeDisabled();
  await noBarrier(page, 'an authority is given up');
  await dialog.getByRole('checkbox').check();
  await pin.click();
  await expect.poll(() => sent.length).toBe(2);
  expect(sent[1]).toMatchObject({ certificate: '5c'.repeat(32), authority: null });
});

test('who names people of a server that is not met is told so at once', async ({ page, rest }) => {
  const federation = { mode: 'whitelist', whitelist: ['bergen.invalid'], blacklist: [] };
  const off = { mode: 'off', whitelist: [], blacklist: [] };
  await rest.call('PATCH', '/settings', { federation: off });
  try {
    await signIn(page, here);
    const name = async (label: string, person: string) => {
      const input = page.getByRole('combobox', { name: label, exact: true });
      await input.fill(person);
      await input.press('Enter');
    };
    await page.goto(`${here}/admin/conferences?create=true`);
    await name('Invited', 'kari@oslo.invalid');
    await expect(
      page.getByText(/Federation is off on this server: people of oslo\.invalid are told/),
    ).toBeVisible();
    await noBarrier(page, 'somebody who cannot come is named');

    expect((await rest.call('PATCH', '/settings', { federation })).status()).toBe(200);
    await page.reload();
    await name('Moderators', 'kari@oslo.invalid');
    await name('Moderators', 'liv@bergen.invalid');
    await expect(page.getByText(/does not meet with oslo\.invalid/)).toBeVisible();
    await expect(page.getByText(/does not meet with bergen\.invalid/)).toBeHidden();

    const terms = {
      calls: true,
      conferences: false,
      chat: true,
      content: true,
      recording: false,
      bandwidth_kbps: null,
      participants: null,
    };
    await rest.call('PUT', '/federation/partners/bergen.invalid', { note: '', terms });
    await page.reload();
    await name('Invited', 'liv@bergen.invalid');
    await expect(page.getByText(/People of bergen\.invalid may not come to conferences/)).toBeVisible();
  } finally {
    await rest.call('DELETE', '/federation/partners/bergen.invalid');
    await rest.call('PATCH', '/settings', { federation: off });
  }
});
