import { describe, expect, it } from 'vitest';
import { lengthOf, OWN_TONES, TONES } from './ring';

describe('tones', () => {
  it('are there for all that contacts may have, end before they begin anew, and do not hurt', () => {
    expect(Object.keys(TONES).sort()).toEqual(['usual', ...OWN_TONES].sort());
    for (const sound of Object.values(TONES)) {
      expect(lengthOf(sound)).toBeLessThan(sound.everyMs);
      expect(sound.loud).toBeLessThanOrEqual(0.3);
      expect(sound.notes.every(([pitch]) => pitch > 100 && pitch < 4_000)).toBe(true);
    }
  });
});
