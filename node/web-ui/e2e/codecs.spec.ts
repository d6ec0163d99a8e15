import type { Page } from '@playwright/test';
import { devices, isInside, newPage } from './room';
import { expect, freshId, here, PASSWORD, signIn, test, there } from './server';

/**
 * Each codec that Chromium offers: it is decoded, and the layer changes when the tile grows and shrinks. Encoding takes
 * most of the machine, so all but the usual one run alone: `cargo xtask test --long codecs`. PLENARY_CODECS names them.
 */

const codecs = (process.env.PLENARY_CODECS ?? 'video/VP8').split(',');

test.use(devices);

const LARGE = { width: 1280, height: 800 };
const SMALL = { width: 340, height: 460 };

type Window = typeof globalThis & { connections: RTCPeerConnection[] };

/** This codec first in what the node answers: that is the one which is sent. */
function prefer(codec: string) {
  const wanted = codec.replace('video/', '').toLowerCase();
  const first = (section: string) => {
    const types = [...section.matchAll(/^a=rtpmap:(\d+) ([^/]+)\//gm)]
      .filter(([, , name]) => name?.toLowerCase() === wanted)
      .map(([, type]) => type!);
    return section.replace(
      /^(m=video \d+ \S+)((?: \d+)+)/,
      (_, line: string, all: string) =>
        `${line} ${[
          ...types,
          ...all
            .trim()
            .split(' ')
            .filter((type) => !types.includes(type)),
        ].join(' ')}`,
    );
  };
  const set = RTCPeerConnection.prototype.setRemoteDescription;
  RTCPeerConnection.prototype.setRemoteDescription = function (description: RTCSessionDescriptionInit) {
    const sections = (description.sdp ?? '').split(/^(?=m=)/m);
    return set.apply(this, [{ ...description, sdp: sections.map(first).join('') }] as never);
  };
}

function keepConnections() {
  const scope = globalThis as unknown as Window;
  scope.connections = [];
  scope.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(config?: RTCConfiguration) {
      super(config);
      scope.connections.push(this);
    }
  };
}

interface Picture {
  codec: string;
  height: number;
  frames: number;
  keyFrames: number;
  freezes: number;
  asked: number;
}

/** What comes of the only picture that is watched. */
const picture = (page: Page) =>
  page.evaluate(async () => {
    const { connections } = globalThis as unknown as Window;
    for (const connection of connections) {
      const stats = await connection.getStats();
      for (const flow of stats.values()) {
        if (flow.type !== 'inbound-rtp' || flow.kind !== 'video' || !flow.framesDecoded) continue;
        return {
          codec: stats.get(flow.codecId)?.mimeType ?? '',
          height: flow.frameHeight ?? 0,
          frames: flow.framesDecoded,
          keyFrames: flow.keyFramesDecoded,
          freezes: flow.freezeCount,
          asked: flow.pliCount + flow.firCount,
        } as Picture;
      }
    }
    return null;
  });

/** What is sent of each layer, to tell why one does not come. */
const layers = (page: Page) =>
  page.evaluate(async () => {
    const { connections } = globalThis as unknown as Window;
    const found: string[] = [];
    for (const connection of connections) {
      for (const sender of connection.getSenders())
        if (sender.track?.kind === 'video') found.push(JSON.stringify(sender.getParameters().encodings));
      for (const flow of (await connection.getStats()).values()) {
        if (flow.type !== 'outbound-rtp' || flow.kind !== 'video') continue;
        const { rid, active, frameHeight, framesEncoded, scalabilityMode, qualityLimitationReason } = flow;
        found.push(
          [rid, active, frameHeight, framesEncoded, scalabilityMode, qualityLimitationReason].join(' '),
        );
      }
    }
    return found;
  });

async function reaches(from: Page, page: Page, what: (seen: Picture) => boolean): Promise<Picture> {
  let seen: Picture | null = null;
  await expect
    .poll(
      async () => {
        seen = await picture(page);
        return seen !== null && what(seen);
      },
      { timeout: 60_000, message: 'the picture that is watched' },
    )
    .toBe(true)
    .catch(async (error: unknown) => {
      throw new Error(`${JSON.stringify(seen)} of ${(await layers(from)).join(', ')}: ${String(error)}`);
    });
  return seen!;
}

async function enter(page: Page, url: string, room: string, name?: string) {
  await page.goto(`${url}/m/${room}`);
  if (name) await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join', exact: true }).click();
  await isInside(page);
}

for (const codec of codecs) {
  test(`${codec}: large and small`, async ({ browser, person, rest }) => {
    test.setTimeout(300_000);
    const room = freshId('codec');
    const made = await rest.call('POST', '/conferences', { cid: room, name: room, access: 'public' });
    expect(made.status(), await made.text()).toBe(201);
    const [ann, ben] = [await newPage(browser, 2), await newPage(browser)];
    try {
      await ann.addInitScript(prefer, codec);
      await ann.addInitScript(keepConnections);
      await ben.addInitScript(keepConnections);
      await ben.setViewportSize(LARGE);
      await signIn(ann, here, person.id, PASSWORD);
      await enter(ann, here, room);
      await enter(ben, there, room, 'Ben');
      const large = await reaches(ann, ben, ({ height, frames }) => height === 360 && frames > 30);
      expect(large.codec.toLowerCase()).toBe(codec.toLowerCase());
      await ben.setViewportSize(SMALL);
      const small = await reaches(
        ann,
        ben,
        ({ height, frames }) => height < 360 && frames > large.frames + 30,
      );
      await ben.setViewportSize(LARGE);
      const again = await reaches(
        ann,
        ben,
        ({ height, frames }) => height === 360 && frames > small.frames + 30,
      );
      console.log(`${codec}: ${JSON.stringify({ large, small, again })}`);
      // Each change of layer begins with a key frame that was asked for once and came.
      expect(again.keyFrames).toBeGreaterThan(small.keyFrames);
      expect(again.asked - large.asked, 'nothing was lost that had to be asked for').toBeLessThanOrEqual(2);
    } finally {
      await ann.context().close();
      await ben.context().close();
      await rest.call('DELETE', `/conferences/${room}`);
    }
  });
}
