import { test as base, expect, type APIRequestContext, type Browser, type Page } from '@playwright/test';

/** The nodes under test and what tests need of them. */

function need(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: see playwright.config.ts`);
  return value;
}

export const urls = need('PLENARY_URLS')
  .split(',')
  .map((url) => url.trim().replace(/\/$/, ''));
export const admin = { login: need('PLENARY_ADMIN'), password: need('PLENARY_PASSWORD') };
/** The node that tests talk to, and another one where there is one. */
export const here = urls[0]!;
export const there = urls[1] ?? here;

/** Meets every policy that tests set. */
export const PASSWORD = 'Correct-horse-7-battery';

let counter = 0;
/** An ID that no other run has used. */
export function freshId(what: string): string {
  counter += 1;
  return `${what}-${Date.now().toString(36)}-${counter}`;
}

export interface Account {
  id: string;
  display_name: string;
}

/** The REST interface, for what a test is not about. */
export class Rest {
  private readonly request: APIRequestContext;
  private readonly token: string;

  constructor(request: APIRequestContext, token: string) {
    this.request = request;
    this.token = token;
  }

  static async signIn(request: APIRequestContext): Promise<Rest> {
    const answer = await request.post(`${here}/api/v1/session`, { data: admin });
    expect(answer.status(), await answer.text()).toBe(201);
    return new Rest(request, ((await answer.json()) as { token: string }).token);
  }

  async call(method: string, path: string, data?: unknown) {
    return this.request.fetch(`${here}/api/v1${path}`, {
      method,
      data,
      headers: { authorization: `Bearer ${this.token}` },
    });
  }

  async createUser(more: object = {}): Promise<Account> {
    const id = freshId('person');
    const user = { id, display_name: `Person ${id}`, password: PASSWORD, ...more };
    const answer = await this.call('POST', '/users', user);
    expect(answer.status(), await answer.text()).toBe(201);
    return user;
  }

  /** After a test; it may have deleted the account itself. */
  async deleteUser(id: string) {
    expect([204, 404]).toContain((await this.call('DELETE', `/users/${id}`)).status());
  }
}

interface Fixtures {
  /** An account of this test alone. */
  person: Account;
}

interface Lasting {
  /** An administrator who stays signed in from test to test. */
  rest: Rest;
}

export const test = base.extend<Fixtures, Lasting>({
  rest: [
    async ({ playwright }, give) => {
      const request = await playwright.request.newContext({ ignoreHTTPSErrors: true });
      const rest = await Rest.signIn(request);
      await give(rest);
      await rest.call('DELETE', '/session');
      await request.dispose();
    },
    { scope: 'worker' },
  ],
  person: async ({ rest }, give) => {
    const person = await rest.createUser();
    await give(person);
    await rest.deleteUser(person.id);
  },
});

export { expect };

/**
 * Somebody is signed in at this browser, and at their first page. What their browser would keep is put there: typing it in is
 * for those tests that are about it ({@link signInByHand}).
 */
export async function signIn(page: Page, url: string, login = admin.login, password = admin.password) {
  const answer = await page.request.post(`${url}/api/v1/session`, { data: { login, password } });
  expect(answer.status(), await answer.text()).toBe(201);
  const { token, expires_at, user } = (await answer.json()) as {
    token: string;
    expires_at: string;
    user: { admin: string };
  };
  // A page of the same site with nothing on it, where something can be kept.
  const empty = `${url}/empty`;
  await page.route(empty, (route) => route.fulfill({ contentType: 'text/html', body: '' }));
  await page.goto(empty);
  await page.unroute(empty);
  await page.evaluate((kept) => localStorage.setItem('plenary.session', JSON.stringify(kept)), {
    token,
    expires_at,
  });
  await page.goto(url + (user.admin === 'none' ? '/home' : '/admin'));
  await expect(page.getByRole('button', { name: /^Account of/ })).toBeVisible();
}

export async function signInByHand(page: Page, url: string, login = admin.login, password = admin.password) {
  await page.goto(url);
  await page.getByLabel('User ID or email').fill(login);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('button', { name: /^Account of/ })).toBeVisible();
}

/** Somebody at another browser. */
export async function another(browser: Browser): Promise<Page> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    locale: 'en',
    reducedMotion: 'reduce',
  });
  return context.newPage();
}

export async function isLive(page: Page) {
  await expect(page.locator('[data-live=open]')).toBeVisible();
}
