/** Calls `tick` four times a second, in the background too. */
export function startTicks(tick: () => void): () => void {
  try {
    const worker = new Worker(new URL('./heart.worker.ts', import.meta.url), { type: 'module' });
    worker.onmessage = tick;
    return () => worker.terminate();
  } catch {
    const timer = setInterval(tick, 250);
    return () => clearInterval(timer);
  }
}
