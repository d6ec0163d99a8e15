import type { ContactTone } from '../api/types';

/** Sounds that are made here, without files: notes of a wave, again and again. */

interface Sound {
  wave: OscillatorType;
  /** Hertz, and when each begins and how long it lasts, in seconds. */
  notes: [pitch: number, at: number, length: number][];
  loud: number;
  everyMs: number;
}

/** Softer and lower for who calls than for who is called. */
const OUTGOING: Sound = {
  wave: 'sine',
  notes: [
    [440, 0, 0.3],
    [440, 0.35, 0.3],
  ],
  loud: 0.06,
  everyMs: 4_000,
};

/** What contacts may ring with; `usual` is everybody else's. */
export const TONES: Record<ContactTone | 'usual', Sound> = {
  usual: {
    wave: 'sine',
    notes: [
      [659.25, 0, 0.3],
      [880, 0.35, 0.3],
    ],
    loud: 0.25,
    everyMs: 2_500,
  },
  bell: {
    wave: 'triangle',
    notes: [
      [1_046.5, 0, 1.1],
      [2_093, 0, 0.7],
      [1_046.5, 0.9, 1.1],
    ],
    loud: 0.16,
    everyMs: 3_200,
  },
  chime: {
    wave: 'sine',
    notes: [
      [1_318.5, 0, 0.7],
      [1_046.5, 0.25, 0.7],
      [784, 0.5, 0.7],
      [1_046.5, 0.75, 0.9],
    ],
    loud: 0.2,
    everyMs: 3_000,
  },
  marimba: {
    wave: 'sine',
    notes: [
      [523.25, 0, 0.18],
      [659.25, 0.16, 0.18],
      [784, 0.32, 0.18],
      [659.25, 0.48, 0.18],
      [1_046.5, 0.64, 0.25],
    ],
    loud: 0.3,
    everyMs: 2_200,
  },
  pulse: {
    wave: 'square',
    notes: [
      [330, 0, 0.09],
      [330, 0.18, 0.09],
      [330, 0.36, 0.09],
      [440, 0.6, 0.2],
    ],
    loud: 0.08,
    everyMs: 2_000,
  },
  drops: {
    wave: 'sine',
    notes: [
      [1_568, 0, 0.12],
      [1_174.7, 0.22, 0.12],
      [1_760, 0.5, 0.12],
      [1_318.5, 0.7, 0.16],
    ],
    loud: 0.22,
    everyMs: 2_600,
  },
};

export const OWN_TONES = [
  'bell',
  'chime',
  'marimba',
  'pulse',
  'drops',
] as const satisfies readonly ContactTone[];

function play(context: AudioContext, { wave, notes, loud }: Sound) {
  const start = context.currentTime + 0.05;
  for (const [pitch, begin, length] of notes) {
    const note = context.createOscillator();
    const volume = context.createGain();
    note.type = wave;
    note.frequency.value = pitch;
    note.connect(volume).connect(context.destination);
    const at = start + begin;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(loud, at + 0.04);
    volume.gain.linearRampToValueAtTime(0, at + length);
    note.start(at);
    note.stop(at + length + 0.02);
  }
}

/** How long a sound is, in milliseconds. */
export const lengthOf = ({ notes }: Sound) => Math.max(...notes.map(([, at, length]) => at + length)) * 1_000;

/** Rings until the function that it gives is called. Silent where the browser wants to be clicked first. */
export function ring(kind: 'incoming' | 'outgoing', tone?: ContactTone | null): () => void {
  const sound = kind === 'outgoing' ? OUTGOING : TONES[tone ?? 'usual'];
  const context = new AudioContext();
  play(context, sound);
  const timer = setInterval(() => play(context, sound), sound.everyMs);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}

/** Once, to hear what it is like. */
export async function tryTone(tone: ContactTone | null): Promise<void> {
  const sound = TONES[tone ?? 'usual'];
  const context = new AudioContext();
  play(context, sound);
  await new Promise((done) => setTimeout(done, lengthOf(sound) + 200));
  await context.close();
}
