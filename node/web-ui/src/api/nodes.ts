/**
 * Which node is talked to. It starts with the one that gave the page; when it cannot be reached, the others
 * that the server has named are tried, so that a page outlives its node.
 */

const KEY = 'plenary.nodes';

function isLoopback(host: string) {
  return host === 'localhost' || host === '[::1]' || host.startsWith('127.');
}

/** Whether a page at `page` may and can talk to `url`: no mixed content, no localhost of somebody else. */
export function isReachableFrom(page: URL, url: string): boolean {
  if (!URL.canParse(url)) return false;
  const node = new URL(url);
  if (node.protocol !== 'http:' && node.protocol !== 'https:') return false;
  if (page.protocol === 'https:' && node.protocol !== 'https:') return false;
  return !isLoopback(node.hostname) || isLoopback(page.hostname);
}

export class Nodes {
  private readonly page: URL;
  private readonly storage: Pick<Storage, 'getItem' | 'setItem'>;
  private urls: string[] = [];
  private at: string;

  constructor(
    page: URL = new URL(location.href),
    storage: Pick<Storage, 'getItem' | 'setItem'> = sessionStorage,
  ) {
    this.page = page;
    this.storage = storage;
    this.at = page.origin;
    try {
      this.learn(JSON.parse(storage.getItem(KEY) ?? '[]') as string[]);
    } catch {
      // Nothing was kept: the origin will tell.
    }
  }

  /** Origin of the node that is talked to now. */
  current(): string {
    return this.at;
  }

  /** The origin that gave the page comes first, then the others. */
  all(): string[] {
    return [...new Set([this.page.origin, ...this.urls])];
  }

  learn(urls: string[]) {
    const good = urls.filter((url) => isReachableFrom(this.page, url)).map((url) => new URL(url).origin);
    if (good.length === 0) return;
    this.urls = good;
    this.storage.setItem(KEY, JSON.stringify(good));
  }

  /** Goes on to the node after `failed`, unless somebody else has done so already. */
  moveOn(failed: string) {
    if (failed !== this.at) return;
    const all = this.all();
    this.at = all[(all.indexOf(failed) + 1) % all.length] ?? this.page.origin;
  }

  /** Follows a hint of the server: the first of `urls` that can be reached from here. */
  moveTo(urls: string[]) {
    const found = urls.find((url) => isReachableFrom(this.page, url) && new URL(url).origin !== this.at);
    if (found) {
      this.urls = [...new Set([...this.urls, new URL(found).origin])];
      this.at = new URL(found).origin;
    } else {
      this.moveOn(this.at);
    }
  }
}

export const nodes = new Nodes();
