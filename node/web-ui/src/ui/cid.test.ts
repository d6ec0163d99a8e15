import { describe, expect, it } from 'vitest';
import { cidLike, groupedCid, ungroupedCid } from './cid';

describe('IDs of conferences', () => {
  it.each([
    ['123456789', '123 456 789'],
    ['1234567', '123 4567'],
    ['12345678', '1234 5678'],
    ['1234567890', '123 456 7890'],
    ['12345678901', '123 4567 8901'],
    ['12345', '12345'],
    ['weekly-review', 'weekly-review'],
    ['k7wq2mzp9', 'k7wq2mzp9'],
  ])('%s is shown as %s', (cid, shown) => {
    expect(groupedCid(cid)).toBe(shown);
    expect(ungroupedCid(shown)).toBe(cid);
  });

  it('look as the server makes them', () => {
    expect(cidLike(false, 9)).toBe('482 173 906');
    expect(cidLike(true, 20)).toHaveLength(20);
    expect(cidLike(false, 4)).toBe('4821');
  });
});
