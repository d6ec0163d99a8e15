/** What the connection details show, from what browsers count. */

export interface Flow {
  key: string;
  mid: string;
  media: 'audio' | 'video';
  kbps: number;
  /** Share of packets, 0 to 1, since the last look. */
  loss: number | null;
  fps: number | null;
  width: number | null;
  height: number | null;
  /** Simulcast layer of what is sent. */
  rid: string | null;
  /** Why the browser sends less than it could. */
  limited: string | null;
}

export interface Direction {
  flows: Flow[];
  kbps: number;
  loss: number | null;
  roundTripMs: number | null;
}

interface Counted {
  at: number;
  bytes: number;
  packets: number;
  lost: number;
}

export type Counters = Map<string, Counted>;

interface Report {
  id: string;
  type: string;
  timestamp: number;
  kind?: 'audio' | 'video';
  mid?: string;
  rid?: string;
  bytesReceived?: number;
  bytesSent?: number;
  packetsReceived?: number;
  packetsSent?: number;
  packetsLost?: number;
  framesPerSecond?: number;
  frameWidth?: number;
  frameHeight?: number;
  qualityLimitationReason?: string;
  currentRoundTripTime?: number;
  nominated?: boolean;
  state?: string;
  localId?: string;
  active?: boolean;
}

function lossOf(now: Counted, before: Counted | undefined): number | null {
  if (!before) return null;
  const lost = Math.max(0, now.lost - before.lost);
  const all = Math.max(0, now.packets - before.packets) + lost;
  return all > 0 ? lost / all : null;
}

/** One look at one connection; `counters` remembers the look before. */
export function look(
  reports: Iterable<unknown>,
  way: 'inbound-rtp' | 'outbound-rtp',
  counters: Counters,
): Direction {
  const all = [...reports] as Report[];
  const remote = new Map(
    all.filter((one) => one.type === 'remote-inbound-rtp').map((one) => [one.localId, one]),
  );
  const flows: Flow[] = [];
  let losses = 0;
  let counted = 0;
  for (const one of all) {
    if (one.type !== way || !one.kind) continue;
    const now: Counted = {
      at: one.timestamp,
      bytes: one.bytesReceived ?? one.bytesSent ?? 0,
      packets: one.packetsReceived ?? one.packetsSent ?? 0,
      // Of what is sent the other end says what was lost; it was sent all the same.
      lost: one.packetsLost ?? remote.get(one.id)?.packetsLost ?? 0,
    };
    const before = counters.get(one.id);
    counters.set(one.id, now);
    const seconds = before ? (now.at - before.at) / 1000 : 0;
    const kbps = before && seconds > 0 ? ((now.bytes - before.bytes) * 8) / 1000 / seconds : 0;
    const loss = lossOf(now, before);
    if (kbps < 0.5) continue;
    if (loss !== null) {
      losses += loss;
      counted += 1;
    }
    flows.push({
      key: one.id,
      mid: one.mid ?? '',
      media: one.kind,
      kbps,
      loss,
      fps: one.framesPerSecond ?? null,
      width: one.frameWidth ?? null,
      height: one.frameHeight ?? null,
      rid: one.rid ?? null,
      limited: one.qualityLimitationReason ?? null,
    });
  }
  const pair = all.find((one) => one.type === 'candidate-pair' && one.nominated && one.state === 'succeeded');
  const trip = pair?.currentRoundTripTime;
  return {
    flows,
    kbps: flows.reduce((sum, flow) => sum + flow.kbps, 0),
    loss: counted > 0 ? losses / counted : null,
    roundTripMs: trip === undefined ? null : trip * 1000,
  };
}
