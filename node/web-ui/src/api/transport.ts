import { nodes as theNodes, type Nodes } from './nodes';
import { Problem } from './problem';
import { session } from './session';

/**
 * Sends requests so that people notice as little as possible of what happens behind: it carries the
 * session's token and the highest index seen (so that nobody reads older than what they saw, on whichever
 * node), gives every write an idempotency key, and with it repeats what got lost.
 */

export const INDEX = 'Plenary-Index';
const INDEX_KEY = 'plenary.index';
const TRIES = 6;
const LONGEST_WAIT_MS = 4_000;

export interface Options {
  nodes?: Nodes;
  send?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
}

/** 22 characters at random; `crypto.randomUUID` is not there on plain http. */
export function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return btoa(String.fromCharCode(...bytes)).replace(/=+$/, '');
}

export class SeenIndex {
  private highest = 0n;

  constructor() {
    this.see(sessionStorage.getItem(INDEX_KEY));
  }

  see(value: string | null | undefined) {
    if (!value || !/^\d{1,20}$/.test(value)) return;
    const index = BigInt(value);
    if (index <= this.highest) return;
    this.highest = index;
    sessionStorage.setItem(INDEX_KEY, value);
  }

  /** After a restore the server counts from lower on. */
  forget() {
    this.highest = 0n;
    sessionStorage.removeItem(INDEX_KEY);
  }

  header(): string | null {
    return this.highest > 0n ? String(this.highest) : null;
  }
}

export const seen = new SeenIndex();

const isWrite = (method: string) => method !== 'GET' && method !== 'HEAD';
/** Statuses of a node that cannot answer now, although it or another one soon can. */
const isPassing = (status: number) => status === 502 || status === 503 || status === 504;

function waitOf(response: Response | null, attempt: number): number {
  const named = Number(response?.headers.get('retry-after'));
  const usual = Math.min(150 * 2 ** attempt, LONGEST_WAIT_MS) * (0.5 + Math.random());
  return named > 0 ? Math.min(named * 1_000, LONGEST_WAIT_MS) : usual;
}

function headersOf(request: Request, key: string | null): Headers {
  const headers = new Headers(request.headers);
  const token = session.token();
  if (token && !headers.has('authorization')) headers.set('authorization', `Bearer ${token}`);
  const index = seen.header();
  if (index) headers.set(INDEX, index);
  if (key && !headers.has('idempotency-key')) headers.set('idempotency-key', key);
  return headers;
}

/** `session` itself is not repeated: each try counts towards the lockout. */
function mayRepeat(request: Request): boolean {
  return !(request.method === 'POST' && new URL(request.url).pathname.endsWith('/session'));
}

export function createTransport(options: Options = {}) {
  const { nodes = theNodes, sleep = (ms) => new Promise((done) => setTimeout(done, ms)) } = options;
  const send: typeof fetch = options.send ?? ((...args) => fetch(...args));

  return async function transport(request: Request): Promise<Response> {
    const repeat = mayRepeat(request);
    const key = isWrite(request.method) && repeat ? randomKey() : null;
    const body = isWrite(request.method) ? await request.arrayBuffer() : undefined;
    const path = request.url.slice(new URL(request.url).origin.length);

    for (let attempt = 0; ; attempt += 1) {
      const node = nodes.current();
      let response: Response | null = null;
      try {
        response = await send(node + path, {
          method: request.method,
          headers: headersOf(request, key),
          body: body?.byteLength ? body : undefined,
          signal: request.signal,
          cache: 'no-store',
          credentials: 'omit',
        });
      } catch (error) {
        if (request.signal.aborted) throw error;
        nodes.moveOn(node);
        // A sign-in that never left is no attempt: the other nodes may take it.
        if (attempt + 1 >= (repeat ? TRIES : nodes.all().length)) throw Problem.network();
      }
      if (response && !(isPassing(response.status) && repeat && attempt + 1 < TRIES)) {
        seen.see(response.headers.get(INDEX));
        return response;
      }
      if (response && response.status !== 503) nodes.moveOn(node);
      if (response && attempt === TRIES - 2) await forgetIfBehind(response);
      await sleep(waitOf(response, attempt));
    }
  };
}

async function forgetIfBehind(response: Response) {
  const problem = await Problem.of(response);
  if (problem.code === 'behind') seen.forget();
}

export const transport = createTransport();
