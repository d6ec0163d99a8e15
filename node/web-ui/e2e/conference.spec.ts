import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage, plays, tile } from './room';
import { expect, freshId, here, PASSWORD, signIn, test as base, there, type Account } from './server';

/** Conferences with settings: the form, the gate, the waiting room, moderators, the podium. */

interface Fixtures {
  /** Makes a public conference that `owner` owns; it goes after the test. */
  conference: (owner: Account, settings: object) => Promise<string>;
  other: Account;
}

const test = base.extend<Fixtures>({
  conference: async ({ rest }, give) => {
    const made: string[] = [];
    await give(async (owner, settings) => {
      const cid = freshId('conf');
      const answer = await rest.call('POST', '/conferences', {
        cid,
        name: `Conference ${cid}`,
        access: 'public',
        owner: owner.id,
        settings,
      });
      expect(answer.status(), await answer.text()).toBe(201);
      made.push(cid);
      return cid;
    });
    for (const cid of made) await rest.call('DELETE', `/conferences/${cid}`);
  },
  other: async ({ rest }, give) => {
    const other = await rest.createUser();
    await give(other);
    await rest.deleteUser(other.id);
  },
});

test.use(devices);

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/conference-${name}.png` });

const people = (page: Page) =>
  page
    .getByRole('toolbar')
    .getByRole('button', { name: /^People/ })
    .click();

const actOn = async (page: Page, name: string, act: string) => {
  await page.getByRole('button', { name: `What to do with ${name}` }).click();
  await page.getByRole('menuitem', { name: act }).click();
};

test('a conference is made in the form and changed', async ({ page, rest, other }) => {
  const name = `Review ${freshId('made')}`;
  await signIn(page, here);
  await page.goto(`${here}/admin/conferences`);
  await page.getByRole('button', { name: 'Create conference' }).first().click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill(name);
  await expect(form.getByText(/^Nobody guesses it. It will look like/)).toBeVisible();
  await form.getByRole('radio', { name: 'Chosen by hand' }).check();
  const cid = await form.getByRole('textbox', { name: 'Conference ID' }).inputValue();
  expect(cid).toMatch(/^review-made-/);
  await form.getByRole('radio', { name: /^Role-based/ }).check();
  await form.getByLabel('Places on the podium').fill('3');
  await form.getByRole('button', { name: 'Make one up' }).click();
  await expect(form.getByLabel('PIN')).toHaveValue(/^[0-9]{6}$/);
  await form.getByLabel('Moderators').fill(other.id);
  await page.keyboard.press('Enter');
  await form.getByRole('checkbox', { name: 'Microphones are off' }).check();
  await look(page, 'form');
  await noBarrier(page, 'form');
  await form.getByRole('button', { name: 'Create conference' }).click();
  await expect(page.getByText(`${name} was created.`)).toBeVisible();

  const made = await (await rest.call('GET', `/conferences/${cid}`)).json();
  expect(made.settings).toMatchObject({
    mode: 'role_based',
    podium_places: 3,
    has_pin: true,
    moderators: [other.id],
    muted_on_entry: true,
  });

  await page.getByRole('row', { name: new RegExp(name) }).click();
  await page.getByRole('dialog').getByLabel('PIN').fill('12');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('4 to 16 digits, or nothing.')).toBeVisible();
  await page.getByRole('dialog').getByLabel('PIN').fill('');
  await page.getByRole('dialog').getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText(`${name} was saved.`)).toBeVisible();
  await look(page, 'list');
  const now = await (await rest.call('GET', `/conferences/${cid}`)).json();
  expect(now.settings).toMatchObject({ has_pin: false, mode: 'role_based' });
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
});

test('what people see, how they come in and what they may send is set in the form', async ({
  page,
  rest,
  person,
  other,
}) => {
  const name = `Talk ${freshId('talk')}`;
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const form = page.getByRole('dialog');
  const choose = async (label: string, option: string) => {
    await form.getByRole('combobox', { name: label, exact: true }).click();
    await page.getByRole('option', { name: option, exact: true }).click();
  };
  const choices = async (label: string) => {
    await form.getByRole('combobox', { name: label, exact: true }).click();
    const all = await page.getByRole('option').allTextContents();
    await page.keyboard.press('Escape');
    return all;
  };
  await form.getByLabel('Name', { exact: true }).fill(name);
  await form.getByRole('radio', { name: /^Smart meeting/ }).check();
  await form.getByLabel('Places on the podium').fill('4');
  // Where no guests come nobody waits for being one.
  expect(await choices('Waiting room')).toHaveLength(4);
  // Only those who are invited, and public, cannot be both: it is said at once.
  const others = form.getByRole('checkbox', { name: 'Others may come too' });
  await others.uncheck();
  await form.getByRole('radio', { name: /^Public/ }).check();
  await expect(
    form.getByText('You have chosen that only invited people come in.', { exact: false }),
  ).toBeVisible();
  await expect(others).toHaveCount(0);
  await look(page, 'form-public');
  await form.getByRole('radio', { name: /^Internal/ }).check();
  await expect(others).not.toBeChecked();
  await form.getByRole('radio', { name: /^Public/ }).check();
  expect(await choices('Waiting room')).toHaveLength(5);
  for (const [option, hint] of [
    ['Everybody', 'All but owner, moderators and operators'],
    ['Who is not invited and comes from elsewhere, and guests', 'People of this server come in at once.'],
    ['Guests', 'Accounts come in at once.'],
    ['Who is not invited, and guests', 'Those who were invited before the meeting began'],
  ] as const) {
    await choose('Waiting room', option);
    await expect(form.getByText(hint)).toBeVisible();
  }
  const wait = form.getByText('Guests who have registered wait, too.', { exact: false });
  await expect(wait).toHaveCount(0);
  await form.getByRole('switch', { name: /^Guests register before/ }).check();
  await expect(wait).toBeVisible();
  await form.getByRole('combobox', { name: 'Waiting room', exact: true }).scrollIntoViewIfNeeded();
  await look(page, 'form-waiting');
  await page.emulateMedia({ colorScheme: 'dark' });
  await noBarrier(page, 'form of a public conference, dark', { colours: true });
  await look(page, 'form-waiting-dark');
  await page.emulateMedia({ colorScheme: 'light' });
  await form.getByRole('switch', { name: /^Guests register before/ }).uncheck();
  await form.getByRole('checkbox', { name: 'Begins locked' }).check();
  await form.getByLabel('At most so many people').fill('20');
  await form.getByLabel('Of them guests').fill('5');
  await choose('Height of cameras', '360 pixels');
  await choose('Pictures a second of cameras', '15 a second');
  await choose('Height of shared screens', '1,080 pixels');
  await form.getByRole('radio', { name: /^Smart meeting/ }).scrollIntoViewIfNeeded();
  await look(page, 'form-smart');
  await noBarrier(page, 'form of a smart meeting');
  await form.getByRole('button', { name: 'Create conference' }).click();
  await expect(page.getByText(`${name} was created.`)).toBeVisible();
  const list = await (await rest.call('GET', `/conferences?search=${encodeURIComponent(name)}`)).json();
  const { cid } = list.items[0];
  expect(list.items[0]).toMatchObject({
    access: 'public',
    settings: {
      mode: 'smart',
      podium_places: 4,
      waiting_room: 'uninvited',
      uninvited: true,
      begins_locked: true,
      participant_limit: 20,
      guest_limit: 5,
      quality: { camera_height: 360, camera_fps: 15, content_height: 1080, content_fps: 0 },
    },
  });

  await page.getByRole('button', { name: `Settings of ${name}` }).click();
  await form.getByRole('radio', { name: /^Lecture/ }).check();
  await expect(form.getByLabel('Places on the podium')).toHaveCount(0);
  await form.getByLabel('Lecturers').fill(other.id);
  await page.keyboard.press('Enter');
  await form.getByLabel('Lecturers').fill('nobody-of-this-name');
  await page.keyboard.press('Enter');
  await form.getByLabel('At most so many people').fill('');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(form.getByText('there is no user "nobody-of-this-name"', { exact: true })).toBeVisible();
  await form.getByLabel('Lecturers').press('Backspace');
  await page.setViewportSize({ width: 390, height: 844 });
  await form.getByRole('radio', { name: /^Lecture/ }).scrollIntoViewIfNeeded();
  await look(page, 'form-lecture-phone');
  await noBarrier(page, 'form of a lecture');
  await form.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText(`${name} was saved.`)).toBeVisible();
  const now = await (await rest.call('GET', `/conferences/${cid}`)).json();
  expect(now.settings).toMatchObject({ mode: 'lecture', lecturers: [other.id], guest_limit: 5 });
  expect(now.settings.participant_limit, 'no limit').toBe(0);
  expect(now.settings.invited, 'who lectures is invited').toEqual([other.id]);
  expect((await rest.call('DELETE', `/conferences/${cid}`)).status()).toBe(204);
});

test('an account makes a conference of its own', async ({ page, rest, person }) => {
  const name = `Own ${freshId('own')}`;
  await signIn(page, here, person.id, PASSWORD);
  await page.getByRole('button', { name: 'Create', exact: true }).click();
  const form = page.getByRole('dialog');
  await form.getByLabel('Name', { exact: true }).fill(name);
  await form.getByLabel('Waiting room').click();
  await page.getByRole('option', { name: 'Everybody' }).click();
  await form.getByRole('button', { name: 'Create conference' }).click();
  await expect(page.getByText(`${name} was created.`)).toBeVisible();
  await page.getByRole('button', { name: `Settings of ${name}` }).click();
  await expect(page.getByRole('dialog').getByLabel('Waiting room')).toHaveValue('Everybody');
  const shown = await page.getByRole('dialog').getByLabel('Conference ID').inputValue();
  const cid = shown.replaceAll(' ', '');
  expect(cid, 'made up by the server').toMatch(/^[1-9][0-9]{8}$/);
  const made = await (await rest.call('GET', `/conferences/${cid}`)).json();
  expect(made).toMatchObject({ owner: person.id, settings: { waiting_room: 'all' } });
  await look(page, 'own');
});

test('one enters the PIN, waits and is let in', async ({ browser, person, other, conference, rest }) => {
  test.setTimeout(120_000);
  const cid = await conference(person, { pin: '4711', waiting_room: 'all' });
  const owner = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);

  const guest = await newPage(browser);
  await signIn(guest, there, other.id, PASSWORD);
  await guest.goto(`${there}/m/${cid}`);
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await guest.getByLabel('PIN').fill('0000');
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(guest.getByText('That PIN is wrong. You have 4 attempts left.')).toBeVisible();
  await look(guest, 'pin');
  await noBarrier(guest, 'PIN');
  await guest.getByLabel('PIN').fill('4711');
  await guest.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(guest.getByRole('heading', { name: 'You are in the waiting room' })).toBeVisible();
  await look(guest, 'waiting');
  await noBarrier(guest, 'waiting room');

  await expect(owner.getByText(`${other.display_name} waits to be let in.`)).toBeVisible();
  await look(owner, 'somebody-waits');
  await people(owner);
  await expect(owner.getByRole('button', { name: `Let ${other.display_name} in` })).toBeVisible();
  await look(owner, 'people-waiting');
  await noBarrier(owner, 'who waits');
  // Loading the page again loses nothing.
  await guest.reload();
  await expect(guest.getByRole('heading', { name: 'You are in the waiting room' })).toBeVisible();
  await owner.getByRole('button', { name: `Let ${other.display_name} in` }).click();
  await isInside(guest);
  await plays(tile(guest, person.display_name));
  await plays(tile(owner, other.display_name));

  await actOn(owner, other.display_name, 'Send to the waiting room');
  await expect(guest.getByRole('heading', { name: 'You are in the waiting room' })).toBeVisible();
  await expect(tile(owner, other.display_name)).toHaveCount(0);
  // Who moderates can do the rest without being in, from the conference's sheet.
  const desk = await owner.context().newPage();
  await desk.goto(`${here}/meetings?conference=${cid}`);
  await desk.getByRole('tab', { name: 'Now' }).click();
  await expect(desk.getByRole('heading', { name: '1 person is in' })).toBeVisible();
  await expect(desk.getByRole('heading', { name: '1 person waits' })).toBeVisible();
  await look(desk, 'now');
  await noBarrier(desk, 'a conference that goes on');
  await desk.getByRole('button', { name: `Let ${other.display_name} in` }).click();
  await isInside(guest);
  await expect(desk.getByRole('heading', { name: '2 people are in' })).toBeVisible();
  await desk.getByRole('button', { name: `What to do with ${other.display_name}` }).click();
  await desk.emulateMedia({ colorScheme: 'dark' });
  await desk.setViewportSize({ width: 390, height: 844 });
  await look(desk, 'now-phone');
  await noBarrier(desk, 'a conference that goes on, dark', { colours: true });
  await desk.getByRole('menuitem', { name: 'Send to the waiting room' }).click();
  await desk.getByRole('button', { name: 'Lock the meeting' }).click();
  await expect(desk.getByRole('button', { name: 'Unlock the meeting' })).toBeVisible();
  await desk.getByRole('button', { name: 'PIN and waiting room' }).click();
  await desk.getByLabel('New PIN').fill('1234');
  await desk.getByRole('button', { name: 'Change PIN' }).click();
  await expect(desk.getByText('The PIN is 1234.')).toBeVisible();
  await look(desk, 'now-rules');
  await desk.keyboard.press('Escape');
  await desk.getByRole('button', { name: `Turn ${other.display_name} away` }).click();
  await expect(guest.getByRole('heading', { name: 'You were not let in' })).toBeVisible();
  await desk.getByRole('button', { name: 'Unlock the meeting' }).click();
  await rest.call('POST', `/conferences/${cid}/acts`, {
    act: 'set_layout',
    layout: { arrangement: 'speaker', locked: true },
  });
  await expect(desk.getByText('Everybody is shown “Speaker” and cannot choose otherwise.')).toBeVisible();
  await expect(desk.getByRole('heading', { name: '1 person was removed' })).toBeVisible();
  await look(desk, 'now-removed-phone');
  await noBarrier(desk, 'who was removed, from outside', { colours: true });
  await desk.emulateMedia({ colorScheme: 'light' });
  await desk.setViewportSize({ width: 1280, height: 900 });
  await look(desk, 'now-removed');
  await desk.getByRole('button', { name: 'Let everybody choose' }).click();
  await expect(desk.getByText('Everybody is shown', { exact: false })).toHaveCount(0);
  await desk.getByRole('button', { name: `Let ${other.display_name} back` }).click();
  await expect(desk.getByRole('heading', { name: '1 person was removed' })).toHaveCount(0);
  await desk.getByRole('button', { name: 'End for everyone' }).click();
  await noBarrier(desk, 'before a meeting is ended');
  const asked = desk.getByRole('dialog', { name: 'End the meeting for everyone?' });
  await asked.getByRole('button', { name: 'End for everyone' }).click();
  await expect(owner.getByRole('heading', { name: 'The meeting has ended' })).toBeVisible();
  await expect(desk.getByText('Nobody is in now')).toBeVisible();
  await guest.context().close();
  await owner.context().close();
});

/** Somebody's program watches, from a page of theirs that is in no meeting. */
const watches = (page: Page, cid: string) =>
  page.evaluate(async (of) => {
    const { token } = JSON.parse(localStorage.getItem('plenary.session') ?? '{}') as { token: string };
    const connection = new RTCPeerConnection();
    Object.assign(window, { watching: connection });
    connection.addTransceiver('audio', { direction: 'recvonly' });
    connection.addTransceiver('video', { direction: 'recvonly' });
    await connection.setLocalDescription();
    const answer = await fetch(`/whep/${of}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/sdp' },
      body: connection.localDescription?.sdp,
    });
    const text = await answer.text();
    if (answer.ok) await connection.setRemoteDescription({ type: 'answer', sdp: text });
    return { status: answer.status, text };
  }, cid);

