//! When a conference takes place: once, or weekly on chosen days, by the wall clock of a time zone (CONF-02, CONF-14 to
//! CONF-16).
//!
//! Pure: no clock, no files, no randomness. A [`Schedule`] is what somebody asked for, as it stands in requests and in the
//! log. [`Schedule::timetable`] checks it and finds its zone; the [`Timetable`] says when the conference starts and ends.
//! [`ical`] writes it down for calendars.
//!
//! ```text
//!  request ──► Schedule ── timetable() ──► Timetable ──► next_after, occurrences_between, first, last, is_over
//!                 │            │               │
//!                 ▼            ▼               └──► ical::calendar ──► text/calendar
//!                log     ScheduleError
//! ```
//!
//! Zones come from the IANA database that is built into the program, never from that of the system: what a node computes
//! does not change with the packages of its machine. Still, nodes of different versions know different rules. **So only
//! the proposer computes:** a timetable is made where a command is proposed, and the log carries the instants that came
//! out beside the schedule. Whoever applies the log reads a [`Schedule`] without looking for its zone, which an older
//! node may not know.
//!
//! # Local time and real time
//!
//! * A local time that the clocks leap over is moved forward by as much as they leap; one that comes twice is the first
//!   (RFC 5545 §3.3.5). After a leap 23:30 may be 00:30 of the next day. RFC 5545 §3.3.10 would leave out a repetition
//!   that is leapt over: a conference that people expect takes place all the same, and it counts.
//! * Weekly steps are steps of the local calendar: 09:00 stays 09:00.
//! * A duration is real time: an hour is an hour, whatever the clocks do meanwhile.
//! * A whole day that a zone skipped (Samoa, 2011-12-30) counts, and falls on the same time of the next day. Where that
//!   day is chosen too, both are one occurrence.
//!
//! # Not here
//!
//! Whether a conference starts and ends by its schedule, who is reminded, and how long a run may be. Occurrences may
//! overlap when they are longer than the days between them; what that means is for whoever runs conferences.

mod error;
mod local;
mod schedule;
mod timetable;
mod zone;

pub mod ical;

pub use error::ScheduleError;
pub use local::{FIRST_YEAR, LAST_YEAR, LocalDate, LocalTime, Weekday};
pub use schedule::{COUNT, DURATION_MINUTES, Ends, Once, Schedule, Weekly};
pub use timetable::{Occurrence, Timetable};
pub use zone::zones;
