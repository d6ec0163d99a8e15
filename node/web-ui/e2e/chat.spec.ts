import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage } from './room';
import { expect, freshId, here, PASSWORD, signIn, test as base, there, type Account } from './server';

/** The chat of a conference (CHAT-01), and guests who come back to what they wrote (AUTH-08). */

interface Fixtures {
  room: string;
  other: Account;
}

const test = base.extend<Fixtures>({
  room: async ({ rest, person }, give) => {
    const cid = freshId('chat');
    const conference = { cid, name: `Conference ${cid}`, access: 'public', owner: person.id };
    const answer = await rest.call('POST', '/conferences', conference);
    expect(answer.status(), await answer.text()).toBe(201);
    await give(cid);
    await rest.call('DELETE', `/conferences/${cid}`);
  },
  other: async ({ rest }, give) => {
    const other = await rest.createUser({ display_name: 'Ben Lee' });
    await give(other);
    await rest.deleteUser(other.id);
  },
});

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/chat-${name}.png` });
const chat = (page: Page) => page.getByRole('button', { name: /^Chat/ });
const field = (page: Page) => page.getByRole('textbox', { name: 'Write to everyone' });
/** The first one: answers have what they answer in them too. */
const line = (page: Page, text: string) =>
  page.getByRole('log').getByRole('listitem').filter({ hasText: text }).first();

async function write(page: Page, text: string) {
  await field(page).fill(text);
  await page.keyboard.press('Enter');
  await expect(line(page, text)).toBeVisible();
}

async function act(page: Page, text: string, what: string) {
  await line(page, text).hover();
  await line(page, text)
    .getByRole('button', { name: /^Actions for/ })
    .click();
  await page.getByRole('menuitem', { name: what, exact: true }).click();
}

test('messages are found, and one sees who writes and how many have read', async ({
  browser,
  person,
  other,
  room,
}) => {
  test.setTimeout(120_000);
  const [host, ben] = [await newPage(browser), await newPage(browser)];
  try {
    await signIn(host, here, person.id, PASSWORD);
    await join(host, here, room);
    await signIn(ben, there, other.id, PASSWORD);
    await join(ben, there, room);
    await chat(host).click();
    for (const text of ['Déjà vu', 'The plan', 'Something else', 'Another Plan']) await write(host, text);
    // On another node, and read once it is looked at.
    await expect(host.getByText('Read by 1')).toHaveCount(0);
    await chat(ben).click();
    await expect(line(host, 'Another Plan')).toContainText('Read by 1');
    await field(ben).fill('Wait');
    await expect(host.getByText('Ben Lee is writing…')).toBeVisible();
    await look(host, 'writing');
    await ben.keyboard.press('Enter');
    await expect(line(host, 'Wait')).toBeVisible();
    await expect(host.getByText('Ben Lee is writing…')).toHaveCount(0);

    await host.getByRole('button', { name: 'Search messages' }).click();
    const sought = host.getByRole('textbox', { name: 'Search messages' });
    await expect(sought).toBeFocused();
    await sought.fill('plan');
    const found = host.getByRole('search').getByRole('status');
    await expect(found).toContainText('2 of 2');
    await expect(line(host, 'Another Plan')).toHaveAttribute('data-hit', 'true');
    await host.keyboard.press('Enter');
    await expect(found).toContainText('1 of 2');
    await expect(line(host, 'The plan')).toHaveAttribute('data-hit', 'true');
    await expect(sought).toBeFocused();
    await look(host, 'search');
    await noBarrier(host, 'a search in the chat');
    await sought.fill('deja');
    await expect(found).toContainText('1 of 1');
    await sought.fill('nothing like it');
    await expect(found).toContainText('No message has that.');
    await host.keyboard.press('Escape');
    await expect(sought).toHaveCount(0);
    await expect(field(host)).toBeFocused();
  } finally {
    for (const page of [host, ben]) await page.context().close();
  }
});

test('messages are edited, answered and deleted', async ({ browser, person, other, room }) => {
  test.setTimeout(150_000);
  const [host, ben] = [await newPage(browser), await newPage(browser)];
  try {
    await signIn(host, here, person.id, PASSWORD);
    await join(host, here, room);
    await signIn(ben, there, other.id, PASSWORD);
    await join(ben, there, room);
    for (const page of [host, ben]) await chat(page).click();
    await write(ben, 'Shall we beginn?');
    await expect(line(host, 'Shall we beginn?')).toBeVisible();

    await act(ben, 'Shall we beginn?', 'Edit');
    const edited = ben.getByRole('textbox', { name: 'Change your message' });
    await expect(edited).toBeFocused();
    await expect(edited).toHaveValue('Shall we beginn?');
    await noBarrier(ben, 'a message that is changed');
    await edited.fill('Shall we begin?');
    await ben.keyboard.press('Enter');
    await expect(line(host, 'Shall we begin?')).toContainText('(edited)');

    // A moderator changes nothing of others, but answers, and deletes.
    await line(host, 'Shall we begin?')
      .getByRole('button', { name: `Actions for the message of ${other.display_name}` })
      .focus();
    await host.keyboard.press('Enter');
    await expect(host.getByRole('menuitem', { name: 'Edit' })).toHaveCount(0);
    await host.getByRole('menuitem', { name: 'Reply' }).click();
    await expect(host.getByText('Reply to Ben Lee:')).toBeVisible();
    await expect(field(host)).toBeFocused();
    await look(host, 'answering');
    await write(host, 'In a minute');
    const quote = ben.getByRole('button', { name: 'Reply to Ben Lee: Shall we begin?', exact: false });
    await quote.click();
    await expect(line(ben, 'Shall we begin?')).toBeFocused();
    await look(ben, 'answered');
    await noBarrier(ben, 'an answer');

    await act(ben, 'Shall we begin?', 'Delete');
    await noBarrier(ben, 'before a message is deleted');
    await ben.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(host.getByRole('log')).toContainText('Message deleted');
    await expect(host.getByRole('log')).toContainText('A message that was deleted');
    await expect(host.getByRole('log')).not.toContainText('Shall we begin?');
    await write(ben, 'Rude words');
    await act(host, 'Rude words', 'Delete');
    await host.getByRole('button', { name: 'Delete', exact: true }).click();
    await expect(ben.getByRole('log')).toContainText('Message deleted by a moderator');
    // The same is there for who comes back.
    await ben.reload();
    await isInside(ben);
    await chat(ben).click();
    await expect(ben.getByRole('log')).toContainText('Message deleted by a moderator');
    await expect(ben.getByRole('log')).not.toContainText('Rude words');
    await look(ben, 'deleted');
    await noBarrier(ben, 'deleted messages');
  } finally {
    for (const page of [host, ben]) await page.context().close();
  }
});

test('somebody is mentioned, hears of it, and finds what is new', async ({
  browser,
  person,
  other,
  room,
}) => {
  test.setTimeout(150_000);
  const [host, ben] = [await newPage(browser), await newPage(browser)];
  try {
    await signIn(host, here, person.id, PASSWORD);
    await join(host, here, room);
    await signIn(ben, there, other.id, PASSWORD);
    await join(ben, there, room);
    await chat(host).click();
    await write(host, 'Before');
    await expect(chat(ben)).toHaveAccessibleName('Chat (1 new message)');
    await chat(ben).click();
    await expect(ben.getByRole('log')).toContainText('Before');
    await chat(ben).click();

    // The list is used by keyboard alone.
    await field(host).focus();
    await host.keyboard.type('Please, @be');
    const list = host.getByRole('listbox', { name: 'People to mention' });
    await expect(list.getByRole('option')).toHaveText([/Ben Lee/]);
    await look(host, 'mention');
    await noBarrier(host, 'a list of people to mention');
    await host.keyboard.press('Escape');
    await expect(list).toHaveCount(0);
    await host.keyboard.type('n');
    await expect(list.getByRole('option', { name: /Ben Lee/ })).toHaveAttribute('aria-selected', 'true');
    await host.keyboard.press('Enter');
    await expect(field(host)).toHaveValue('Please, @Ben Lee ');
    await host.keyboard.type('begin');
    await host.keyboard.press('Enter');
    await expect(line(host, 'Please, @Ben Lee begin')).toBeVisible();

    await expect(chat(ben)).toHaveAccessibleName('Chat (1 new message that mentions you)');
    await expect(
      ben
        .getByRole('status')
        .filter({ hasText: `${person.display_name} mentions you: Please, @Ben Lee begin` }),
    ).toHaveCount(1);
    await look(ben, 'mentioned-button');
    await noBarrier(ben, 'a mention on the button');
    await chat(ben).click();
    const all = ben.getByRole('log').getByRole('listitem');
    await expect(all).toHaveCount(3);
    await expect(all.nth(1)).toHaveText('New');
    await expect(ben.locator('mark')).toHaveText('@Ben Lee');
    await look(ben, 'mentioned');
    await noBarrier(ben, 'a mention and a divider');
    // Once it was seen it is new no more.
    await chat(ben).click();
    await chat(ben).click();
    await expect(all).toHaveCount(2);

    await ben.emulateMedia({ colorScheme: 'dark' });
    await ben.setViewportSize({ width: 390, height: 844 });
    await ben
      .getByRole('button', { name: /^Actions for the message/ })
      .last()
      .click();
    await expect(ben.getByRole('menuitem', { name: 'Reply' })).toBeVisible();
    await look(ben, 'phone');
    await noBarrier(ben, 'the chat on a phone');
  } finally {
    for (const page of [host, ben]) await page.context().close();
  }
});

test('a guest comes back as who they were, or as somebody else', async ({ browser, person, room }) => {
  test.setTimeout(150_000);
  const [host, guest] = [await newPage(browser), await newPage(browser)];
  try {
    await signIn(host, here, person.id, PASSWORD);
    await join(host, here, room);
    await chat(host).click();
    await join(guest, here, room, 'Gil');
    await chat(guest).click();
    await write(guest, 'I shall be back');
    await guest.getByRole('button', { name: 'Leave' }).click();
    // As after the end of the token: the key alone is left, and the other node is asked.
    await guest.evaluate((key) => {
      const pass = JSON.parse(localStorage.getItem(key)!) as Record<string, string>;
      localStorage.setItem(
        key,
        JSON.stringify({ ...pass, token: 'gone', expires_at: new Date(0).toISOString() }),
      );
    }, `plenary.guest.${room}`);
    await guest.goto(`${here}/m/${room}`);
    await expect(guest.getByText('You have been here as Gil', { exact: false })).toBeVisible();
    await look(guest, 'known-guest');
    await noBarrier(guest, 'a guest who is known');
    await guest.getByLabel('Your name').fill('Gilda');
    await guest.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(guest);
    await chat(guest).click();
    await act(guest, 'I shall be back', 'Edit');
    await guest.getByRole('textbox', { name: 'Change your message' }).fill('I am back');
    await guest.keyboard.press('Enter');
    // By the name that they have now, also of what they wrote before.
    await expect(line(host, 'I am back')).toContainText('Gilda');

    await guest.getByRole('button', { name: 'Leave' }).click();
    await guest.goto(`${here}/m/${room}`);
    await guest.getByRole('button', { name: 'I am somebody else' }).click();
    await expect(guest.getByLabel('Your name')).toHaveValue('');
    await expect(guest.getByText('You have been here as', { exact: false })).toHaveCount(0);
    await join(guest, here, room, 'Hal');
    await chat(guest).click();
    await line(guest, 'I am back').hover();
    await line(guest, 'I am back')
      .getByRole('button', { name: /^Actions for/ })
      .click();
    await expect(guest.getByRole('menuitem', { name: 'Reply' })).toBeVisible();
    await expect(guest.getByRole('menuitem', { name: 'Edit' })).toHaveCount(0);
  } finally {
    for (const page of [host, guest]) await page.context().close();
  }
});

test('the next meeting of a room shows what was said in the one before, to who was there', async ({
  browser,
  person,
  other,
  room,
  rest,
}) => {
  test.setTimeout(150_000);
  const [host, ben, guest] = [await newPage(browser), await newPage(browser), await newPage(browser)];
  try {
    await signIn(host, here, person.id, PASSWORD);
    await join(host, here, room);
    await signIn(ben, there, other.id, PASSWORD);
    await join(ben, there, room);
    await chat(host).click();
    await write(host, 'As we agreed');
    await chat(ben).click();
    await write(ben, 'On Monday');
    await expect(line(host, 'On Monday')).toBeVisible();
    await expect(host.getByText('This meeting')).toHaveCount(0);
    await host.getByRole('button', { name: 'Leave', exact: true }).click();
    await host.getByRole('menuitem', { name: 'Leave', exact: true }).click();
    await ben.getByRole('button', { name: 'Leave', exact: true }).click();
    const inside = async () => {
      const answer = await rest.call('GET', `/conferences/${room}`);
      return (
        ((await answer.json()) as { meeting: { participants: number } | null }).meeting?.participants ?? 0
      );
    };
    await expect.poll(inside).toBe(0);

    await join(ben, there, room);
    await chat(ben).click();
    const divider = ben.getByRole('log').getByText(/^Meeting of /);
    await expect(divider).toHaveCount(1);
    await expect(line(ben, 'As we agreed')).toBeVisible();
    await expect(ben.getByText('This meeting')).toHaveCount(0);
    await write(ben, 'So today');
    await expect(ben.getByText('This meeting')).toBeVisible();
    await noBarrier(ben, 'lines of two meetings');
    await look(ben, 'two-runs');
    // Who wrote it changes it in the next meeting as well.
    await act(ben, 'On Monday', 'Edit');
    await ben.getByRole('textbox', { name: 'Change your message' }).fill('On Tuesday');
    await ben.keyboard.press('Enter');
    await expect(line(ben, 'On Tuesday')).toContainText('(edited)');

    // A guest who was not there reads nothing of it, and finds nothing.
    await join(guest, here, room, 'Gil');
    await chat(guest).click();
    await expect(line(guest, 'So today')).toBeVisible();
    await expect(guest.getByRole('log')).not.toContainText('As we agreed');
    await expect(guest.getByText(/^Meeting of /)).toHaveCount(0);
    await guest.getByRole('button', { name: 'Search messages' }).click();
    await guest.getByRole('textbox', { name: 'Search messages' }).fill('agreed');
    await expect(guest.getByRole('search').getByRole('status')).toContainText('No message has that.');

    await ben.emulateMedia({ colorScheme: 'dark' });
    await ben.setViewportSize({ width: 390, height: 844 });
    await expect(divider).toBeVisible();
    await look(ben, 'two-runs-phone');
    await noBarrier(ben, 'lines of two meetings on a phone');
  } finally {
    for (const page of [host, ben, guest]) await page.context().close();
  }
});

test('who may not write is told so beforehand', async ({ browser, person, room, rest }) => {
  test.setTimeout(90_000);
  const settings = { guests: { chat: false, audio: true, video: true } };
  const answer = await rest.call('PATCH', `/conferences/${room}`, { settings });
  expect(answer.status(), await answer.text()).toBe(200);
  const [host, guest] = [await newPage(browser), await newPage(browser)];
  try {
    await signIn(host, here, person.id, PASSWORD);
    await join(host, here, room);
    await join(guest, there, room, 'Gil');
    await chat(guest).click();
    await expect(guest.getByText('Guests read here; only people with an account write.')).toBeVisible();
    await expect(field(guest)).toHaveCount(0);
    await noBarrier(guest, 'a chat that one only reads');
  } finally {
    for (const page of [host, guest]) await page.context().close();
  }
});
