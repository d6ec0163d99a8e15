/** What somebody chose for meetings on this browser. */

export const views = ['gallery', 'speaker', 'content', 'alone'] as const;

/** How pictures are arranged. */
export type View = (typeof views)[number];

export interface Choices {
  name: string;
  mic: string;
  camera: string;
  speaker: string;
  micOn: boolean;
  cameraOn: boolean;
  noise: boolean;
  echo: boolean;
  shortcuts: boolean;
  view: View;
}

const KEY = 'plenary.meeting';

const usual: Choices = {
  name: '',
  mic: '',
  camera: '',
  speaker: '',
  micOn: true,
  cameraOn: true,
  noise: true,
  echo: true,
  shortcuts: true,
  view: 'gallery',
};

let kept: Choices | null = null;
const listeners = new Set<() => void>();

export const choices = {
  current(): Choices {
    if (!kept) {
      try {
        kept = { ...usual, ...(JSON.parse(localStorage.getItem(KEY) ?? '{}') as Partial<Choices>) };
      } catch {
        kept = usual;
      }
    }
    return kept;
  },
  set(change: Partial<Choices>) {
    kept = { ...choices.current(), ...change };
    localStorage.setItem(KEY, JSON.stringify(kept));
    listeners.forEach((listener) => listener());
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
};
