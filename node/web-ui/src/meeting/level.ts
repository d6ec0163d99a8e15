/** How loud a track is, from 0 to 1, for the eye: silence is 0, a voice close to the microphone nearly 1. */

export interface LevelMeter {
  level(): number;
  close(): void;
}

let context: AudioContext | null = null;

export function meterOf(track: MediaStreamTrack): LevelMeter | null {
  if (typeof AudioContext === 'undefined') return null;
  context ??= new AudioContext();
  if (context.state === 'suspended') void context.resume().catch(() => undefined);
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    level() {
      analyser.getFloatTimeDomainData(samples);
      return levelOf(samples);
    },
    close() {
      source.disconnect();
      analyser.disconnect();
    },
  };
}

const QUIET_DB = -60;
const LOUD_DB = -12;

export function levelOf(samples: Float32Array): number {
  let sum = 0;
  for (const sample of samples) sum += sample * sample;
  const decibel = 10 * Math.log10(sum / samples.length || 1e-12);
  return Math.min(1, Math.max(0, (decibel - QUIET_DB) / (LOUD_DB - QUIET_DB)));
}

/** From here on it counts as speaking. */
export const SPEAKING = 0.45;