test('a moderator sees who watches by a program, and removes it', async ({
  browser,
  person,
  other,
  conference,
}) => {
  const cid = await conference(person, {});
  const owner = await newPage(browser);
  const ben = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await signIn(ben, there, other.id, PASSWORD);
  await join(owner, here, cid);
  expect((await watches(ben, cid)).status).toBe(201);
  await people(owner);
  const list = owner.getByRole('heading', { name: '1 program watches' });
  await expect(list).toBeVisible();
  await look(owner, 'watchers');
  await noBarrier(owner, 'programs that watch');
  await owner
    .getByRole('button', { name: `Have the program of ${other.display_name} watch no more` })
    .click();
  const asked = owner.getByRole('dialog', { name: 'Remove this program?' });
  await expect(asked).toContainText('before the next meeting');
  await asked.getByRole('button', { name: 'Cancel' }).click();
  await expect(list).toBeVisible();
  await owner
    .getByRole('button', { name: `Have the program of ${other.display_name} watch no more` })
    .click();
  await noBarrier(owner, 'before a program is removed');
  await asked.getByRole('button', { name: 'Remove' }).click();
  await expect(list).toHaveCount(0);
  const again = await watches(ben, cid);
  expect(again.status).toBe(403);
  expect(JSON.parse(again.text)).toMatchObject({ code: 'removed' });
  expect(again.text).toContain('a moderator removed your program');
});

