import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, join, newPage, tile } from './room';
import { another, expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/** People register for a public conference, and come by their personal links. */

test.use(devices);

const look = (page: Page, name: string) =>
  page.screenshot({ path: `test-results/look/registration-${name}.png`, fullPage: true });

test('a guest joins a webinar through registration', async ({ browser, person, rest }) => {
  test.setTimeout(180_000);
  const cid = freshId('webinar');
  const owner = await newPage(browser);
  const [guest, second, wrong] = [await newPage(browser), await newPage(browser), await another(browser)];
  try {
    // The owner has people register, in the form.
    await signIn(owner, here, person.id, PASSWORD);
    await owner.getByRole('button', { name: 'Create', exact: true }).click();
    const form = owner.getByRole('dialog');
    await form.getByLabel('Name', { exact: true }).fill(`Webinar ${cid}`);
    await form.getByRole('radio', { name: 'Chosen by hand' }).check();
    await form.getByRole('textbox', { name: 'Conference ID' }).fill(cid);
    await form.getByRole('radio', { name: /^When a moderator starts it/ }).check();
    await form.getByRole('radio', { name: 'Public: guests too' }).check();
    await form.getByRole('checkbox', { name: 'speak', exact: true }).uncheck();
    await form.getByRole('checkbox', { name: 'write in the chat', exact: true }).uncheck();
    await form.getByRole('switch', { name: /^Guests register before/ }).check();
    await form.getByRole('button', { name: 'Add a field' }).click();
    await form.getByLabel('Question 1', { exact: true }).fill('Which track?');
    await form.getByLabel('Answered by').click();
    await owner.getByRole('option', { name: 'One of a list' }).click();
    await form.getByLabel('Choices').fill('Rust\nWeb');
    await form.getByLabel('Must be answered').check();
    await form.getByLabel('What they agree to').fill('The talk is recorded.');
    await form.getByText('Guests register before').scrollIntoViewIfNeeded();
    await look(owner, 'form');
    await noBarrier(owner, 'form');
    await form.getByRole('button', { name: 'Create conference' }).click();
    await expect(owner.getByText('was created.')).toBeVisible();

    // A guest sees when it begins, and fills in what is asked.
    await guest.setViewportSize({ width: 390, height: 844 });
    await guest.goto(`${there}/m/${cid}`);
    await expect(guest.getByText('begins when a moderator starts it', { exact: false })).toBeVisible();
    await guest.getByLabel('Your name').fill('Gil');
    await guest.getByRole('button', { name: 'Register', exact: true }).click();
    await expect(guest.getByText('This is needed to register.')).toHaveCount(3);
    await noBarrier(guest, 'what is missing');
    await look(guest, 'missing');
    await guest.getByLabel('Email').fill('gil@example.com');
    await guest.getByRole('combobox', { name: 'Which track?' }).click();
    await guest.getByRole('option', { name: 'Rust' }).click();
    await guest.getByLabel('I agree to this').check();
    await guest.getByRole('button', { name: 'Register', exact: true }).click();
    await expect(guest.getByText('You are registered')).toBeVisible();
    const link = await guest.getByLabel('Your personal link').inputValue();
    expect(link).toContain(`${there}/m/${cid}#r=guest-`);
    await noBarrier(guest, 'registered');
    await look(guest, 'registered');

    // Loaded again, this browser knows it; with somebody else's secret nobody is let in.
    await guest.reload();
    await expect(guest.getByText('As Gil')).toBeVisible();
    await wrong.goto(`${link}x`);
    await expect(wrong.getByText('This personal link is not valid')).toBeVisible();
    await expect(wrong.getByRole('button', { name: 'Register', exact: true })).toBeVisible();
    await noBarrier(wrong, 'a link that is not valid');
    await look(wrong, 'invalid');

    // Who is early comes in when it begins.
    await guest.getByRole('button', { name: 'Go to the meeting' }).click();
    await guest.getByRole('button', { name: 'Join when it begins' }).click();
    await join(owner, here, cid);
    await owner.getByRole('button', { name: 'Begin now' }).click();
    await expect(guest.locator('[data-phase=in]')).toBeVisible({ timeout: 30_000 });
    await expect(tile(owner, 'Gil')).toBeVisible();
    // What guests may not do is said where they would do it.
    await expect(guest.getByText('Guests are seen in this meeting, but not heard.')).toBeVisible();
    await expect(guest.getByRole('button', { name: 'Guests do not speak in this meeting' })).toBeVisible();
    await guest.getByRole('button', { name: 'Chat' }).click();
    await expect(guest.getByText('Guests read here', { exact: false })).toBeVisible();
    await look(guest, 'rights');
    await noBarrier(guest, 'what guests may not do');

    // By the link on another device one is there, and here no more.
    await second.goto(link);
    await expect(second.getByText('You join as Gil.')).toBeVisible();
    expect(new URL(second.url()).hash, 'the secret does not stay in the address').toBe('');
    await second.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(second);
    await expect(guest.getByText('You are in this meeting elsewhere')).toBeVisible();
    await expect(tile(owner, 'Gil')).toHaveCount(1);

    // The owner sees who has registered and came, and takes it back.
    const list = await newPage(browser);
    await signIn(list, here, person.id, PASSWORD);
    await list.goto(`${here}/home?conference=${cid}`);
    await list.getByRole('tab', { name: 'Registrations' }).click();
    await expect(list.getByText('1 registered, 1 came')).toBeVisible();
    await expect(list.getByText('Which track?: Rust')).toBeVisible();
    await look(list, 'list');
    await noBarrier(list, 'registrations');
    const [file] = await Promise.all([
      list.waitForEvent('download'),
      list.getByRole('button', { name: 'Export as CSV' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe(`${cid}-registrants.csv`);
    await list.getByRole('button', { name: 'Remove the registration of Gil' }).click();
    await list.getByRole('button', { name: 'Remove', exact: true }).click();
    await expect(list.getByText('The registration of Gil was removed.')).toBeVisible();
    // The place is gone, and with it the token: whichever is heard of first.
    await expect(
      second.getByText(/You were removed from|You are not in this meeting any more/),
    ).toBeVisible();
    await second.goto(`${there}/m/${cid}`);
    await expect(second.getByText('This personal link is not valid')).toBeVisible();
    await list.context().close();
  } finally {
    for (const page of [owner, guest, second, wrong]) await page.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});

test('who has an account needs no form', async ({ browser, person, rest }) => {
  const cid = freshId('seminar');
  const made = await rest.call('POST', '/conferences', {
    cid,
    name: 'Seminar',
    access: 'public',
    settings: { registration: { on: true } },
  });
  expect(made.status(), await made.text()).toBe(201);
  const page = await newPage(browser);
  try {
    await page.goto(`${here}/m/${cid}`);
    await expect(page.getByRole('button', { name: 'Register', exact: true })).toBeVisible();
    await page.getByRole('link', { name: 'I have an account here', exact: false }).click();
    await page.getByLabel('User ID or email').fill(person.id);
    await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByText(`You join as ${person.display_name}.`)).toBeVisible();
    await page.getByRole('button', { name: 'Join', exact: true }).click();
    await isInside(page);
  } finally {
    await page.context().close();
    await rest.call('DELETE', `/conferences/${cid}`);
  }
});
