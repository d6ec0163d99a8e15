/** Two soft notes, so that one hears which speaker is chosen. */
export async function playTestTone(speaker: string): Promise<void> {
  const context = new AudioContext();
  const chosen = context as AudioContext & { setSinkId?: (id: string) => Promise<void> };
  if (speaker && chosen.setSinkId) await chosen.setSinkId(speaker).catch(() => undefined);
  const volume = context.createGain();
  volume.connect(context.destination);
  const start = context.currentTime + 0.05;
  for (const [place, pitch] of [523.25, 659.25].entries()) {
    const note = context.createOscillator();
    note.frequency.value = pitch;
    note.connect(volume);
    const at = start + place * 0.3;
    volume.gain.setValueAtTime(0, at);
    volume.gain.linearRampToValueAtTime(0.2, at + 0.03);
    volume.gain.linearRampToValueAtTime(0, at + 0.28);
    note.start(at);
    note.stop(at + 0.3);
  }
  await new Promise((done) => setTimeout(done, 900));
  await context.close();
}
