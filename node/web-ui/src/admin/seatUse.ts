import type { SeatUse } from '../api/types';
import type { Tone } from '../ui/Status';

/** How much of a bar `count` seats are, in percent; a bar that is more than full is full. */
export function shareOf(count: number, use: SeatUse): number {
  const whole = Math.max(use.total, use.taken);
  return whole > 0 ? Math.min(100, (100 * count) / whole) : 0;
}

/** Whether somebody has to do something: nobody new gets a seat, or hardly anybody. */
export function seatTone(use: SeatUse): Tone {
  if (use.taken > use.total) return 'bad';
  if (use.total === 0) return 'quiet';
  if (use.taken === use.total) return 'bad';
  // Of one or two seats the last one is no warning.
  return use.total > 2 && use.taken >= use.total * 0.9 ? 'warn' : 'good';
}
