import { Connection, type Line } from './connection';
import type { LineKind, PictureKind, Slot } from './messages';

/** What comes from the node: a fixed pool of slots. Who fills one is said by `slots`, nothing is negotiated. */

/** Slots for people's pictures grow in these steps. */
export const STEPS = [9, 25, 49] as const;

interface Generation {
  lines: Line[];
  slots: Map<string, Slot>;
}

export interface Picture {
  mid: string;
  track: MediaStreamTrack;
}

export interface SoundTrack {
  key: string;
  track: MediaStreamTrack;
}

const emptyGeneration = (): Generation => ({ lines: [], slots: new Map() });

export class Receive extends Connection {
  readonly name = 'receive';
  private count: number = STEPS[0];
  private now = emptyGeneration();
  private old = emptyGeneration();
  private made = 0;

  /** Makes room for `wanted` pictures of people. */
  grow(wanted: number) {
    const count = STEPS.find((step) => step >= wanted) ?? STEPS[STEPS.length - 1]!;
    if (count <= this.count) return;
    const more = count - this.count;
    this.count = count;
    if (!this.pc) return;
    const pc = this.pc;
    this.lines.push(...Array.from({ length: more }, () => this.line(pc, 'video')));
    void this.negotiate();
  }

  fill(slots: Slot[]) {
    for (const slot of slots) this.now.slots.set(slot.mid, slot);
    this.changed();
  }

  /** Somebody's picture: the one of before, as long as the new connection has none. */
  picture(participant: string, kind: PictureKind): Picture | null {
    const now = pictureIn(this.now, participant, kind);
    if (now && !now.track.muted) return now;
    return pictureIn(this.old, participant, kind) ?? now;
  }

  slot(mid: string): Slot | undefined {
    return this.now.slots.get(mid);
  }

  /** All that is to be heard; the node puts into the slots who speaks. */
  sounds(): SoundTrack[] {
    const of = (lines: Line[], made: number) =>
      lines
        .filter(({ kind }) => kind === 'audio' || kind === 'content_audio')
        .map(({ transceiver }, place) => ({
          key: `${made}-${place}`,
          track: transceiver.receiver.track,
        }));
    return [...of(this.old.lines, this.made - 1), ...of(this.now.lines, this.made)];
  }

  /** Bytes of pictures and sound so far: as long as it grows, the node lives. */
  async received(): Promise<number> {
    let bytes = 0;
    (await this.stats())?.forEach((one: { type: string; bytesReceived?: number }) => {
      if (one.type === 'inbound-rtp') bytes += one.bytesReceived ?? 0;
    });
    return bytes;
  }

  protected prepare(pc: RTCPeerConnection): Line[] {
    const kinds: LineKind[] = [
      ...Array.from({ length: 3 }, () => 'audio' as const),
      ...Array.from({ length: this.count }, () => 'video' as const),
      'content',
      'content_audio',
    ];
    const lines = kinds.map((kind) => this.line(pc, kind));
    if (this.old.lines.length === 0) this.old = this.now;
    this.now = { lines, slots: new Map() };
    this.made += 1;
    return lines;
  }

  protected override unmade() {
    this.now = this.old;
    this.old = emptyGeneration();
  }

  protected override retired() {
    this.old = emptyGeneration();
  }

  private line(pc: RTCPeerConnection, kind: LineKind): Line {
    const media = kind === 'audio' || kind === 'content_audio' ? 'audio' : 'video';
    const transceiver = pc.addTransceiver(media, { direction: 'recvonly' });
    transceiver.receiver.track.onunmute = () => this.changed();
    return { kind, transceiver };
  }
}

function pictureIn({ lines, slots }: Generation, participant: string, kind: PictureKind): Picture | null {
  for (const slot of slots.values()) {
    if (slot.participant !== participant || slot.kind !== kind) continue;
    const line = lines.find(({ transceiver }) => transceiver.mid === slot.mid);
    if (line) return { mid: slot.mid, track: line.transceiver.receiver.track };
  }
  return null;
}
