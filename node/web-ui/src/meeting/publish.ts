import { Connection, type Line } from './connection';
import type { LineKind, PictureKind, RoomFacts } from './messages';

/** What goes to the node. All lines are there from the beginning; `replaceTrack` fills and empties them. */

const KINDS: LineKind[] = ['audio', 'video', 'content', 'content_audio'];

/** Layers of a camera, the smallest first; {@link divisors} says how small. */
const LAYERS = [
  { rid: 'l', maxBitrate: 150_000 },
  { rid: 'm', maxBitrate: 500_000 },
  { rid: 'h', maxBitrate: 1_500_000 },
];

/** A camera of at least so many pixels is sent in so many layers. */
const WORTH: [pixels: number, layers: number][] = [
  [960 * 540, 3],
  [480 * 270, 2],
  [0, 1],
];

/**
 * What each layer is divided by. Chromium sends fewer layers of a small picture, the first ones: the last that is sent
 * is the whole picture. Without a picture, as for a large one.
 */
export function divisors(width = 1280, height = 720): number[] {
  const layers = WORTH.find(([pixels]) => width * height >= pixels)?.[1] ?? 1;
  return LAYERS.map((_, layer) => 2 ** Math.max(layers - 1 - layer, 0));
}

function encodings(kind: LineKind, track: MediaStreamTrack | null): RTCRtpEncodingParameters[] | undefined {
  if (kind === 'content') return [{ maxBitrate: 2_500_000 }];
  if (kind !== 'video') return undefined;
  const by = divisorsOf(track);
  return LAYERS.map((layer, at) => ({ ...layer, scaleResolutionDownBy: by[at] }));
}

function divisorsOf(track: MediaStreamTrack | null): number[] {
  const { width, height } = track?.getSettings() ?? {};
  return divisors(width, height);
}

/** With what TypeScript does not know yet (W3C "Scalable Video Coding (SVC) Extension for WebRTC"). */
type Encoding = RTCRtpEncodingParameters & { scalabilityMode?: string };

export type Tracks = Record<LineKind, MediaStreamTrack | null>;

/** The most that a conference wants to be sent; 0 is no limit. */
export type SentQuality = NonNullable<RoomFacts['quality']>;
const UNLIMITED = { camera_height: 0, camera_fps: 0, content_height: 0, content_fps: 0 };

/** What each layer of a picture is divided by so that the largest is no higher than `most`, on its shorter side. */
export function bounded(most: number, width: number, height: number, layered: boolean): number[] {
  const short = Math.min(width, height);
  const by = most > 0 && short > most ? short / most : 1;
  return layered ? divisors(width / by, height / by).map((divisor) => divisor * by) : [by];
}

export class Publish extends Connection {
  readonly name = 'publish';
  private tracks: Tracks = { audio: null, video: null, content: null, content_audio: null };
  private highest: Partial<Record<PictureKind, number | null>> = {};
  private quality: SentQuality = UNLIMITED;
  private changing: Promise<unknown> = Promise.resolve();

  /** What is sent from now on; lines whose track is the same are left alone. */
  send(tracks: Tracks) {
    for (const kind of KINDS) {
      if (this.tracks[kind] === tracks[kind]) continue;
      this.tracks[kind] = tracks[kind];
      const line = this.lines.find((one) => one.kind === kind);
      if (!line) continue;
      void line.transceiver.sender.replaceTrack(tracks[kind]).catch(() => undefined);
      if ((kind === 'video' || kind === 'content') && tracks[kind]) this.apply(kind, line.transceiver.sender);
    }
  }

  /** Nobody watches more than this: what is above costs nothing any more. */
  limit(kind: LineKind, highest: number | null) {
    if (kind !== 'video' && kind !== 'content') return;
    this.highest[kind] = highest;
    const line = this.lines.find((one) => one.kind === kind);
    if (line) this.apply(kind, line.transceiver.sender);
  }

  /** Whatever is sent is no larger than this, and no faster. */
  bound(quality: SentQuality = UNLIMITED) {
    if (JSON.stringify(quality) === JSON.stringify(this.quality)) return;
    this.quality = quality;
    for (const { kind, transceiver } of this.lines)
      if (kind === 'video' || kind === 'content') this.apply(kind, transceiver.sender);
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
        sendEncodings: encodings(kind, this.tracks[kind]),
      });
      if (!audio) preferVp8(transceiver);
      const track = this.tracks[kind];
      if (track) void transceiver.sender.replaceTrack(track).catch(() => undefined);
      return { kind, transceiver };
    });
  }

  /** Which codec it is decides how its layers are asked for. */
  protected override answered() {
    for (const { kind, transceiver } of this.lines)
      if (kind === 'video' || kind === 'content') this.apply(kind, transceiver.sender);
  }

  /** What the other end wants to receive decides: in pauses, a microphone sends next to nothing. */
  protected override adapt(sdp: string): string {
    const mid = this.lines.find((line) => line.kind === 'audio')?.transceiver.mid;
    return mid ? withDtx(sdp, mid) : sdp;
  }

  /** Tells the browser which layers to send, and how small. */
  private apply(kind: PictureKind, sender: RTCRtpSender) {
    const change = async () => {
      const highest = this.highest[kind];
      const camera = kind === 'video';
      const { camera_height, camera_fps, content_height, content_fps } = this.quality;
      const { width = 1280, height = 720 } = this.tracks[kind]?.getSettings() ?? {};
      const by = bounded(camera ? camera_height : content_height, width, height, camera);
      const fps = camera ? camera_fps : content_fps;
      const parameters = sender.getParameters();
      const mode = modeOf(parameters);
      parameters.encodings.forEach((encoding: Encoding, layer) => {
        // Those that are no smaller than the one before bring nothing.
        const differs = layer === 0 || by[layer] !== by[layer - 1];
        encoding.scaleResolutionDownBy = by[layer] ?? 1;
        if (fps) encoding.maxFramerate = fps;
        else delete encoding.maxFramerate;
        if (mode) encoding.scalabilityMode = mode;
        encoding.active = differs && highest !== null && layer <= (highest ?? LAYERS.length);
      });
      await sender.setParameters(parameters);
    };
    // One after the other: parameters that were read before another change are refused.
    this.changing = this.changing.then(change).catch(() => undefined);
  }
}

/**
 * Of VP9 and AV1, browsers make one stream out of several encodings, unless each is said to be a picture of its own: the
 * node gives each receiver one of them.
 */
export function modeOf({ codecs, encodings }: RTCRtpSendParameters): string | undefined {
  const isOne = /^video\/(vp9|av1)$/i.test(codecs[0]?.mimeType ?? '');
  return isOne && encodings.length > 1 ? 'L1T1' : undefined;
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
