import type { ClientMessage } from './messages';
import type { MeetingState } from './state';
import type { Timers } from './timers';

/** What one does at the chat without saying anything: reading, also what was said before, and writing. */

/** One says no more often that one writes, or how far one has read. */
const EVERY_MS = 3_000;
const ASK_AGAIN_MS = 1_000;
/** In larger meetings nobody hears who has read what. */
const READERS = 100;

interface Around {
  now: () => number;
  timers: Timers;
  state: () => MeetingState;
  say: (message: ClientMessage) => void;
}

export class ChatMarks {
  private wroteAt = -EVERY_MS;
  private readAt = -EVERY_MS;
  private seen = 0;
  private told = 0;
  /** The node knows what is said here; one of before would end the connection. */
  private heard = false;
  /** The line before which was asked for. */
  private asked: string | null = null;

  constructor(private readonly around: Around) {}

  askEarlier() {
    const { phase, chat, earlier } = this.around.state();
    const first = chat[0]?.id;
    if (!this.heard || phase !== 'in' || !earlier || !first || first === this.asked) return;
    this.asked = first;
    this.around.say({ type: 'earlier', body: { before: first } });
  }

  /** It was asked for too fast. */
  refused() {
    this.around.timers.after('earlier', ASK_AGAIN_MS, () => {
      this.asked = null;
      this.askEarlier();
    });
  }

  writes() {
    const now = this.around.now();
    if (!this.heard || this.around.state().phase !== 'in' || now - this.wroteAt < EVERY_MS) return;
    this.wroteAt = now;
    this.around.say({ type: 'writing', body: {} });
  }

  read(line: string) {
    if (Number(line) <= this.seen) return;
    this.seen = Number(line);
    this.tell();
  }

  /** A node knows nothing of it that one has come to. */
  joined(heard: boolean) {
    this.heard = heard;
    this.told = 0;
    this.asked = null;
    this.tell();
  }

  private tell() {
    const { timers, now, state, say } = this.around;
    const wait = Math.max(0, this.readAt + EVERY_MS - now());
    timers.after('read', wait, () => {
      const { phase, counts } = state();
      if (!this.heard || phase !== 'in' || counts.inside > READERS || this.seen <= this.told) return;
      this.told = this.seen;
      this.readAt = now();
      say({ type: 'read', body: { line: String(this.seen) } });
    });
  }
}
