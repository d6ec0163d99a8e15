//! What must hold, read from the rows themselves.

use super::Story;
use crate::home::Home;
use plenary_store::queries;
use proptest::{prelude::*, test_runner::TestCaseError};
use rusqlite::Row;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct PlaceRow {
    pub(super) cid: String,
    pub(super) id: u64,
    /// `account:alice`.
    person: String,
    pub(super) node: u64,
    secret: Vec<u8>,
    pub(super) away: bool,
    /// Of a call, which needs no seat.
    call: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct SeatRow {
    kind: String,
    who: String,
    pub(super) node: u64,
}

/// Who is in, and who has a seat.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Rows {
    pub(super) places: Vec<PlaceRow>,
    pub(super) seats: BTreeMap<u64, SeatRow>,
    /// Users with PRO who have a seat of those that there are.
    seated: BTreeSet<String>,
    devices: BTreeSet<String>,
}

fn read<T>(home: &Home, query: &str, of: impl Fn(&Row<'_>) -> rusqlite::Result<T>) -> Vec<T> {
    let mut query = home.db.prepare_cached(query).expect("a good query");
    let rows = query.query_map([], |row| of(row)).expect("reads");
    rows.collect::<rusqlite::Result<_>>().expect("reads")
}

fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

impl Rows {
    pub(super) fn of(home: &Home) -> Self {
        let places = "SELECT p.cid, p.id, p.person, p.node, p.secret, p.away_since IS NOT NULL, c.call
                          FROM participants p JOIN conferences c ON c.cid = p.cid ORDER BY p.cid, p.id";
        let places = read(home, places, |row| {
            Ok(PlaceRow {
                cid: row.get(0)?,
                id: number(row, 1)?,
                person: row.get(2)?,
                node: number(row, 3)?,
                secret: row.get(4)?,
                away: row.get(5)?,
                call: row.get(6)?,
            })
        });
        let seats = read(home, "SELECT id, kind, who, node FROM seat_places", |row| {
            let (kind, who) = (row.get(1)?, row.get(2)?);
            let node = number(row, 3)?;
            Ok((number(row, 0)?, SeatRow { kind, who, node }))
        });
        let text = |row: &Row<'_>| row.get(0);
        Self {
            places,
            seats: seats.into_iter().collect(),
            seated: read(home, "SELECT user FROM pro_seats WHERE seated", text)
                .into_iter()
                .collect(),
            devices: read(home, "SELECT device FROM online_seats", text)
                .into_iter()
                .collect(),
        }
    }

    /// Places that need a seat.
    pub(super) fn needing(&self) -> Vec<&PlaceRow> {
        self.places.iter().filter(|place| !place.call).collect()
    }

    /// Places that need none.
    pub(super) fn in_calls(&self) -> Vec<&PlaceRow> {
        self.places.iter().filter(|place| place.call).collect()
    }

    fn guests(&self) -> BTreeSet<&str> {
        let guests = self.seats.values().filter(|seat| seat.kind == "guest");
        guests.map(|seat| seat.who.as_str()).collect()
    }
}

impl Story {
    /// What must hold after every step.
    pub(super) fn check(&mut self) -> Result<(), TestCaseError> {
        let rows = Rows::of(&self.home);
        let participants = self.home.count("participants");
        prop_assert_eq!(participants, rows.places.len() as u64, "each is in a conference");
        participants_have_seats(&rows)?;
        self.seats_have_participants(&rows)?;
        self.devices_are_in_one_place(&rows)?;
        self.nobody_is_given_what_is_not_there(&rows)?;
        // What a node still lets people do has a seat, which nobody else gets.
        for node in self.nodes.values() {
            for (id, needs) in &node.uses {
                prop_assert!(!needs || rows.seats.contains_key(id), "{} is in use", id);
            }
        }
        self.rows = rows;
        Ok(())
    }

    fn seats_have_participants(&self, rows: &Rows) -> Result<(), TestCaseError> {
        for (id, seat) in &rows.seats {
            let Some(place) = rows.places.iter().find(|place| place.id == *id) else {
                // Only of who was there: until the node says that it ended.
                prop_assert!(
                    self.rows.seats.contains_key(id),
                    "a seat for nobody: {} {:?}",
                    id,
                    seat
                );
                continue;
            };
            let person = match seat.kind.as_str() {
                "pro" => format!("account:{}", seat.who),
                "guest" => format!("guest:{}", seat.who),
                _ => place.person.clone(),
            };
            prop_assert_eq!(&person, &place.person, "the seat is theirs");
            prop_assert_eq!(seat.node, place.node, "where they are: {}", id);
            prop_assert!(!place.call, "a call of two takes none");
        }
        Ok(())
    }

    fn devices_are_in_one_place(&self, rows: &Rows) -> Result<(), TestCaseError> {
        let ids: BTreeSet<u64> = rows.places.iter().map(|place| place.id).collect();
        prop_assert_eq!(ids.len(), rows.places.len(), "a place is in one roster");
        let secrets: BTreeSet<_> = rows.places.iter().map(|place| &place.secret).collect();
        prop_assert_eq!(secrets.len(), rows.places.len(), "and of one device");
        let mut devices = BTreeSet::new();
        for place in rows.places.iter().filter(|place| !place.away) {
            let device = self.taken_by.get(&place.id);
            prop_assert!(
                device.is_some_and(|device| devices.insert(*device)),
                "{:?}",
                place
            );
        }
        let elsewhere = "SELECT o.device FROM online_seats o JOIN sessions s ON s.id = o.device
                             WHERE s.online_on <> o.node";
        let elsewhere: Vec<String> = read(&self.home, elsewhere, |row| row.get(0));
        prop_assert!(
            elsewhere.is_empty(),
            "online and counted on two nodes: {:?}",
            elsewhere
        );
        Ok(())
    }

    fn nobody_is_given_what_is_not_there(&self, rows: &Rows) -> Result<(), TestCaseError> {
        let figures = queries::figures(&self.home.db).expect("reads").expect("counted");
        let most = figures.seats.capacity;
        for (was, is, most) in [
            (self.rows.seated.len(), rows.seated.len(), most.pro),
            (self.rows.guests().len(), rows.guests().len(), most.guest),
            (self.rows.devices.len(), rows.devices.len(), most.online),
        ] {
            prop_assert!(
                is <= was || is <= most as usize,
                "{} of {}, before {}",
                is,
                most,
                was
            );
        }
        Ok(())
    }
}

/// Who is away has none to lose: their node may be one whose seats are free.
fn participants_have_seats(rows: &Rows) -> Result<(), TestCaseError> {
    for place in rows.needing().into_iter().filter(|place| !place.away) {
        let seat = rows.seats.get(&place.id);
        prop_assert!(seat.is_some(), "no seat: {:?}", place);
        if let Some(SeatRow { kind, who, .. }) = seat {
            prop_assert!(
                kind != "pro" || rows.seated.contains(who),
                "{} holds nothing",
                who
            );
        }
    }
    Ok(())
}
