//! Time zones, from the database that is built in.

use crate::{ScheduleError, error::shown};
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// Most names that an error offers.
const CLOSE: usize = 3;
/// Longer than any name of a zone; nothing is compared with what is longer.
const LONGEST: usize = 64;

/// The names of all zones, in the order of the alphabet.
pub fn zones() -> Vec<String> {
    let database = TimeZoneDatabase::bundled();
    let names = database.available().map(|name| name.as_str().to_owned());
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}

/// The zone of this name, in this spelling.
///
/// Names are compared with case although the database would not: equal schedules are then written alike everywhere.
pub(crate) fn find(name: &str) -> Result<TimeZone, ScheduleError> {
    if let Ok(zone) = TimeZoneDatabase::bundled().get(name)
        && zone.iana_name() == Some(name)
    {
        return Ok(zone);
    }
    Err(ScheduleError::Zone {
        name: shown(name),
        close: close(name),
    })
}

/// Up to [`CLOSE`] names that somebody may have meant: by the whole name or by its last part, the city.
fn close(name: &str) -> Vec<String> {
    let wanted = name.trim().to_lowercase().replace(' ', "_");
    let length = wanted.chars().count();
    if length == 0 || length > LONGEST {
        return Vec::new();
    }
    let far = (length / 3).max(2);
    let mut found: Vec<(usize, usize, String)> = zones()
        .into_iter()
        .map(|zone| {
            let (near, whole) = distances(&wanted, &zone.to_lowercase());
            (near, whole, zone)
        })
        .filter(|(near, _, _)| *near < far)
        .collect();
    found.sort();
    found.into_iter().take(CLOSE).map(|(_, _, zone)| zone).collect()
}

/// How far apart they are, by the whole name or by the city, and by the whole name alone.
fn distances(wanted: &str, zone: &str) -> (usize, usize) {
    let whole = strsim::osa_distance(wanted, zone);
    let city = zone.rsplit_once('/').map_or(zone, |(_, city)| city);
    let given = wanted.rsplit_once('/').map_or(wanted, |(_, city)| city);
    // The right city of a wrong continent is not quite the zone that was named.
    let moved = usize::from(given.len() < wanted.len());
    let near = strsim::osa_distance(given, city).saturating_add(moved);
    (whole.min(near), whole)
}
