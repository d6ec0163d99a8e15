import { Connection, type Line } from './connection';
import type { LineKind, PictureKind } from './messages';

/** What goes to the node. All lines are there from the beginning; `replaceTrack` fills and empties them. */

const KINDS: LineKind[] = ['audio', 'video', 'content', 'content_audio'];

const ENCODINGS: Partial<Record<LineKind, RTCRtpEncodingParameters[]>> = {
  video: [
    { rid: 'l', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
    { rid: 'm', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
    { rid: 'h', scaleResolutionDownBy: 1, maxBitrate: 1_500_000 },
  ],
  content: [{ maxBitrate: 2_500_000 }],
};

export type Tracks = Record<LineKind, MediaStreamTrack | null>;

export class Publish extends Connection {
  readonly name = 'publish';
  private tracks: Tracks = { audio: null, video: null, content: null, content_audio: null };
  private highest: Partial<Record<PictureKind, number | null>> = {};
  private changing: Promise<unknown> = Promise.resolve();

  /** What is sent from now on; lines whose track is the same are left alone. */
  send(tracks: Tracks) {
    for (const kind of KINDS) {
      if (this.tracks[kind] === tracks[kind]) continue;
      this.tracks[kind] = tracks[kind];
      const line = this.lines.find((one) => one.kind === kind);
      if (line) void line.transceiver.sender.replaceTrack(tracks[kind]).catch(() => undefined);
    }
  }

  /** Nobody watches more than this: what is above costs nothing any more. */
  limit(kind: LineKind, highest: number | null) {
    if (kind !== 'video' && kind !== 'content') return;
    this.highest[kind] = highest;
    const line = this.lines.find((one) => one.kind === kind);
    if (line) this.apply(line.transceiver.sender, highest);
  }

  /** The layers that are sent now: those up to this one. */
  limitOf(kind: PictureKind): number | null | undefined {
    return this.highest[kind];
  }

  protected prepare(pc: RTCPeerConnection): Line[] {
    // A new connection sends everything until the node says what is watched.
    this.highest = {};
    return KINDS.map((kind) => {
      const audio = kind === 'audio' || kind === 'content_audio';
      const transceiver = pc.addTransceiver(audio ? 'audio' : 'video', {
        direction: 'sendonly',
        sendEncodings: ENCODINGS[kind]?.map((encoding) => ({ ...encoding })),
      });
      if (!audio) preferVp8(transceiver);
      const track = this.tracks[kind];
      if (track) void transceiver.sender.replaceTrack(track).catch(() => undefined);
      return { kind, transceiver };
    });
  }

  /** What the other end wants to receive decides: in pauses, a microphone sends next to nothing. */
  protected override adapt(sdp: string): string {
    const mid = this.lines.find((line) => line.kind === 'audio')?.transceiver.mid;
    return mid ? withDtx(sdp, mid) : sdp;
  }

  private apply(sender: RTCRtpSender, highest: number | null) {
    const change = async () => {
      const parameters = sender.getParameters();
      parameters.encodings.forEach((encoding, layer) => {
        encoding.active = highest !== null && layer <= highest;
      });
      await sender.setParameters(parameters);
    };
    // One after the other: parameters that were read before another change are refused.
    this.changing = this.changing.then(change).catch(() => undefined);
  }
}

/** VP8 is what every browser sends in layers; the others follow in the browser's own order. */
function preferVp8(transceiver: RTCRtpTransceiver) {
  const offered = globalThis.RTCRtpSender?.getCapabilities?.('video')?.codecs;
  if (!offered || !transceiver.setCodecPreferences) return;
  const rank = (codec: { mimeType: string }) =>
    ['video/vp8', 'video/h264'].indexOf(codec.mimeType.toLowerCase()) + 1 || 3;
  try {
    transceiver.setCodecPreferences([...offered].sort((a, b) => rank(a) - rank(b)));
  } catch {
    // The browser's own order is good enough.
  }
}

/** Adds `usedtx=1` to Opus in the section of `mid`. */
export function withDtx(sdp: string, mid: string): string {
  return sdp
    .split(/(?=^m=)/m)
    .map((section) => {
      if (!section.split(/\r?\n/).includes(`a=mid:${mid}`)) return section;
      const opus = /^a=rtpmap:(\d+) opus\//im.exec(section)?.[1];
      if (!opus || section.includes('usedtx=1')) return section;
      const fmtp = new RegExp(`^(a=fmtp:${opus} [^\\r\\n]*)`, 'm');
      return fmtp.test(section)
        ? section.replace(fmtp, '$1;usedtx=1')
        : section.replace(/^(a=rtpmap:\d+ opus\/[^\r\n]*)/im, `$1\r\na=fmtp:${opus} usedtx=1`);
    })
    .join('');
}
