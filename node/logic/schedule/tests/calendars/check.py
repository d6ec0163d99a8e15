"""Reads the calendar files of a folder with programs that are not ours, and compares what they find with the .txt files.

    pip install icalendar recurring-ical-events
    python check.py [FOLDER]

Each file is read twice: as it is, where zones are known by their names, and with a name that nobody knows, so that only
its own description of the zone counts.
"""

import itertools
import pathlib
import sys
from datetime import datetime, timedelta, timezone

import icalendar
import recurring_ical_events

SHOWN = 120


def instant(at):
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%MZ")


def occurrences(text):
    calendar = icalendar.Calendar.from_ical(text)
    [event] = calendar.walk("VEVENT")
    duration = event.get("DURATION")
    duration = duration.dt if duration else timedelta()
    found = recurring_ical_events.of(calendar).after(datetime(1970, 1, 1, tzinfo=timezone.utc))
    for one in itertools.islice(found, SHOWN + 1):
        start = one["DTSTART"].dt.astimezone(timezone.utc)
        # RFC 5545: hours are real time. The ends of this program are those of the wall clock.
        yield f"{instant(start)} {instant(start + duration)}"


def check(path):
    text = path.read_bytes()
    expected = path.with_suffix(".txt").read_text().splitlines()
    versions = [("by name", text)]
    for zone in icalendar.Calendar.from_ical(text).walk("VTIMEZONE"):
        strange = text.replace(zone["TZID"].encode(), f"Nowhere/{path.stem}".encode())
        versions.append(("by description", strange))
    faults = []
    for what, text in versions:
        found = list(itertools.islice(occurrences(text), SHOWN if len(expected) == SHOWN else None))
        if found != expected:
            wrong = [pair for pair in itertools.zip_longest(expected, found) if pair[0] != pair[1]]
            faults.append(f"{path.name} {what}: {len(wrong)} of {len(expected)} differ, first {wrong[0]}")
    return faults


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent)
    paths = sorted(folder.glob("*.ics"))
    faults = [fault for path in paths for fault in check(path)]
    print("\n".join(faults))
    print(f"icalendar {icalendar.__version__}: {len(paths)} files, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
