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

export const toneOf = (problem: ClusterProblem): Tone => (problem.severity === 'critical' ? 'bad' : 'warn');

export const stateTones = { up: 'good', down: 'bad', draining: 'warn' } as const;

/** Share of a disk that is free, 0 to 1. */
export function freeShare(disk: NonNullable<ClusterNode['disk']>): number {
  return disk.total_bytes > 0 ? disk.free_bytes / disk.total_bytes : 0;
}
