import { randomKey } from '../api/transport';
import type { ChatLine, ClientMessage, NewLine, RefusedCode } from './messages';
import type { Sending } from './state';
import type { Timers } from './timers';

/**
 * What one has written and not seen among what was said. It is sent again, by the same key, until it is seen: the server
 * says it once. One of before knows no keys; there a line is sent and taken for said.
 */

const AGAIN_MS = 4_000;
/** It is no line yet, and may become one. */
const FOR_NOW: ReadonlySet<RefusedCode> = new Set<RefusedCode>([
  'unavailable',
  'unreachable',
  'too-fast',
  'not-joined',
  'waiting',
]);

interface Around {
  timers: Timers;
  /** Whether the node takes lines at this moment. */
  ready: () => boolean;
  say: (message: ClientMessage) => void;
  changed: (sending: readonly Sending[]) => void;
  key?: () => string;
}

export class Outbox {
  private lines: readonly Sending[] = [];
  /** Those that were sent since one has come in. */
  private sent = new Set<string>();
  private keyed = false;

  constructor(private readonly around: Around) {}

  write(line: NewLine) {
    const key = (this.around.key ?? randomKey)();
    this.put([...this.lines, { ...line, key, failed: null }]);
    this.flush();
  }

  /** What waited for a node and did not get there. */
  waited(line: NewLine) {
    if (this.lines.some(({ key }) => key === line.key)) return;
    this.put([...this.lines, { ...line, key: line.key ?? randomKey(), failed: null }]);
  }

  /** One is in: what one does not see of one's lines is sent again. */
  joined(keyed: boolean, chat: readonly ChatLine[]) {
    this.keyed = keyed;
    this.sent.clear();
    this.heard(chat);
    this.flush();
  }

  heard(chat: readonly ChatLine[]) {
    const keys = new Set(chat.map(({ key }) => key));
    if (this.lines.some(({ key }) => keys.has(key))) {
      this.put(this.lines.filter(({ key }) => !keys.has(key)));
    }
  }

  /** Gives whether it stays so. */
  refused(refused: string, code: RefusedCode, detail: string): boolean {
    if (FOR_NOW.has(code)) return false;
    this.put(this.lines.map((line) => (line.key === refused ? { ...line, failed: detail } : line)));
    return true;
  }

  /** One that has failed is tried once more. */
  again(key: string) {
    this.put(this.lines.map((line) => (line.key === key ? { ...line, failed: null } : line)));
    this.sent.delete(key);
    this.flush();
  }

  drop(key: string) {
    this.put(this.lines.filter((line) => line.key !== key));
  }

  flush() {
    const { ready, say, timers } = this.around;
    if (!ready()) return;
    const news = this.lines.filter(({ key, failed }) => failed === null && !this.sent.has(key));
    for (const { text, reply_to, mentions, key } of news) {
      say({ type: 'say', body: { text, reply_to, mentions, key: this.keyed ? key : undefined } });
      this.sent.add(key);
    }
    if (!this.keyed) {
      if (news.length > 0) this.put(this.lines.filter(({ failed }) => failed !== null));
    } else if (this.lines.some(({ failed }) => failed === null) && !timers.has('say')) {
      timers.after('say', AGAIN_MS, () => {
        this.sent.clear();
        this.flush();
      });
    }
  }

  private put(lines: readonly Sending[]) {
    this.lines = lines;
    this.around.changed(lines);
  }
}
