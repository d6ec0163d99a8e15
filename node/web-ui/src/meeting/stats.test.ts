import { describe, expect, it } from 'vitest';
import { look, type Counters } from './stats';

const inbound = (timestamp: number, bytesReceived: number, packetsReceived: number, packetsLost: number) => ({
  id: 'a',
  type: 'inbound-rtp',
  kind: 'video',
  mid: '3',
  timestamp,
  bytesReceived,
  packetsReceived,
  packetsLost,
  frameWidth: 640,
  frameHeight: 360,
  framesPerSecond: 25,
});
const pair = {
  id: 'p',
  type: 'candidate-pair',
  timestamp: 0,
  nominated: true,
  state: 'succeeded',
  currentRoundTripTime: 0.042,
};

describe('a look at a connection', () => {
  it('gives rates and loss since the look before', () => {
    const counters: Counters = new Map();
    expect(look([inbound(1_000, 0, 0, 0)], 'inbound-rtp', counters).flows).toEqual([]);
    const second = look([inbound(2_000, 125_000, 90, 10), pair], 'inbound-rtp', counters);
    expect(second).toMatchObject({ kbps: 1_000, loss: 0.1, roundTripMs: 42 });
    expect(second.flows[0]).toMatchObject({ mid: '3', width: 640, fps: 25 });
    expect(look([inbound(3_000, 250_000, 190, 10)], 'inbound-rtp', counters).loss).toBe(0);
  });

  it('leaves out what carries nothing', () => {
    const counters: Counters = new Map();
    look([inbound(1_000, 5, 1, 0)], 'inbound-rtp', counters);
    expect(look([inbound(2_000, 5, 1, 0)], 'inbound-rtp', counters).flows).toEqual([]);
  });
});
