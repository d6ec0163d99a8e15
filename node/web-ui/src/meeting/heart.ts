/**
 * Tells as early as possible that a node is lost: for a second neither a message nor a byte of media came.
 * A silent WebSocket alone is only that: media flows on, and the socket is opened anew after a while.
 */

export interface Pulse {
  now(): number;
  beat(): void;
  /** Bytes of media received so far. */
  received(): Promise<number>;
  /** `elsewhere`: the node is lost, not only the socket. */
  abandon(elsewhere: boolean): void;
}

const SUSPICIOUS_MS = 500;
const LOST_MS = 1_000;
const SOCKET_LOST_MS = 4_000;
/** Who was not asked for so long (a sleeping computer) has heard nothing for that reason. */
const ASLEEP_MS = 2_000;

export class Heart {
  private readonly pulse: Pulse;
  private open = false;
  private heardAt = 0;
  private flowedAt = 0;
  private tickedAt = 0;
  private bytes: number | null = null;
  private asking = false;

  constructor(pulse: Pulse) {
    this.pulse = pulse;
  }

  heard() {
    this.heardAt = this.pulse.now();
    this.bytes = null;
  }

  /** Whether there is a connection that can be lost. */
  set(open: boolean) {
    if (open && !this.open) this.heard();
    this.open = open;
  }

  tick() {
    const now = this.pulse.now();
    const asleep = now - this.tickedAt > ASLEEP_MS;
    this.tickedAt = now;
    if (!this.open) return;
    if (asleep) this.heard();
    this.pulse.beat();
    if (now - this.heardAt >= SUSPICIOUS_MS) void this.examine();
  }

  private async examine() {
    if (this.asking) return;
    this.asking = true;
    const bytes = await this.pulse.received().catch(() => 0);
    this.asking = false;
    const now = this.pulse.now();
    if (!this.open || now - this.heardAt < SUSPICIOUS_MS) return;
    if (this.bytes !== null && bytes > this.bytes) this.flowedAt = now;
    this.bytes = bytes;
    const quiet = now - this.heardAt;
    if (quiet < LOST_MS) return;
    if (now - this.flowedAt >= LOST_MS) this.give(true);
    else if (quiet >= SOCKET_LOST_MS) this.give(false);
  }

  private give(elsewhere: boolean) {
    this.open = false;
    this.pulse.abandon(elsewhere);
  }
}
