import type { ClusterNode, ClusterProblem } from '../api/types';
import type { Tone } from '../ui/Status';
import { textOf } from '../ui/text';

/** What a problem of the server is, means, and asks for, in the reader's language. */
export function troubleText(problem: ClusterProblem) {
  const values = { name: problem.object };
  const of = (part: string) =>
    textOf(
      `admin:trouble.${problem.code}.${part}`,
      textOf(`admin:trouble.unknown.${part}`, '', values),
      values,
    );
  return { title: of('title'), means: of('means'), todo: of('todo') };
}

/** Whether its object is another server, not a node of this one. */
export const isOfPartner = (problem: ClusterProblem) => problem.code.startsWith('partner-');

export const toneOf = (problem: ClusterProblem): Tone => (problem.severity === 'critical' ? 'bad' : 'warn');

export const stateTones = { up: 'good', down: 'bad', draining: 'warn' } as const;

export function worstFirst(problems: ClusterProblem[]): ClusterProblem[] {
  const rank = (problem: ClusterProblem) => (problem.severity === 'critical' ? 0 : 1);
  return [...problems].sort((a, b) => rank(a) - rank(b));
}

/** Nodes are always a few changes behind each other; from here on people would notice. */
const BEHIND = 100;

/** How much of what there is a node that is behind has, 0 to 1; null for a node that is not. */
export function caughtUp(node: Pick<ClusterNode, 'state' | 'lag' | 'applied_index'>): number | null {
  const applied = Number(node.applied_index ?? 0);
  if (node.state === 'down' || node.lag === null || node.lag < BEHIND) return null;
  return applied / (applied + node.lag);
}

/** Share of a disk that is free, 0 to 1. */
export function freeShare(disk: NonNullable<ClusterNode['disk']>): number {
  return disk.total_bytes > 0 ? disk.free_bytes / disk.total_bytes : 0;
}
