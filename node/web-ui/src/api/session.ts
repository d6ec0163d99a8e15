/** Who is signed in on this browser: the token, shared by all tabs of this origin. */

const KEY = 'plenary.session';

interface Kept {
  token: string;
  expires_at: string;
}

type Listener = () => void;
const listeners = new Set<Listener>();

function read(): Kept | null {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? 'null') as Kept | null;
    return kept && Date.parse(kept.expires_at) > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

let kept = read();

function set(next: Kept | null) {
  kept = next;
  listeners.forEach((listener) => listener());
}

// Signing in or out in another tab counts here too.
window.addEventListener('storage', (event) => {
  if (event.key === KEY || event.key === null) set(read());
});

export const session = {
  token: (): string | null => kept?.token ?? null,
  start(token: string, expires_at: string) {
    localStorage.setItem(KEY, JSON.stringify({ token, expires_at }));
    set({ token, expires_at });
  },
  end() {
    localStorage.removeItem(KEY);
    set(null);
  },
  subscribe(listener: Listener): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
