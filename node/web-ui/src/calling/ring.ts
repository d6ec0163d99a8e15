/** Two notes and a pause, again and again: the same for who calls and who is called, but softer and lower there. */
const PATTERN = {
  incoming: { pitches: [659.25, 880], loud: 0.25, everyMs: 2_500 },
  outgoing: { pitches: [440, 440], loud: 0.06, everyMs: 4_000 },
};

/** Rings until the function that it gives is called. Silent where the browser wants to be clicked first. */
export function ring(kind: keyof typeof PATTERN): () => void {
  const { pitches, loud, everyMs } = PATTERN[kind];
  const context = new AudioContext();
  const once = () => {
    const start = context.currentTime + 0.05;
    for (const [place, pitch] of pitches.entries()) {
      const note = context.createOscillator();
      const volume = context.createGain();
      note.frequency.value = pitch;
      note.connect(volume).connect(context.destination);
      const at = start + place * 0.35;
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(loud, at + 0.04);
      volume.gain.linearRampToValueAtTime(0, at + 0.3);
      note.start(at);
      note.stop(at + 0.32);
    }
  };
  once();
  const timer = setInterval(once, everyMs);
  return () => {
    clearInterval(timer);
    void context.close();
  };
}
