import { execFileSync } from 'node:child_process';
import type { Browser, Page } from '@playwright/test';
import { devices, gapOf, join, newPage, plays, tile, watchGaps } from './room';
import { expect, freshId, PASSWORD, signIn, test, type Rest } from './server';

/**
 * Two people meet on two of three nodes, and the node of one is lost: they go on at another node, in the same place. Nodes are killed and stopped for real, so this runs alone: `cargo xtask test --long lost-node`.
 * PLENARY_NODES is a JSON list of `{"url","config"}`; PLENARY_ROUNDS says how often each harm is done.
 */

interface Node {
  url: string;
  config: string;
}

const nodes = JSON.parse(process.env.PLENARY_NODES ?? '[]') as Node[];
const rounds = Number(process.env.PLENARY_ROUNDS ?? 5);
const harms = ['KILL', 'STOP'] as const;

interface Sample {
  harm: string;
  led: boolean;
  /** Milliseconds without a new picture: for who was on the lost node, and of them for the other. */
  lost: number;
  ofLost: number;
}

test.use(devices);

function processOf(node: Node): string {
  return execFileSync('pgrep', ['-f', '--', node.config]).toString().trim().split('\n')[0]!;
}

async function allReady(rest: Rest) {
  const ready = async () => {
    const answer = await rest.call('GET', '/cluster').catch(() => null);
    if (!answer?.ok()) return 0;
    const cluster = (await answer.json()) as { nodes: { state: string }[] };
    return cluster.nodes.filter(({ state }) => state === 'up').length;
  };
  await expect.poll(ready, { timeout: 60_000 }).toBe(nodes.length);
}

async function leads(rest: Rest, at: number): Promise<boolean> {
  const answer = await rest.call('GET', '/cluster');
  const cluster = (await answer.json()) as { leader: string; nodes: { name: string }[] };
  return cluster.nodes.findIndex(({ name }) => name === cluster.leader) === at;
}

async function lose(browser: Browser, rest: Rest, victim: number, harm: string): Promise<Sample> {
  const room = freshId('lost');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room });
  expect(made.status(), await made.text()).toBe(201);
  const at = [nodes[victim]!, nodes[(victim + 1) % nodes.length]!];
  const people = await Promise.all(at.map(() => rest.createUser()));
  const pages: Page[] = [];
  for (const [index, node] of at.entries()) {
    const page = await newPage(browser);
    await signIn(page, node.url, people[index]!.id, PASSWORD);
    await join(page, node.url, room);
    pages.push(page);
  }
  const names = people.map(({ display_name }) => display_name);
  const [lost, other] = pages as [Page, Page];
  const sees = async () => {
    await plays(tile(lost, names[1]!));
    await plays(tile(other, names[0]!));
  };
  await sees();
  const led = await leads(rest, victim);
  await lost.evaluate(watchGaps, names[1]!);
  await other.evaluate(watchGaps, names[0]!);
  const process = processOf(nodes[victim]!);
  execFileSync('kill', [`-${harm}`, process]);
  try {
    await expect(lost.locator('[data-phase=in]')).toBeVisible({ timeout: 30_000 });
    // Neither doubled nor gone.
    for (const page of pages) await expect(page.getByRole('region')).toHaveCount(2);
    await sees();
    return { harm, led, lost: await gapOf(lost), ofLost: await gapOf(other) };
  } finally {
    if (harm === 'STOP') execFileSync('kill', ['-CONT', process]);
    for (const page of pages) await page.context().close();
    await allReady(rest);
    await rest.call('DELETE', `/conferences/${room}`);
    await Promise.all(people.map(({ id }) => rest.deleteUser(id)));
  }
}

function told(name: string, values: number[]): string {
  const sorted = values.map(Math.round).sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  return `${name}: p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, worst ${sorted.at(-1)} ms`;
}

test('who was on a lost node goes on at another one, in the same place', async ({ browser, rest }) => {
  test.skip(nodes.length < 3, 'kills nodes: only where it is told which processes they are');
  test.setTimeout(20 * 60_000);
  const samples: Sample[] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const harm of harms) {
      const sample = await lose(browser, rest, (round + samples.length) % nodes.length, harm);
      samples.push(sample);
      console.log(JSON.stringify(sample));
    }
  }
  console.log(
    told(
      'for who was on the lost node',
      samples.map(({ lost }) => lost),
    ),
  );
  console.log(
    told(
      'of who was on it, for the others',
      samples.map(({ ofLost }) => ofLost),
    ),
  );
});

test('a message that is written while the node is away is there once', async ({ browser, rest }) => {
  test.skip(nodes.length < 3, 'stops nodes: only where it is told which processes they are');
  test.setTimeout(180_000);
  const room = freshId('lost-chat');
  const made = await rest.call('POST', '/conferences', { cid: room, name: room });
  expect(made.status(), await made.text()).toBe(201);
  const people = await Promise.all([rest.createUser(), rest.createUser()]);
  const [writer, other] = [await newPage(browser), await newPage(browser)];
  const process = processOf(nodes[1]!);
  const line = (page: Page, text: string) => page.getByRole('log').getByText(text, { exact: true });
  try {
    await signIn(writer, nodes[1]!.url, people[0]!.id, PASSWORD);
    await join(writer, nodes[1]!.url, room);
    await signIn(other, nodes[0]!.url, people[1]!.id, PASSWORD);
    await join(other, nodes[0]!.url, room);
    for (const page of [writer, other]) await page.getByRole('button', { name: /^Chat/ }).click();
    const field = writer.getByRole('textbox', { name: 'Write to everyone' });
    await field.fill('Before');
    await writer.keyboard.press('Enter');
    await expect(line(other, 'Before')).toBeVisible();
    await field.fill('Into nothing');
    execFileSync('kill', ['-STOP', process]);
    try {
      await writer.keyboard.press('Enter');
      await expect(line(writer, 'Into nothing')).toBeVisible();
      await expect(writer.getByText('Being sent…')).toBeVisible();
      await writer.screenshot({ path: 'test-results/look/chat-being-sent.png' });
      // By another node, in the same place.
      await expect(line(other, 'Into nothing')).toBeVisible({ timeout: 30_000 });
      await expect(writer.getByText('Being sent…')).toHaveCount(0);
    } finally {
      execFileSync('kill', ['-CONT', process]);
    }
    await allReady(rest);
    // What the node had taken before it was away is the same line.
    await field.fill('After');
    await writer.keyboard.press('Enter');
    for (const page of [writer, other]) {
      await expect(line(page, 'After')).toBeVisible();
      for (const text of ['Before', 'Into nothing', 'After']) await expect(line(page, text)).toHaveCount(1);
    }
  } finally {
    for (const page of [writer, other]) await page.context().close();
    await rest.call('DELETE', `/conferences/${room}`);
    await Promise.all(people.map(({ id }) => rest.deleteUser(id)));
  }
});