test('a moderator mutes, removes and ends for all', async ({ browser, person, other, conference }) => {
  // A long story, with two browsers that encode and decode.
  test.setTimeout(150_000);
  const cid = await conference(person, {});
  const owner = await newPage(browser);
  const ben = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await signIn(ben, there, other.id, PASSWORD);
  await join(owner, here, cid);
  await join(ben, there, cid);
  await plays(tile(owner, other.display_name));
  await people(owner);
  await actOn(owner, other.display_name, 'Mute');
  await expect(ben.getByRole('button', { name: 'Unmute' })).toBeVisible();
  await actOn(owner, other.display_name, 'Ask to unmute');
  await expect(ben.getByText('A moderator asks you to speak.')).toBeVisible();
  await look(ben, 'asked');
  await ben.getByRole('status').getByRole('button', { name: 'Unmute' }).click();
  await expect(ben.getByText('A moderator asks you to speak.')).toHaveCount(0);
  await actOn(owner, other.display_name, 'Turn camera off');
  await expect(ben.getByRole('button', { name: 'Turn camera on' })).toBeVisible();
  await ben.getByRole('button', { name: 'Share screen' }).click();
  await plays(tile(owner, `Screen of ${other.display_name}`));
  await actOn(owner, other.display_name, 'End their screen share');
  await expect(ben.getByRole('button', { name: 'Share screen' })).toBeVisible();
  await expect(tile(owner, `Screen of ${other.display_name}`)).toHaveCount(0);
  await owner.getByRole('button', { name: 'Lock the meeting' }).click();
  await expect(ben.getByLabel('The meeting is locked')).toBeVisible();
  await owner.getByRole('button', { name: `What to do with ${other.display_name}` }).click();
  await look(owner, 'person-menu');
  await noBarrier(owner, 'menu of a person');
  await owner.getByRole('menuitem', { name: 'Remove from the meeting' }).click();
  await expect(ben.getByRole('heading', { name: 'You were removed from the meeting' })).toBeVisible();
  await ben.goto(`${there}/m/${cid}`);
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  // Who was removed does not come back until they are let back.
  await expect(ben.getByRole('heading', { name: 'You were removed from this meeting' })).toBeVisible();
  await look(ben, 'removed-again');
  const gone = owner.getByRole('region', { name: '1 person was removed' });
  await look(owner, 'removed');
  await noBarrier(owner, 'who was removed');
  await owner.setViewportSize({ width: 390, height: 844 });
  await owner.emulateMedia({ colorScheme: 'dark' });
  await look(owner, 'removed-phone');
  await owner.emulateMedia({ colorScheme: 'light' });
  await owner.setViewportSize({ width: 1280, height: 720 });
  await gone.getByRole('button', { name: `Let ${other.display_name} back` }).click();
  await expect(gone).toHaveCount(0);
  await ben.getByRole('button', { name: 'Join again' }).click();
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  await expect(ben.getByRole('heading', { name: 'The meeting is locked' })).toBeVisible();
  await owner.getByRole('button', { name: 'Unlock the meeting' }).click();
  await ben.getByRole('button', { name: 'Join again' }).click();
  await ben.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(ben);
  await owner.getByRole('button', { name: 'Leave', exact: true }).click();
  await owner.getByRole('menuitem', { name: 'End for everyone' }).click();
  await expect(ben.getByRole('heading', { name: 'The meeting has ended' })).toBeVisible();
  await expect(owner.getByRole('heading', { name: 'The meeting has ended' })).toBeVisible();
  await ben.context().close();
  await owner.context().close();
});

