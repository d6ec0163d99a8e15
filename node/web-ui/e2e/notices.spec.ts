import type { Page } from '@playwright/test';
import { noBarrier } from './barrier';
import { devices, isInside, newPage } from './room';
import { expect, here, isLive, PASSWORD, signIn, test, there } from './server';

/** Calls where the page is not looked at, and how contacts ring (CALL-01). */

test.use(devices);

const look = (page: Page, name: string) => page.screenshot({ path: `test-results/look/notices-${name}.png` });

interface Shown {
  text: string;
  closed: boolean;
  click: () => void;
}

/** The browser as it is when one looks at something else; what it shows is kept for the test. */
function elsewhere() {
  const shown: Shown[] = [];
  class Notice {
    static permission: NotificationPermission = 'default';
    static requestPermission() {
      Notice.permission = 'granted';
      return Promise.resolve(Notice.permission);
    }
    onclick: (() => void) | null = null;
    private readonly kept: Shown;
    constructor(text: string) {
      this.kept = { text, closed: false, click: () => this.onclick?.() };
      shown.push(this.kept);
    }
    close() {
      this.kept.closed = true;
    }
  }
  Object.assign(window, { Notification: Notice, shown });
  Object.defineProperty(document, 'hidden', { get: () => true });
}

/** Which notes were begun, in hertz. */
function listen() {
  const heard: number[] = [];
  Object.assign(window, { heard });
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (this: OscillatorNode, when?: number) {
    heard.push(Math.round(this.frequency.value));
    start.call(this, when);
  };
}

const heard = (page: Page) =>
  page.evaluate(() => [...new Set((window as unknown as { heard: number[] }).heard)]);

async function ring(caller: Page, callee: { id: string; display_name: string }) {
  await caller.goto(`${here}/contacts?search=${callee.id}`);
  await caller.getByRole('button', { name: `Call ${callee.display_name}` }).click();
  await isInside(caller);
}

test('who looks at something else is told of a call', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const other = await rest.createUser();
  const [caller, callee] = [await newPage(browser), await newPage(browser)];
  const texts = () =>
    callee.evaluate(() =>
      (window as unknown as { shown: Shown[] }).shown.map(({ text, closed }) => ({ text, closed })),
    );
  try {
    await callee.addInitScript(elsewhere);
    await signIn(callee, there, other.id, PASSWORD);
    await isLive(callee);
    await signIn(caller, here, person.id, PASSWORD);
    // Nobody was asked: the call is missed, and the browser’s help is offered.
    await ring(caller, other);
    const rings = `${person.display_name} is calling you`;
    await expect(callee.getByText(rings)).toBeVisible();
    expect(await texts()).toEqual([]);
    await caller.getByRole('button', { name: 'Leave' }).click();
    await expect(callee.getByText('Missed call', { exact: true })).toBeVisible();
    await expect(callee.getByText('You missed a call.', { exact: false })).toBeVisible();
    await look(callee, 'offer');
    await noBarrier(callee, 'an offer beside a missed call');
    await callee.getByRole('button', { name: 'Tell me of calls' }).click();
    await expect(callee.getByText('You missed a call.', { exact: false })).toHaveCount(0);

    await ring(caller, other);
    await expect.poll(texts).toEqual([{ text: rings, closed: false }]);
    await callee.getByRole('button', { name: 'Decline' }).click();
    await expect.poll(texts).toEqual([{ text: rings, closed: true }]);

    // The switch says how it is, and takes it back.
    await callee.getByRole('link', { name: 'Profile' }).first().click();
    const on = callee.getByRole('switch', { name: 'Tell me of calls while I look at something else' });
    await expect(on).toBeChecked();
    // The pointer is still on the link.
    await callee.mouse.move(640, 700);
    await look(callee, 'switch');
    await noBarrier(callee, 'the switch for notices of calls');
    await on.focus();
    await callee.keyboard.press('Space');
    await expect(on).not.toBeChecked();
  } finally {
    for (const page of [caller, callee]) await page.context().close();
    await rest.deleteUser(other.id);
  }
});

test('the buttons of a notice answer and decline', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const other = await rest.createUser();
  const [caller, callee] = [await newPage(browser), await newPage(browser)];
  const context = callee.context();
  /** What the browser itself shows. */
  const shown = () =>
    callee.evaluate(async () => {
      const registration = await navigator.serviceWorker.getRegistration();
      const all = ((await registration?.getNotifications()) ?? []) as (Notification & {
        actions: { action: string }[];
      })[];
      return all.map(({ title, actions }) => [title, ...actions.map(({ action }) => action)]);
    });
  const press = async (action: string) => {
    const worker = context.serviceWorkers()[0]!;
    await worker.evaluate(async (action) => {
      const scope = self as unknown as {
        registration: ServiceWorkerRegistration;
        NotificationEvent: new (type: string, of: object) => Event;
      };
      const [notification] = await scope.registration.getNotifications();
      self.dispatchEvent(new scope.NotificationEvent('notificationclick', { notification, action }));
    }, action);
  };
  try {
    await context.grantPermissions(['notifications', 'camera', 'microphone']);
    await callee.addInitScript(() => Object.defineProperty(document, 'hidden', { get: () => true }));
    await signIn(callee, there, other.id, PASSWORD);
    await isLive(callee);
    await signIn(caller, here, person.id, PASSWORD);
    const rings = `${person.display_name} is calling you`;
    await ring(caller, other);
    await expect.poll(shown).toEqual([[rings, 'accept', 'decline']]);
    await press('decline');
    await expect.poll(shown).toEqual([]);
    await expect(callee.getByText('You declined')).toBeVisible();

    await ring(caller, other);
    await expect.poll(shown).toEqual([[rings, 'accept', 'decline']]);
    await press('accept');
    await isInside(callee);
    await expect.poll(shown).toEqual([]);
  } finally {
    for (const page of [caller, callee]) await page.context().close();
    await rest.deleteUser(other.id);
  }
});

test('a contact rings with a tone of its own', async ({ browser, person, rest }) => {
  test.setTimeout(150_000);
  const other = await rest.createUser();
  const [caller, callee] = [await newPage(browser), await newPage(browser)];
  try {
    await callee.addInitScript(listen);
    await signIn(callee, there, other.id, PASSWORD);
    await callee.goto(`${there}/contacts?search=${person.id}`);
    await callee.getByRole('button', { name: `Actions for ${person.display_name}` }).click();
    await callee.getByRole('menuitem', { name: 'Edit contact' }).click();
    const form = callee.getByRole('dialog', { name: 'Edit contact' });
    await form.getByRole('combobox', { name: 'Ring tone when they call' }).click();
    await callee.getByRole('option', { name: 'Marimba' }).click();
    await form.getByRole('button', { name: 'Listen' }).click();
    await expect.poll(() => heard(callee)).toEqual([523, 659, 784, 1047]);
    await look(callee, 'tone');
    await noBarrier(callee, 'a tone for a contact');
    await form.getByRole('button', { name: 'Save' }).click();
    await expect(callee.getByText('The contact was saved.')).toBeVisible();

    // Another device of the same person has it too.
    await signIn(callee, here, other.id, PASSWORD);
    await isLive(callee);
    await signIn(caller, here, person.id, PASSWORD);
    await ring(caller, other);
    await expect(callee.getByText(`${person.display_name} is calling you`)).toBeVisible();
    await expect.poll(() => heard(callee)).toEqual([523, 659, 784, 1047]);
    await callee.getByRole('button', { name: 'Decline' }).click();
  } finally {
    for (const page of [caller, callee]) await page.context().close();
    await rest.deleteUser(other.id);
  }
});
