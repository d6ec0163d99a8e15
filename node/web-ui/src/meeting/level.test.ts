import { describe, expect, it } from 'vitest';
import { levelOf, SPEAKING } from './level';

const tone = (volume: number) => Float32Array.from({ length: 512 }, (_, at) => volume * Math.sin(at / 3));

describe('how loud it is', () => {
  it('is nothing in silence', () => expect(levelOf(new Float32Array(512))).toBe(0));
  it('is below speaking for a quiet room', () => expect(levelOf(tone(0.004))).toBeLessThan(SPEAKING));
  it('is speaking for a voice', () => expect(levelOf(tone(0.1))).toBeGreaterThan(SPEAKING));
  it('is never more than everything', () => expect(levelOf(tone(1))).toBe(1));
});
