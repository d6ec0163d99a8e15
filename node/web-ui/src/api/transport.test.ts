import { beforeEach, describe, expect, it } from 'vitest';
import { Nodes } from './nodes';
import { Problem } from './problem';
import { session } from './session';
import { createTransport, INDEX, seen } from './transport';

const A = 'https://a.example.com';
const B = 'https://b.example.com';

type Answer = Response | Error;

/** Nodes that give `answers` in turn, and what they were sent. */
function network(...answers: Answer[]) {
  const sent: { url: string; headers: Headers; body: string }[] = [];
  const nodes = new Nodes(new URL(A), sessionStorage);
  nodes.learn([A, B]);
  const send = async (url: RequestInfo | URL, init?: RequestInit) => {
    const body = init?.body ? new TextDecoder().decode(init.body as ArrayBuffer) : '';
    sent.push({ url: String(url), headers: new Headers(init?.headers), body });
    const answer = answers[Math.min(sent.length, answers.length) - 1]!;
    if (answer instanceof Error) throw answer;
    return answer.clone();
  };
  return { sent, transport: createTransport({ nodes, send, sleep: async () => {} }) };
}

const cut = new TypeError('failed to fetch');
const write = () => new Request(`${A}/api/v1/users`, { method: 'POST', body: '{"id":"alice"}' });
const busy = (code: string) => Response.json({ code }, { status: 503 });

beforeEach(() => {
  seen.forget();
  session.end();
});

describe('the transport', () => {
  it('repeats a write that got lost at the next node, with the same key', async () => {
    const { sent, transport } = network(cut, Response.json({}, { status: 201 }));
    expect((await transport(write())).status).toBe(201);
    expect(sent.map((one) => new URL(one.url).origin)).toEqual([A, B]);
    const keys = sent.map((one) => one.headers.get('idempotency-key'));
    expect(keys[0]).toMatch(/^.{22}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(sent[1]!.body).toBe('{"id":"alice"}');
  });

  it('gives two writes two keys', async () => {
    const { sent, transport } = network(Response.json({}));
    await transport(write());
    await transport(write());
    expect(sent[0]!.headers.get('idempotency-key')).not.toBe(sent[1]!.headers.get('idempotency-key'));
  });

  it('waits at a node that has no leader, without leaving it', async () => {
    const { sent, transport } = network(busy('no-leader'), Response.json({ ok: true }));
    expect((await transport(write())).ok).toBe(true);
    expect(sent.map((one) => new URL(one.url).origin)).toEqual([A, A]);
  });

  it('asks for nothing older than what was seen', async () => {
    const { sent, transport } = network(Response.json({}, { headers: { [INDEX]: '41' } }));
    await transport(write());
    await transport(new Request(`${A}/api/v1/users`));
    expect(sent[0]!.headers.get(INDEX)).toBeNull();
    expect(sent[1]!.headers.get(INDEX)).toBe('41');
  });

  it('never repeats a sign-in that a node has answered', async () => {
    const { sent, transport } = network(busy('busy'));
    const answer = await transport(new Request(`${A}/api/v1/session`, { method: 'POST', body: '{}' }));
    expect(answer.status).toBe(503);
    expect(sent).toHaveLength(1);
  });

  it('says in the end that no node answers', async () => {
    const { sent, transport } = network(cut);
    await expect(transport(write())).rejects.toMatchObject(new Problem('network', 0));
    expect(sent.length).toBeGreaterThan(2);
  });

  it('carries the token of the session', async () => {
    session.start('secret', new Date(Date.now() + 60_000).toISOString());
    const { sent, transport } = network(Response.json({}));
    await transport(write());
    expect(sent[0]!.headers.get('authorization')).toBe('Bearer secret');
  });
});