test('one asks for the podium and gets it', async ({ browser, person, other, conference }) => {
  const cid = await conference(person, { mode: 'role_based', podium_places: 2 });
  const owner = await newPage(browser);
  const ben = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await signIn(ben, there, other.id, PASSWORD);
  await join(owner, here, cid);
  await join(ben, there, cid);
  await plays(tile(ben, person.display_name));
  await expect(tile(owner, other.display_name)).toHaveCount(0);
  await ben.getByRole('button', { name: 'Ask for the podium' }).click();
  await look(ben, 'listener');
  await people(owner);
  await expect(owner.getByLabel('Hand raised, number 1')).toBeVisible();
  await look(owner, 'queue');
  await actOn(owner, other.display_name, 'Give a place on the podium');
  await plays(tile(owner, other.display_name));
  await expect(ben.getByRole('button', { name: 'Leave the podium' })).toBeVisible();
  await look(ben, 'podium');
  await ben.getByRole('button', { name: 'Leave the podium' }).click();
  await expect(tile(owner, other.display_name)).toHaveCount(0);
  // The server has lowered the hand: it can be raised anew.
  await expect(owner.getByLabel('Hand raised, number 1')).toHaveCount(0);
  await ben.getByRole('button', { name: 'Ask for the podium' }).click();
  await expect(owner.getByLabel('Hand raised, number 1')).toBeVisible();
  await actOn(owner, other.display_name, 'Give a place on the podium');
  await expect(ben.getByRole('button', { name: 'Leave the podium' })).toBeVisible();
  await ben.context().close();
  await owner.context().close();
});

