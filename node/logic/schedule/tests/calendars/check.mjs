// Reads the calendar files of a folder with ical.js, the parser of Thunderbird, and compares what it finds with the
// .txt files. Zones are those that the files describe.
//
//     npm install ical.js
//     node check.mjs [FOLDER]

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import ICAL from "ical.js";

const SHOWN = 120;

const instant = (seconds) => new Date(seconds * 1000).toISOString().replace(":00.000Z", "Z");

function occurrences(text) {
  const calendar = new ICAL.Component(ICAL.parse(text));
  ICAL.TimezoneService.reset();
  for (const zone of calendar.getAllSubcomponents("vtimezone")) {
    ICAL.TimezoneService.register(zone);
  }
  const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent"));
  const length = event.component.hasProperty("duration") ? event.duration.toSeconds() : 0;
  const found = [];
  const each = event.iterator();
  for (let at = each.next(); at && found.length <= SHOWN; at = event.isRecurring() ? each.next() : null) {
    const start = at.toUnixTime();
    found.push(`${instant(start)} ${instant(start + length)}`);
  }
  return found;
}

const folder = process.argv[2] ?? dirname(fileURLToPath(import.meta.url));
const names = readdirSync(folder).filter((name) => name.endsWith(".ics")).sort();
let faults = 0;
for (const name of names) {
  const expected = readFileSync(join(folder, name.replace(".ics", ".txt")), "utf8").trim().split("\n");
  let found = occurrences(readFileSync(join(folder, name), "utf8"));
  if (expected.length === SHOWN) {
    found = found.slice(0, SHOWN);
  }
  const wrong = [...Array(Math.max(found.length, expected.length)).keys()].filter((n) => found[n] !== expected[n]);
  if (wrong.length > 0) {
    faults += 1;
    console.log(`${name}: ${wrong.length} of ${expected.length} differ, first ${expected[wrong[0]]} is ${found[wrong[0]]}`);
  }
}
console.log(`ical.js: ${names.length} files, ${faults} faults`);
process.exit(faults > 0 ? 1 : 0);
