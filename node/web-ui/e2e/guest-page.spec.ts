import { deflateSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, newPage } from './room';
import { expect, freshId, here, signIn, test, there, type Rest } from './server';

/** What strangers see and agree to before they come in. */

test.use(devices);

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/guest-page-${name}.png`, fullPage: true });

/** Other tests have guests too: nothing is asked of them. */
async function nothingAsked(rest: Rest) {
  for (const place of [1, 2, 3, 4, 5])
    await rest.call('DELETE', `/documents/${place}`).catch(() => undefined);
}

async function settings(page: Page) {
  await page.goto(`${here}/admin/settings`);
  return page.getByRole('group', { name: 'Documents that guests agree to' });
}

test('a guest agrees to the documents of the server, and again when one changes', async ({
  browser,
  page,
  person,
  rest,
}) => {
  test.setTimeout(300_000);
  const cid = freshId('open');
  const room = { cid, name: `Open ${cid}`, access: 'public', owner: person.id };
  await rest.call('POST', '/conferences', room);
  const guest = await newPage(browser);
  try {
    // An administrator writes a text and gives an address.
    await signIn(page, here);
    const documents = await settings(page);
    await documents.getByRole('button', { name: 'Add a document' }).click();
    const form = page.getByRole('dialog');
    await form.getByRole('button', { name: 'Save document' }).click();
    await expect(form.getByText('Enter a title of at most 128 characters.')).toBeVisible();
    await form.getByLabel('Title').fill('Terms of use');
    await form
      .getByRole('textbox', { name: 'Text of the document' })
      .fill('Be kind.\nSee https://example.com/why.');
    await noBarrier(page, 'a document is written');
    await look(page, 'write');
    await form.getByRole('button', { name: 'Save document' }).click();
    await expect(page.getByText('The document was saved.')).toBeVisible();
    await documents.getByRole('button', { name: 'Add a document' }).click();
    await form.getByLabel('Title').fill('Privacy policy');
    await form.getByRole('radio', { name: 'At another address' }).check();
    await form.getByLabel('Address of the document').fill('http://example.com/privacy');
    await form.getByRole('button', { name: 'Save document' }).click();
    await expect(form.getByText('This is no address like')).toBeVisible();
    await form.getByLabel('Address of the document').fill('https://example.com/privacy');
    await form.getByRole('button', { name: 'Save document' }).click();
    await expect(documents.getByRole('link', { name: 'Privacy policy' })).toBeVisible();

    // A guest on another node reads them, and does not come in without agreeing.
    await guest.goto(`${there}/m/${cid}`);
    await guest.getByLabel('Your name').fill('Gil');
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(guest.getByText('Agree to this to come in.')).toBeVisible();
    await noBarrier(guest, 'what is to be agreed to');
    await look(guest, 'asked');
    const main = guest.getByRole('main');
    await main.getByRole('button', { name: 'Terms of use' }).click();
    await expect(guest.getByRole('dialog').getByText('Be kind.')).toBeVisible();
    await noBarrier(guest, 'a document is read');
    await guest.keyboard.press('Escape');
    const address = main.getByRole('link', { name: 'Privacy policy' });
    await expect(address).toHaveAttribute('href', 'https://example.com/privacy');
    await expect(address).toHaveAttribute('rel', /noopener/);
    await guest.getByLabel('I have read this and agree to it').check();
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(guest);
    await guest.reload();
    await isInside(guest);

    // What has changed is asked again, and only that.
    const changed = { title: 'Terms of use', text: 'Be kinder.' };
    await rest.call('PUT', '/documents/1', changed);
    await guest.getByRole('button', { name: 'Leave' }).click();
    await guest.goto(`${there}/m/${cid}`);
    await expect(main.getByRole('button', { name: 'Terms of use' })).toBeVisible();
    await expect(main.getByRole('link', { name: 'Privacy policy' })).toHaveCount(0);
    await guest.getByLabel('I have read this and agree to it').check();
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(guest);

    // What was agreed to before can be read; the events keep who agreed.
    await page.goto(`${here}/admin/settings`);
    await documents.getByRole('button', { name: 'Earlier versions of Terms of use' }).click();
    const versions = page.getByRole('dialog', { name: 'Earlier versions' });
    await versions.getByRole('button', { name: /^Read version \d+ of Terms of use$/ }).click();
    await expect(versions.getByText('Be kind.')).toBeVisible();
    await noBarrier(page, 'earlier versions');
    await look(page, 'versions');
    await page.goto(`${here}/admin/events?search=agreed`);
    await expect(page.getByText('Gil agreed to: Terms of use', { exact: true }).first()).toBeVisible();
    await expect(page.getByText('Gil agreed to: Terms of use, Privacy policy').first()).toBeVisible();
  } finally {
    await nothingAsked(rest);
    await guest.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});

test('who registers agrees to the documents there, and comes by the link', async ({
  browser,
  person,
  rest,
}) => {
  test.setTimeout(300_000);
  const cid = freshId('webinar');
  const settings = { registration: { on: true, email: 'off' } };
  await rest.call('POST', '/conferences', { cid, name: cid, access: 'public', owner: person.id, settings });
  await rest.call('PUT', '/documents/1', { title: 'Terms of use', text: 'Be kind.' });
  const guest = await newPage(browser);
  try {
    await guest.goto(`${here}/m/${cid}`);
    await guest.getByLabel('Your name').fill('Gil');
    await guest.getByRole('button', { name: 'Register', exact: true }).click();
    await expect(guest.getByText('Agree to this to come in.')).toBeVisible();
    await guest.getByLabel('I have read this and agree to it').check();
    await guest.getByRole('button', { name: 'Register', exact: true }).click();
    await expect(guest.getByRole('button', { name: 'Join', exact: true })).toBeVisible();
    await expect(guest.getByLabel('I have read this and agree to it')).toHaveCount(0);
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(guest);
  } finally {
    await nothingAsked(rest);
    await guest.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});

/** A picture of one colour. */
function png(): Buffer {
  const table = Array.from({ length: 256 }, (_, n) => {
    let c = n;
    for (let bit = 0; bit < 8; bit += 1) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    return c >>> 0;
  });
  const crc = (bytes: Buffer) =>
    (bytes.reduce((sum, byte) => table[(sum ^ byte) & 0xff]! ^ (sum >>> 8), 0xffffffff) ^ 0xffffffff) >>> 0;
  const chunk = (kind: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(kind), data]);
    const ends = Buffer.alloc(8);
    ends.writeUInt32BE(data.length, 0);
    ends.writeUInt32BE(crc(body), 4);
    return Buffer.concat([ends.subarray(0, 4), body, ends.subarray(4)]);
  };
  const [width, height] = [160, 48];
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width, 0);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, Buffer.from([0x2f, 0x6f, 0xd6]))]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', head),
    chunk('IDAT', pixels),
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

test('the logo and the guide are shown before signing in', async ({ browser, page, person, rest }) => {
  const before = (await (await rest.call('GET', '/settings')).json()) as { front_page: object };
  const cid = freshId('open');
  await rest.call('POST', '/conferences', { cid, name: cid, access: 'public', owner: person.id });
  const stranger = await newPage(browser);
  try {
    await signIn(page, here);
    await page.goto(`${here}/admin/settings`);
    const light = page.getByRole('group', { name: 'On a light ground' });
    const choosing = page.waitForEvent('filechooser');
    await light.getByRole('button', { name: 'Choose a picture' }).click();
    await (await choosing).setFiles({ name: 'logo.png', mimeType: 'image/png', buffer: png() });
    await expect(light.getByRole('img', { name: 'On a light ground' })).toBeVisible();
    await page.getByLabel('Address of a guide').fill('https://example.com/guide');
    await page.getByRole('button', { name: 'Save', exact: true }).click();
    await expect(page.getByText('The settings were saved.')).toBeVisible();
    await look(page, 'settings');

    for (const address of [here, `${there}/m/${cid}`]) {
      await stranger.goto(address);
      const logo = stranger.locator('img[src*="/logos/light"]');
      await expect(logo).toBeVisible();
      expect(await logo.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBe(160);
      await expect(stranger.getByRole('link', { name: 'Guide' })).toHaveAttribute(
        'href',
        'https://example.com/guide',
      );
      await expect(stranger.getByText('Your browser keeps only what this site needs')).toBeVisible();
      await noBarrier(stranger, address);
      await look(stranger, address === here ? 'front' : 'entry');
    }
  } finally {
    await rest.call('DELETE', '/logos/light').catch(() => undefined);
    await rest.call('PATCH', '/settings', { front_page: { guide: '', ...before.front_page } });
    await stranger.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
