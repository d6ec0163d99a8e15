import { noBarrier } from './barrier';
import { another, expect, freshId, here, PASSWORD, signIn, test } from './server';

interface Zone {
  on: boolean;
  guests: boolean;
  rights: string[];
}

test('what counts from which network is chosen in the settings, and holds at once', async ({
  page,
  browser,
  rest,
}) => {
  interface Zones {
    zones: { subnets: string[]; trusted: Zone; internet: Zone };
  }
  const zones = async () => ((await (await rest.call('GET', '/settings')).json()) as Zones).zones;
  const before = await zones();
  const other = await rest.createUser();
  const viewer = await another(browser);
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/settings#zones`);
    const trusted = page.getByRole('region', { name: 'Trusted network' });
    const internet = page.getByRole('region', { name: 'Internet' });
    await internet.getByRole('checkbox', { name: 'Record' }).uncheck();
    await internet.getByRole('checkbox', { name: 'Guests without an account' }).uncheck();
    await trusted.getByRole('checkbox', { name: 'Run surveys' }).uncheck();
    await trusted.getByRole('textbox', { name: 'Name' }).fill('The office');
    await expect(page.getByRole('region', { name: 'The office' })).toBeVisible();
    for (const [width, scheme] of [
      [1280, 'light'],
      [1280, 'dark'],
      [390, 'light'],
    ] as const) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: scheme });
      await internet.scrollIntoViewIfNeeded();
      await noBarrier(page, `zones, ${width} ${scheme}`);
      await page.screenshot({ path: `test-results/look/zones-${width}-${scheme}.png`, fullPage: true });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByText('The settings were saved.')).toBeVisible();
    const now = await zones();
    expect(now.internet.rights).not.toContain('record');
    expect(now.internet.guests).toBe(false);
    expect(now.trusted.rights).not.toContain('surveys');

    // This machine is in the trusted network.
    await signIn(viewer, here, other.id, PASSWORD);
    const me = await viewer.evaluate(async () => {
      const token = Object.values(localStorage).find((value) => value.includes('pln_'));
      const bearer = /pln_[\w-]+/.exec(token ?? '')?.[0] ?? '';
      const answer = await fetch('/api/v1/me', { headers: { Authorization: `Bearer ${bearer}` } });
      return (await answer.json()) as { rights: string[] };
    });
    expect(me.rights).not.toContain('surveys');

    // Nobody locks themselves out.
    await page.reload();
    const office = page.getByRole('region', { name: 'The office' });
    await office.getByRole('switch', { name: 'People sign in from here' }).click();
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(office.getByText('could not sign in again')).toBeVisible();
    expect((await zones()).trusted.on).toBe(true);
  } finally {
    await rest.call('PATCH', '/settings', { zones: before });
    await viewer.context().close();
    await rest.deleteUser(other.id);
  }
});

test('where guests do not come from is said at the door', async ({ browser, rest }) => {
  interface Zones {
    zones: { trusted: Zone; internet: Zone };
  }
  const { zones } = (await (await rest.call('GET', '/settings')).json()) as Zones;
  const cid = freshId('door');
  const name = `Open ${cid}`;
  const made = await rest.call('POST', '/conferences', { cid, name, access: 'public' });
  expect(made.status(), await made.text()).toBe(201);
  const guest = await another(browser);
  const allow = (guests: boolean) => {
    const { trusted, internet } = zones;
    const now = { ...zones, trusted: { ...trusted, guests }, internet: { ...internet, guests } };
    return rest.call('PATCH', '/settings', { zones: now });
  };
  try {
    expect((await allow(false)).status()).toBe(200);
    await guest.goto(`${here}/m/${cid}`);
    await expect(guest.getByRole('heading', { name: 'No guests from this network' })).toBeVisible();
    await expect(guest.getByText(`“${name}” is open for guests`, { exact: false })).toBeVisible();
    await expect(guest.getByLabel('Your name')).toHaveCount(0);
    for (const [width, scheme] of [
      [1280, 'light'],
      [390, 'dark'],
    ] as const) {
      await guest.setViewportSize({ width, height: 800 });
      await guest.emulateMedia({ colorScheme: scheme });
      await noBarrier(guest, `no guests from here, ${width} ${scheme}`, { colours: true });
      await guest.screenshot({ path: `test-results/look/zone-door-${width}-${scheme}.png` });
    }
    expect((await allow(true)).status()).toBe(200);
    await guest.reload();
    await expect(guest.getByLabel('Your name')).toBeVisible();
  } finally {
    await rest.call('PATCH', '/settings', { zones });
    await rest.call('DELETE', `/conferences/${cid}`);
    await guest.context().close();
  }
});
