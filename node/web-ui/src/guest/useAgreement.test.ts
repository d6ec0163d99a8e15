import { describe, expect, it } from 'vitest';
import type { DocumentHead } from '../api/types';
import { openOf } from './useAgreement';

const document = (place: number, version: string): DocumentHead => ({
  place,
  version,
  title: `Document ${place}`,
  link: null,
});

describe('what is asked', () => {
  it('is all that was not agreed to in its present version', () => {
    const all = [document(1, '10'), document(3, '30')];
    expect(openOf(all)).toEqual(all);
    expect(openOf(all, [{ place: 1, version: '10' }])).toEqual([all[1]]);
    expect(openOf(all, [{ place: 1, version: '9' }])).toEqual(all);
    expect(openOf(all, [{ place: 3, version: '10' }])).toEqual(all);
  });
});
