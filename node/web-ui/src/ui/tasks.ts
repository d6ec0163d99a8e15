import { useSyncExternalStore } from 'react';

/** Long work of this page: goes on while one looks at others, and is found again in the head of every page. */

export interface Task {
  id: number;
  title: string;
  /** The page that it was started on. */
  to: string;
  state: 'running' | 'done' | 'failed';
  /** 0 to 1; null where nobody can say. */
  share: number | null;
  /** What came of it. */
  note: string;
}

export interface Running {
  step: (share: number) => void;
  done: (note?: string) => void;
  failed: (note: string) => void;
  /** Stopped on purpose: not worth a line. */
  drop: () => void;
}

let tasks: readonly Task[] = [];
let counter = 0;
const listeners = new Set<() => void>();

function set(next: readonly Task[]) {
  tasks = next;
  if (isBusy()) window.addEventListener('beforeunload', ask);
  else window.removeEventListener('beforeunload', ask);
  listeners.forEach((listener) => listener());
}

/** Closing the browser's page would end the work half done. */
function ask(event: BeforeUnloadEvent) {
  event.preventDefault();
}

const isBusy = () => tasks.some((task) => task.state === 'running');

export function startTask(title: string, to: string): Running {
  counter += 1;
  const id = counter;
  const change = (patch: Partial<Task>) =>
    set(tasks.map((task) => (task.id === id ? { ...task, ...patch } : task)));
  set([{ id, title, to, state: 'running', share: null, note: '' }, ...tasks]);
  return {
    step: (share) => change({ share }),
    done: (note = '') => change({ state: 'done', share: 1, note }),
    failed: (note) => change({ state: 'failed', note }),
    drop: () => set(tasks.filter((task) => task.id !== id)),
  };
}

/** Forgets what is over. */
export function forgetTasks() {
  set(tasks.filter((task) => task.state === 'running'));
}

/** Somebody else signs in next. */
export function endTasks() {
  set([]);
}

export function useTasks(): readonly Task[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    () => tasks,
  );
}
