import { createSocket, type Socket } from 'node:dgram';
import type { Page } from '@playwright/test';

/** A bad network between a page and the nodes: datagrams get lost, are late, or are more than the line bears. */

export interface Line {
  /** Share of datagrams that are lost, each way. */
  loss: number;
  /** Milliseconds each way. */
  delay: number;
  /** What the line to the page bears, in kbit/s. */
  kbps: number;
}

export const GOOD: Line = { loss: 0, delay: 0, kbps: Infinity };
/** A line keeps no more than this many milliseconds of what waits. */
const QUEUE_MS = 300;

/** Carries the media of one page; `line` may change while it runs. */
export class Wan {
  line: Line;
  private readonly ways = new Map<number, Promise<Socket>>();
  private readonly sockets: Socket[] = [];
  private free = 0;
  private seed = 1;

  constructor(line: Line) {
    this.line = line;
  }

  /** What the page sends and gets goes this way. To be called before it is loaded. */
  async carry(page: Page) {
    await page.exposeFunction('wayTo', async (port: number) => {
      const way = this.ways.get(port) ?? this.way(port);
      this.ways.set(port, way);
      return (await way).address().port;
    });
    await page.addInitScript(takeTheWay);
  }

  close() {
    for (const socket of this.sockets) socket.close();
  }

  private async way(port: number): Promise<Socket> {
    const near = await this.bound();
    const far = new Map<string, Promise<Socket>>();
    near.on('message', (bytes, { address, port: from }) => {
      const key = `${address}:${from}`;
      const out = far.get(key) ?? this.back(near, address, from);
      far.set(key, out);
      void out.then((socket) => this.later(0, () => socket.send(bytes, port, '127.0.0.1')));
    });
    return near;
  }

  private async back(near: Socket, address: string, from: number): Promise<Socket> {
    const socket = await this.bound();
    socket.on('message', (bytes) => {
      const now = performance.now();
      const takes = (bytes.length * 8) / this.line.kbps;
      const begin = Math.max(now, this.free);
      if (begin - now > QUEUE_MS) return;
      this.free = begin + takes;
      this.later(this.free - now, () => near.send(bytes, from, address));
    });
    return socket;
  }

  private later(more: number, send: () => void) {
    // The same losses in every run.
    this.seed = (this.seed * 48_271) % 2_147_483_647;
    if (this.seed / 2_147_483_647 < this.line.loss) return;
    setTimeout(() => {
      try {
        send();
      } catch {
        // Closed meanwhile.
      }
    }, this.line.delay + more);
  }

  private async bound(): Promise<Socket> {
    const socket = createSocket('udp4');
    this.sockets.push(socket);
    await new Promise<void>((done) => socket.bind(0, '127.0.0.1', done));
    return socket;
  }
}

/** Candidates of nodes become those of the way to them; there is no other. */
function takeTheWay() {
  const scope = globalThis as unknown as { wayTo: (port: number) => Promise<number> } & typeof globalThis;
  const Peer = scope.RTCPeerConnection;
  scope.RTCPeerConnection = class extends Peer {
    override async setRemoteDescription(description: RTCSessionDescriptionInit) {
      const lines: string[] = [];
      for (const line of (description.sdp ?? '').split('\r\n')) {
        const udp = /^(a=candidate:\S+ \d+ udp \d+) \S+ (\d+) (.*)$/i.exec(line);
        if (udp) lines.push(`${udp[1]} 127.0.0.1 ${await scope.wayTo(Number(udp[2]))} ${udp[3]}`);
        else if (!line.startsWith('a=candidate:')) lines.push(line);
      }
      return super.setRemoteDescription({ ...description, sdp: lines.join('\r\n') });
    }
  };
}
