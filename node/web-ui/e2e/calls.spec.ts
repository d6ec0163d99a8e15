import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isAtEntrance, isInside, newPage, plays, tile } from './room';
import { admin, expect, freshId, here, isLive, PASSWORD, signIn, test, there } from './server';

/** Two people call each other (CALL-01). */

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/call-${name}.png` });

test('a call rings on all devices, is answered on one, and ends for both', async ({
  browser,
  person,
  rest,
}) => {
  test.setTimeout(150_000);
  const other = await rest.createUser();
  const [caller, first, second] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  try {
    await signIn(caller, here, person.id, PASSWORD);
    await signIn(first, here, other.id, PASSWORD);
    await signIn(second, there, other.id, PASSWORD);
    for (const page of [caller, first, second]) await isLive(page);
    await caller.goto(`${here}/contacts?search=${other.id}`);
    await caller.getByRole('button', { name: `Call ${other.display_name}` }).click();
    await expect(caller.getByText(`Calling ${other.display_name} …`)).toBeVisible();
    await look(caller, 'calling');
    await noBarrier(caller, 'calling');

    const rings = `${person.display_name} is calling you`;
    for (const page of [first, second]) await expect(page.getByText(rings)).toBeVisible();
    await look(first, 'rings');
    await noBarrier(first, 'rings');
    await second.getByRole('button', { name: 'Answer' }).click();
    await isInside(second);
    await expect(first.getByText(rings)).toHaveCount(0);
    await plays(tile(second, person.display_name));
    await plays(tile(caller, other.display_name));
    await look(second, 'talks');

    await second.getByRole('button', { name: 'Leave' }).click();
    await expect(caller.getByText('You called ·', { exact: false })).toBeVisible();
    await expect(second.getByText('Called you ·', { exact: false })).toBeVisible();
    await look(caller, 'over');

    // And again, from what is left of the call; this time it is not answered.
    await caller.getByRole('button', { name: 'Call again' }).click();
    await expect(first.getByText(rings)).toBeVisible();
    await first.getByRole('button', { name: 'Decline' }).click();
    await expect(caller.getByText('Declined your call')).toBeVisible();
    await expect(first.getByText('You declined')).toBeVisible();
    await look(first, 'recent');
  } finally {
    for (const page of [caller, first, second]) await page.context().close();
    await rest.deleteUser(other.id);
  }
});

test('a call becomes a meeting into which others are called', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const other = await rest.createUser();
  const [caller, callee, third] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  try {
    await signIn(callee, there, other.id, PASSWORD);
    await isLive(callee);
    await signIn(caller, here, person.id, PASSWORD);
    await caller.goto(`${here}/contacts?search=${other.id}`);
    await caller.getByRole('button', { name: `Call ${other.display_name}` }).click();
    await callee.getByRole('button', { name: 'Answer' }).click();
    await isInside(callee);
    await isInside(caller);
    const cid = new URL(caller.url()).pathname;
    await signIn(third, there);
    await third.goto(there + cid);
    await expect(third.getByText('There is no such room')).toBeVisible();

    await callee.getByRole('button', { name: 'More' }).click();
    await callee.getByRole('menuitem', { name: 'Invite' }).click();
    await callee.getByRole('button', { name: 'Make it a meeting' }).click();
    await expect(callee.getByRole('textbox', { name: 'Address' })).toHaveValue(new RegExp(`${cid}$`));
    await look(callee, 'widened');
    // Only who is called in comes.
    const whom = { users: [admin.login] };
    const path = `/conferences/${cid.slice('/m/'.length)}/calls`;
    expect((await rest.call('POST', path, whom)).status()).toBe(200);
    await third.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(third);
    await expect(caller.getByRole('region')).toHaveCount(3);
  } finally {
    for (const page of [caller, callee, third]) await page.context().close();
    await rest.deleteUser(other.id);
  }
});

test('a call string leads into a conference, or says that it is elsewhere', async ({
  browser,
  person,
  rest,
}) => {
  test.setTimeout(120_000);
  const cid = freshId('dialled');
  const made = { cid, name: 'Dialled', owner: person.id };
  expect((await rest.call('POST', '/conferences', made)).status()).toBe(201);
  const page = await newPage(browser);
  try {
    await signIn(page, here, person.id, PASSWORD);
    const typed = page.getByLabel('Join by conference ID');
    await typed.fill(`\\c\\${cid}@oslo.example.net`);
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`/m/${cid}(@|%40)oslo\\.example\\.net$`));
    await isAtEntrance(page);
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(page.getByText('federation is off on this server', { exact: false })).toBeVisible();
    const there = page.getByRole('link', { name: 'Join as a guest there' });
    await expect(there).toHaveAttribute('href', `https://oslo.example.net/m/${cid}`);
    await look(page, 'elsewhere');
    await noBarrier(page, 'elsewhere');
    await page.goto(`${here}/home`);
    await typed.fill(`\\c\\${cid}`);
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await expect(page).toHaveURL(new RegExp(`/m/${cid}$`));

    // From the address book: a conference is entered, and somebody elsewhere is told of.
    for (const call of [`\\c\\${cid}`, `bob-${cid}@oslo.example.net`]) {
      await page.goto(`${here}/contacts`);
      await page.getByRole('button', { name: 'Add contact' }).first().click();
      const form = page.getByRole('dialog');
      await form.getByLabel('Call string').fill(call);
      await form.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByText('The contact was saved.')).toBeVisible();
      await page.goto(`${here}/contacts?search=${cid}`);
      await page.getByRole('button', { name: `Call ${call}` }).click();
      if (call.includes('@')) {
        // The two do not meet.
        await expect(
          page
            .getByText(/are not allowed\. Ask your administrator|The server of .* cannot be reached/)
            .first(),
        ).toBeVisible();
      } else {
        await expect(page).toHaveURL(new RegExp(`/m/${cid}$`));
        await page.getByRole('button', { name: 'Join', exact: true }).click();
        await isInside(page);
      }
    }
  } finally {
    await page.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
