import { describe, expect, it } from 'vitest';
import { starting } from './starting';

describe('a meeting that one came to start', () => {
  it('starts once, whoever is called', () => {
    starting.put('review', ['ann']);
    expect(starting.take('another')).toBeUndefined();
    expect(starting.take('review')).toEqual(['ann']);
    expect(starting.take('review')).toBeUndefined();
    starting.put('weekly', null);
    expect(starting.take('weekly')).toBeNull();
  });

  it('is forgotten when one does not come in, or sets up another one', () => {
    starting.put('review', null, 0);
    expect(starting.take('review', 120_000)).toBeUndefined();
    expect(starting.take('review', 120_001)).toBeUndefined();
    starting.put('review', null, 0);
    starting.put('weekly', ['ann'], 1_000);
    expect(starting.take('review', 2_000)).toBeUndefined();
    expect(starting.take('weekly', 120_999)).toEqual(['ann']);
  });
});
