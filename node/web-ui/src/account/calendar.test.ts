import { describe, expect, it } from 'vitest';
import { byDay, dateOf, dayOf, firstWeekday, plusDays, plusMonths, weeksOf } from './calendar';

describe('days', () => {
  it('are counted by the calendar', () => {
    expect(plusDays('2026-02-27', 2)).toBe('2026-03-01');
    expect(plusDays('2026-03-01', -1)).toBe('2026-02-28');
    // The clocks of Europe change on this day.
    expect(plusDays('2026-03-28', 2)).toBe('2026-03-30');
    expect(plusMonths('2026-01-31', 1)).toBe('2026-02-28');
    expect(plusMonths('2026-01-15', -1)).toBe('2025-12-15');
    expect(dayOf(dateOf('nonsense', new Date(2026, 4, 3, 12)))).toBe('2026-05-03');
  });

  it('stand in weeks that begin where the reader begins them', () => {
    expect([firstWeekday('fr-FR'), firstWeekday('en-US')].every((day) => day >= 1 && day <= 7)).toBe(true);
    const month = weeksOf('2026-11-20', 'month', 1);
    expect(month.map((week) => week.length)).toEqual([7, 7, 7, 7, 7, 7]);
    expect([month[0]![0], month.at(-1)!.at(-1)]).toEqual(['2026-10-26', '2026-12-06']);
    expect(weeksOf('2026-11-20', 'week', 1)).toEqual([
      ['2026-11-16', '2026-11-17', '2026-11-18', '2026-11-19', '2026-11-20', '2026-11-21', '2026-11-22'],
    ]);
    expect(weeksOf('2026-11-22', 'week', 7)[0]![0]).toBe('2026-11-22');
  });

  it('hold what begins on them', () => {
    const at = (day: number, hour: number) => ({ start: new Date(2026, 10, day, hour).toISOString() });
    const days = byDay([at(20, 9), at(20, 15), at(21, 0)]);
    expect([days.get('2026-11-20')?.length, days.get('2026-11-21')?.length]).toEqual([2, 1]);
  });
});