test('one is invited to the podium, declines and accepts', async ({ browser, person, other, conference }) => {
  test.setTimeout(120_000);
  const cid = await conference(person, { mode: 'role_based', podium_places: 2 });
  const owner = await newPage(browser);
  const ben = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await signIn(ben, there, other.id, PASSWORD);
  await join(owner, here, cid);
  await join(ben, there, cid);
  await people(owner);
  const row = owner.getByRole('listitem').filter({ hasText: other.display_name });
  await actOn(owner, other.display_name, 'Invite to the podium');
  await expect(row).toContainText('Invited to the podium');
  const asked = ben.getByRole('dialog', { name: 'You are invited to the podium' });
  await expect(asked).toBeVisible();
  await look(ben, 'invited');
  await noBarrier(ben, 'invited to the podium');
  // A reload in between changes nothing, and no key that is held answers.
  await ben.reload();
  await isInside(ben);
  await expect(asked).toBeVisible();
  await ben.keyboard.press('Enter');
  await ben.keyboard.press('Space');
  await expect(asked).toBeVisible();
  await ben.keyboard.press('Tab');
  await expect(asked.getByRole('button', { name: 'Decline' })).toBeFocused();
  await ben.keyboard.press('Enter');
  await expect(asked).toBeHidden();
  await expect(row).toContainText('Declined the podium');
  await expect(owner.getByText(`${other.display_name} does not come to the podium.`)).toBeVisible();
  await look(owner, 'declined');
  await noBarrier(owner, 'declined the podium');
  await expect(tile(owner, other.display_name)).toHaveCount(0);

  // Asked too early they are left alone; then they come.
  await expect(async () => {
    await actOn(owner, other.display_name, 'Invite to the podium');
    await expect(asked).toBeVisible({ timeout: 2_000 });
  }).toPass({ timeout: 30_000 });
  await ben.emulateMedia({ colorScheme: 'dark' });
  await ben.setViewportSize({ width: 390, height: 844 });
  await look(ben, 'invited-phone');
  await noBarrier(ben, 'invited to the podium, dark');
  await asked.getByRole('button', { name: 'Step onto the podium' }).click();
  await plays(tile(owner, other.display_name));
  await expect(row).toContainText('On the podium');
  await ben.context().close();
  await owner.context().close();
});

