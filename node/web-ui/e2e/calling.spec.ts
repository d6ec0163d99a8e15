import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, newPage } from './room';
import {
  expect,
  freshId,
  here,
  isLive,
  PASSWORD,
  signIn,
  test,
  there,
  type Account,
  type Rest,
} from './server';

/** People are called into conferences (CONF-02, CONF-08). */

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/calling-${name}.png` });

async function conference(rest: Rest, owner: Account, more: object): Promise<string> {
  const cid = freshId('called');
  const made = await rest.call('POST', '/conferences', { cid, name: 'Team round', owner: owner.id, ...more });
  expect(made.status(), await made.text()).toBe(201);
  return cid;
}

test('a moderator starts a conference and calls who is invited', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const [ann, ben] = [await rest.createUser(), await rest.createUser()];
  const cid = await conference(rest, person, {
    launch: 'by_hand',
    settings: { invited: [ann.id, ben.id], uninvited: false },
  });
  const [owner, called, other] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  const desk = await newPage(browser);
  try {
    await signIn(called, there, ann.id, PASSWORD);
    await signIn(other, here, ben.id, PASSWORD);
    for (const page of [called, other]) await isLive(page);
    await signIn(owner, here, person.id, PASSWORD);
    // Who is expected becomes known late: it does not begin without asking whom to call.
    await owner.route(/\/conferences\/[^/]+\/people/, async (route) => {
      await new Promise((done) => setTimeout(done, 2_000));
      await route.continue();
    });
    await owner.goto(`${here}/m/${cid}`);
    await owner.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(owner);
    await owner.getByRole('button', { name: 'Begin now' }).click();
    const start = owner.getByRole('dialog', { name: 'Start the meeting' });
    // By their names, with the IDs that tell two of one name apart.
    await start.getByRole('checkbox', { name: `${ben.display_name} ${ben.id}` }).uncheck();
    await look(owner, 'start');
    await noBarrier(owner, 'start');
    await start.getByRole('button', { name: 'Start and call 1 person' }).click();

    const rings = `${person.display_name} calls you into “Team round”`;
    await expect(called.getByText(rings)).toBeVisible();
    await look(called, 'rings');
    await noBarrier(called, 'rings');
    await owner.getByRole('button', { name: /^People/ }).click();
    await expect(owner.getByText('Ringing …')).toBeVisible();
    await called.getByRole('button', { name: 'Come in' }).click();
    await isInside(called);
    await expect(called.getByText(rings)).toHaveCount(0);
    await expect(owner.getByText('Ringing …')).toHaveCount(0);

    // The other one is called later, does not want to, and is called again.
    await owner.getByRole('button', { name: 'Call people' }).click();
    const invite = owner.getByRole('dialog', { name: 'Invite people' });
    await invite.getByRole('combobox', { name: 'Call people into the meeting' }).fill(ben.id);
    await owner.getByRole('option', { name: ben.id }).click();
    await look(owner, 'whom');
    await noBarrier(owner, 'whom');
    await invite.getByRole('button', { name: 'Call 1 person' }).click();
    await expect(other.getByText(rings)).toBeVisible();
    await other.getByRole('button', { name: 'Decline' }).click();
    await expect(owner.getByText('Declined', { exact: true })).toBeVisible();

    // Once more after the pause, and the owner thinks better of it: it rings no more at once.
    const again = owner.getByRole('button', { name: `Call ${ben.display_name} again` });
    await expect(async () => {
      await again.click();
      await expect(other.getByText(rings)).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 30_000 });
    await look(owner, 'ringing');
    await owner.getByRole('button', { name: `Stop calling ${ben.display_name}` }).click();
    await expect(other.getByText(rings)).toHaveCount(0);
    await expect(owner.getByText('Call taken back')).toBeVisible();
    await look(owner, 'taken-back');
    await noBarrier(owner, 'taken back');
    await owner.emulateMedia({ colorScheme: 'dark' });
    await owner.setViewportSize({ width: 390, height: 844 });
    await look(owner, 'taken-back-phone');
    await expect(other.getByText('You declined')).toBeVisible();

    // An administrator who is not in calls somebody from the control panel, and takes it back.
    await signIn(desk, here);
    await desk.goto(`${here}/admin/conferences?conference=${cid}`);
    await desk.getByRole('tab', { name: 'Now' }).click();
    await expect(desk.getByRole('heading', { name: '2 people are in' })).toBeVisible();
    const rung = other.getByText('calls you into “Team round”');
    await expect(async () => {
      await desk.getByRole('button', { name: 'Call people' }).click();
      const whom = desk.getByRole('dialog', { name: 'Call people into the meeting' });
      await whom.getByRole('combobox', { name: 'Call people into the meeting' }).fill(ben.id);
      await desk.getByRole('option', { name: ben.id }).click();
      await whom.getByRole('button', { name: 'Call 1 person' }).click();
      await expect(rung).toBeVisible({ timeout: 2_000 });
    }).toPass({ timeout: 30_000 });
    await expect(desk.getByText('Ringing …')).toBeVisible();
    await look(desk, 'desk');
    await noBarrier(desk, 'called from the control panel');
    await desk.getByRole('button', { name: `Stop calling ${ben.display_name}` }).click();
    await expect(rung).toHaveCount(0);
    await expect(desk.getByText('Call taken back')).toBeVisible();
  } finally {
    await desk.context().close();
    for (const page of [owner, called, other]) await page.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
    for (const { id } of [ann, ben]) await rest.deleteUser(id);
  }
});

test('a group is called and one of it answers', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const [ann, ben] = [await rest.createUser(), await rest.createUser()];
  const callId = freshId('desk');
  const made = await rest.call('POST', '/groups', { name: `Front ${callId}` });
  expect(made.status(), await made.text()).toBe(201);
  const group = ((await made.json()) as { id: string }).id;
  await rest.call('POST', `/groups/${group}/members`, { add: [ann.id, ben.id], remove: [] });
  const [office, caller, first, second] = [
    await newPage(browser),
    await newPage(browser),
    await newPage(browser),
    await newPage(browser),
  ];
  try {
    await signIn(first, there, ann.id, PASSWORD);
    await signIn(second, here, ben.id, PASSWORD);
    for (const page of [first, second]) await isLive(page);
    await signIn(office, here);
    await office.goto(`${here}/admin/groups/${group}`);
    await office.getByLabel('Call ID').fill(callId);
    await look(office, 'group');
    await noBarrier(office, 'group');
    await office.getByRole('button', { name: 'Save' }).click();
    await expect(office.getByText(`Front ${callId} was saved.`)).toBeVisible();

    await signIn(caller, here, person.id, PASSWORD);
    await caller.goto(`${here}/contacts`);
    await caller.getByRole('button', { name: 'Add contact' }).first().click();
    const form = caller.getByRole('dialog');
    await form.getByLabel('Call string').fill(callId);
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(caller.getByText('The contact was saved.')).toBeVisible();
    await caller.goto(`${here}/contacts?search=${callId}`);
    await caller.getByRole('button', { name: `Call ${callId}` }).click();
    const rings = `${person.display_name} is calling “Front ${callId}”`;
    for (const page of [first, second]) await expect(page.getByText(rings)).toBeVisible();
    await look(first, 'group-rings');
    await noBarrier(first, 'group-rings');
    await first.getByRole('button', { name: 'Answer' }).click();
    await isInside(first);
    await expect(second.getByText(rings)).toHaveCount(0);
    await expect(second.getByText(`Answered by ${ann.display_name}`)).toBeVisible();
    await look(second, 'group-elsewhere');
    await expect(caller.getByRole('region')).toHaveCount(2);
    await look(caller, 'group-talks');
  } finally {
    for (const page of [office, caller, first, second]) await page.context().close();
    await rest.call('DELETE', `/groups/${group}`);
    for (const { id } of [ann, ben]) await rest.deleteUser(id);
  }
});
