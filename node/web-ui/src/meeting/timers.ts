/** Named timers: a new one of a name takes the place of the one before. */
export class Timers {
  private readonly running = new Map<string, ReturnType<typeof setTimeout>>();

  after(name: string, ms: number, act: () => void) {
    this.forget(name);
    const run = () => {
      this.running.delete(name);
      act();
    };
    this.running.set(name, setTimeout(run, ms));
  }

  has(name: string): boolean {
    return this.running.has(name);
  }

  forget(...names: string[]) {
    for (const name of names) {
      clearTimeout(this.running.get(name));
      this.running.delete(name);
    }
  }

  clear() {
    this.running.forEach(clearTimeout);
    this.running.clear();
  }
}