test('a lecture is handed over', async ({ browser, person, other, conference }) => {
  test.setTimeout(120_000);
  const cid = await conference(person, { mode: 'lecture' });
  const owner = await newPage(browser);
  const ben = await newPage(browser);
  const ann = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await signIn(ben, there, other.id, PASSWORD);
  await join(owner, here, cid);
  await join(ben, there, cid);
  await join(ann, there, cid, 'Ann');
  await plays(tile(ann, person.display_name));
  await plays(tile(owner, other.display_name));
  await expect(tile(ann, other.display_name)).toHaveCount(0);
  await people(owner);
  const row = owner.getByRole('listitem').filter({ hasText: other.display_name });
  await actOn(owner, other.display_name, 'Hand the lecture over');
  await expect(row).toContainText('Lectures');
  // Nobody is shown to all unawares.
  await expect(ben.getByText('The lecture is yours.')).toBeVisible();
  await look(ben, 'lecture-handed');
  await noBarrier(ben, 'handed the lecture');
  await expect(tile(ann, person.display_name)).toHaveCount(0);
  await ben.getByRole('button', { name: 'Turn camera on' }).click();
  await plays(tile(ann, other.display_name));
  await plays(tile(ben, 'Ann'));
  // It is kept over a reload, and given back.
  await ben.reload();
  await isInside(ben);
  await plays(tile(ann, other.display_name));
  await ben.getByRole('button', { name: 'Stop lecturing' }).click();
  await expect(ann.getByText('The lecturer is not here yet.')).toBeVisible();
  await owner.getByRole('toolbar').getByRole('button', { name: 'Lecture', exact: true }).click();
  await plays(tile(ann, person.display_name));
  await look(ann, 'lecture-listener');
  for (const page of [ann, ben, owner]) await page.context().close();
});

