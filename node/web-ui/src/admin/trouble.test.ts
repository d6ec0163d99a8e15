import { describe, expect, it } from 'vitest';
import { caughtUp, worstFirst } from './trouble';

describe('a node that catches up', () => {
  it('has a share of all changes', () => {
    expect(caughtUp({ state: 'up', applied_index: '750', lag: 250 })).toBe(0.75);
    expect(caughtUp({ state: 'up', applied_index: null, lag: 1000 })).toBe(0);
  });

  it('is not one that is as far as the others, or away', () => {
    expect(caughtUp({ state: 'up', applied_index: '1000', lag: 3 })).toBeNull();
    expect(caughtUp({ state: 'up', applied_index: '1000', lag: null })).toBeNull();
    expect(caughtUp({ state: 'down', applied_index: '10', lag: 990 })).toBeNull();
  });
});

describe('problems', () => {
  it('come worst first, otherwise as the server has them', () => {
    const of = (code: string, severity: 'warning' | 'critical') => ({ code, severity, object: '' });
    const problems = [of('a', 'warning'), of('b', 'critical'), of('c', 'warning')];
    expect(worstFirst(problems).map((problem) => problem.code)).toEqual(['b', 'a', 'c']);
  });
});
