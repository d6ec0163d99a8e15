import { describe, expect, it } from 'vitest';
import { starting } from './starting';

describe('a meeting that one came to start', () => {
  it('starts once, whoever is called', () => {
    starting.put('review', ['ann']);
    starting.put('weekly', null);
    expect(starting.take('another')).toBeUndefined();
    expect(starting.take('review')).toEqual(['ann']);
    expect(starting.take('review')).toBeUndefined();
    expect(starting.take('weekly')).toBeNull();
  });
});