test('a moderator lays the pictures out for everybody, and locks it', async ({
  browser,
  person,
  other,
  conference,
}) => {
  test.setTimeout(120_000);
  const cid = await conference(person, {});
  const owner = await newPage(browser);
  await signIn(owner, here, person.id, PASSWORD);
  await join(owner, here, cid);
  const guest = await newPage(browser);
  await signIn(guest, there, other.id, PASSWORD);
  await join(guest, there, cid);
  await expect(tile(guest, person.display_name)).toBeVisible();
  await expect(tile(guest, `${other.display_name} (you)`)).toBeVisible();

  const layout = (page: Page) => page.getByRole('toolbar').getByRole('button', { name: 'Layout' }).click();
  await layout(owner);
  await owner.getByRole('menuitemradio', { name: 'Only who speaks' }).click();
  await layout(owner);
  await owner.getByRole('menuitem', { name: 'Lock my view' }).click();
  // Of the two only the other one is left.
  await expect(tile(guest, `${other.display_name} (you)`)).toHaveCount(0);
  await expect(tile(guest, person.display_name)).toBeVisible();
  await layout(guest);
  await expect(guest.getByText('A moderator has chosen for everybody.')).toBeVisible();
  await look(guest, 'layout-locked');
  await noBarrier(guest, 'locked layout');
  await guest.keyboard.press('Escape');
  await guest.reload();
  await isInside(guest);
  await expect(tile(guest, `${other.display_name} (you)`)).toHaveCount(0);

  await layout(owner);
  await owner.getByRole('menuitem', { name: 'Let everybody choose' }).click();
  await expect(tile(guest, `${other.display_name} (you)`)).toBeVisible();
});
