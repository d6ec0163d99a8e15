import ICAL from 'ical.js';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

/**
 * What calendars get of a conference (CONF-16), read by ical.js, the parser of Thunderbird: files that a test of
 * `logic/schedule` proves to be what the server makes, with the times at which it plans them beside.
 */

const folder = join(import.meta.dirname, '../../../logic/schedule/tests/calendars');
const read = (name: string) => readFileSync(join(folder, name), 'utf8');
const names = readdirSync(folder).flatMap((file) => (file.endsWith('.ics') ? [file.slice(0, -4)] : []));
/** As many stand in the files at most. */
const SHOWN = 120;

const instant = (seconds: number) => new Date(seconds * 1000).toISOString().replace(':00.000Z', 'Z');

function eventOf(text: string): ICAL.Event {
  const calendar = new ICAL.Component(ICAL.parse(text) as unknown[]);
  // Zones are those that the file describes.
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents('vtimezone')) ICAL.TimezoneService.register(zone);
  const [event, ...others] = calendar.getAllSubcomponents('vevent');
  expect(others).toEqual([]);
  return new ICAL.Event(event);
}

function starts(event: ICAL.Event): ICAL.Time[] {
  if (!event.isRecurring()) return [event.startDate];
  const found: ICAL.Time[] = [];
  const each = event.iterator();
  for (let at = each.next(); at && found.length <= SHOWN; at = each.next()) found.push(at);
  return found;
}

describe.each(names)('the calendar file %s', (name) => {
  it('has the times that the server plans', () => {
    const planned = read(`${name}.txt`).trim().split('\n');
    const event = eventOf(read(`${name}.ics`));
    const length = event.component.hasProperty('duration') ? event.duration.toSeconds() : 0;
    const found = starts(event).map((at) => {
      const start = at.toUnixTime();
      return `${instant(start)} ${instant(start + length)}`;
    });
    expect(planned.length === SHOWN ? found.slice(0, SHOWN) : found).toEqual(planned);
  });

  it('has lines of at most 75 octets, and all that Thunderbird needs to know the event again', () => {
    const text = read(`${name}.ics`);
    expect(text.endsWith('\r\n')).toBe(true);
    for (const line of text.split('\r\n')) {
      expect(Buffer.byteLength(line), line).toBeLessThanOrEqual(75);
      expect(line).not.toMatch(/[\r\n\uFFFD]/);
    }
    const event = eventOf(text);
    expect(event.uid).not.toBe('');
    expect(event.component.getFirstPropertyValue('dtstamp')).toBeInstanceOf(ICAL.Time);
    expect(event.sequence).toBe(name === 'cancelled' ? 7 : 0);
  });
});

it('stays at the same time of the day over both changes of the clocks', () => {
  for (const name of ['until', 'never', 'lord-howe']) {
    const event = eventOf(read(`${name}.ics`));
    const all = starts(event);
    const times = new Set(all.map((at) => `${at.hour}:${at.minute}`));
    const offsets = new Set(all.map((at) => at.utcOffset()));
    expect(times.size, name).toBe(1);
    expect(offsets.size, name).toBe(2);
  }
});

it('takes commas, semicolons, line ends and letters of four bytes as they are', () => {
  const event = eventOf(read('texts.ics'));
  expect(event.summary).toBe(`${'Überprüfung der Fortschritte 🎉 — '.repeat(8)}Ende`);
  expect(event.description).toBe('a, b; c\\d "e" :f\nBEGIN:VALARM\nEND:VEVENT\n\tg\n');
  expect(event.location).toBe('Room 4, floor 2');
  expect(event.uid).toBe('a;b,c\\d@example.com');
  const organiser = event.component.getFirstProperty('organizer');
  // RFC 6868: two of these are one.
  expect(organiser?.getFirstParameter('cn')).toBe("Alice 'Al' O'Hara; CEO: 100%, ^n X-EVIL:1");
  expect(event.component.getAllSubcomponents()).toEqual([]);
});
