//! Licences and seats as rows, and the same in memory: a join must not read who else has a seat.

use crate::{
    codec::{decode, encode},
    effects::run,
    view::{bound, name, number, sql},
};
use plenary_licensing::{Desk, File, Stored, Touched};
use plenary_model::{NodeId, Revision, ServerName, Timestamp, UserName};
use plenary_replication::AppError;
use plenary_seats::{Device, DeviceId, Holder, Holding, Loss, ParticipationId, Places};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The desk as it was after the change of this version.
struct Kept {
    version: u64,
    figures: Vec<u8>,
    desk: Desk,
}

/// Keeps the desk between commands. The rows are the truth: what is kept counts only while its version is theirs, which
/// it is not after a transaction was rolled back or a snapshot was installed.
#[derive(Default)]
pub(crate) struct Desks(Mutex<Option<Kept>>);

/// The desk in the hands of one command.
pub(crate) struct Lent<'a> {
    db: &'a Connection,
    kept: MutexGuard<'a, Option<Kept>>,
    loaded: Option<Loaded>,
}

struct Loaded {
    version: u64,
    figures: Vec<u8>,
    desk: Option<Desk>,
}

impl Desks {
    pub(crate) fn lend<'a>(&'a self, db: &'a Connection) -> Lent<'a> {
        Lent {
            db,
            kept: self.0.lock().unwrap_or_else(PoisonError::into_inner),
            loaded: None,
        }
    }
}

impl Lent<'_> {
    /// The desk; `None` inside before seats are counted.
    pub(crate) fn desk(&mut self) -> Result<&mut Option<Desk>, AppError> {
        if self.loaded.is_none() {
            self.loaded = Some(self.load()?);
        }
        let defect = || AppError::Defect("the desk was loaded a moment ago".into());
        self.loaded
            .as_mut()
            .map(|loaded| &mut loaded.desk)
            .ok_or_else(defect)
    }

    fn load(&mut self) -> Result<Loaded, AppError> {
        let version = self
            .db
            .prepare_cached("SELECT version FROM licensing WHERE id = 1")?
            .query_row([], |row| number(row, 0))
            .optional()?;
        let Some(version) = version else {
            return Ok(Loaded {
                version: 0,
                figures: Vec::new(),
                desk: None,
            });
        };
        if let Some(kept) = self.kept.take()
            && kept.version == version
        {
            return Ok(Loaded {
                version,
                figures: kept.figures,
                desk: Some(kept.desk),
            });
        }
        let desk = read(self.db)?;
        let figures = match &desk {
            Some(desk) => figures(desk)?,
            None => Vec::new(),
        };
        Ok(Loaded {
            version,
            figures,
            desk,
        })
    }

    /// Writes what was touched, and keeps the desk for the next command.
    pub(crate) fn give_back(mut self, revision: Revision) -> Result<(), AppError> {
        let Some(Loaded {
            mut version,
            figures: before,
            desk: Some(mut desk),
        }) = self.loaded.take()
        else {
            return Ok(());
        };
        let touched = desk.take_touched();
        let figures = figures(&desk)?;
        if figures != before || touched != Touched::default() {
            version = revision.0;
            write(self.db, version, &figures, &desk, &touched)?;
        }
        *self.kept = Some(Kept {
            version,
            figures,
            desk,
        });
        Ok(())
    }
}

fn unreadable(error: impl std::fmt::Display) -> AppError {
    AppError::Defect(format!("licences and seats cannot be read: {error}"))
}

fn figures(desk: &Desk) -> Result<Vec<u8>, AppError> {
    encode(&desk.figures()).map_err(unreadable)
}

/// Reads what is one of a kind.
pub(crate) fn figures_of(bytes: &[u8]) -> Result<plenary_licensing::Figures, AppError> {
    decode(bytes).map_err(unreadable)
}

/// Reads all rows.
pub(crate) fn read(db: &Connection) -> Result<Option<Desk>, AppError> {
    let figures: Option<Vec<u8>> = db
        .prepare_cached("SELECT figures FROM licensing WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(figures) = figures else { return Ok(None) };
    let mut places = places(db)?;
    let mut of = |kind: &str| places.remove(kind).unwrap_or_default();
    let mut of_users = of("pro");
    let holders = holders(db)?.into_iter().map(|(user, mut holder)| {
        holder.places = of_users.remove(user.as_str()).unwrap_or_default();
        (user, holder)
    });
    let holders = holders.collect();
    let guests = of("guest").into_iter().map(|(guest, places)| {
        let guest = guest.parse().map_err(unreadable)?;
        Ok::<_, AppError>((guest, places))
    });
    let guests = guests.collect::<Result<_, _>>()?;
    let seats = plenary_seats::Stored {
        figures: plenary_seats::Figures::default(),
        holders,
        free_places: of("pool").into_values().flatten().collect(),
        online: online(db)?,
        guests,
        without_permanent: without(db, "permanent")?
            .into_iter()
            .map(|(user, _)| user)
            .collect(),
        without_temporary: without(db, "temporary")?,
    };
    let stored = Stored {
        figures: decode(&figures).map_err(unreadable)?,
        files: files(db)?,
        seats,
    };
    Desk::stored(server(db)?, stored).map(Some).map_err(unreadable)
}

/// Reads the licences alone: nobody has a seat in what this gives.
pub(crate) fn without_seats(db: &Connection) -> Result<Option<Desk>, AppError> {
    let figures: Option<Vec<u8>> = db
        .prepare_cached("SELECT figures FROM licensing WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(figures) = figures else { return Ok(None) };
    let stored = Stored {
        figures: decode(&figures).map_err(unreadable)?,
        files: files(db)?,
        seats: plenary_seats::Stored::default(),
    };
    Desk::stored(server(db)?, stored).map(Some).map_err(unreadable)
}

fn server(db: &Connection) -> Result<ServerName, AppError> {
    Ok(db
        .prepare_cached("SELECT value FROM facts WHERE key = 'server'")?
        .query_row([], |row| name(row, 0))?)
}

fn files(db: &Connection) -> Result<Vec<File>, AppError> {
    let mut query = db.prepare_cached("SELECT body FROM licences ORDER BY id")?;
    let rows = query.query_map([], |row| crate::view::body(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn loss_name(loss: Loss) -> &'static str {
    match loss {
        Loss::Expired => "expired",
        Loss::Redistributed => "redistributed",
        Loss::Revoked => "revoked",
        Loss::Gone => "gone",
    }
}

pub(crate) fn loss_of(text: &str) -> Loss {
    match text {
        "expired" => Loss::Expired,
        "redistributed" => Loss::Redistributed,
        "revoked" => Loss::Revoked,
        _ => Loss::Gone,
    }
}

/// Columns of a seat, in the order of [`holder_of`].
pub(crate) const HOLDER: &str = "user, kind, place, until, loss, seated";

/// Who holds it and what, without the places.
pub(crate) fn holder_of(row: &Row<'_>) -> rusqlite::Result<(UserName, Holder)> {
    let holding = match row.get_ref(1)?.as_str()? {
        "permanent" => Holding::Permanent { place: row.get(2)? },
        "temporary" => Holding::Temporary {
            until: Timestamp(number(row, 3)?),
        },
        _ => Holding::Ending {
            loss: loss_of(row.get_ref(4)?.as_str()?),
        },
    };
    let holder = Holder {
        holding,
        seated: row.get(5)?,
        places: Places::new(),
    };
    Ok((name(row, 0)?, holder))
}

fn holders(db: &Connection) -> Result<Vec<(UserName, Holder)>, AppError> {
    let mut query = db.prepare_cached(&format!("SELECT {HOLDER} FROM pro_seats ORDER BY user"))?;
    let rows = query.query_map([], holder_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

type PlacesByKind = BTreeMap<String, BTreeMap<String, Places>>;

fn places(db: &Connection) -> Result<PlacesByKind, AppError> {
    let mut query = db.prepare_cached("SELECT kind, who, id, node FROM seat_places ORDER BY id")?;
    let mut rows = query.query([])?;
    let mut places = PlacesByKind::new();
    while let Some(row) = rows.next()? {
        let participation = ParticipationId(u128::from(number(row, 2)?));
        let of = places.entry(row.get(0)?).or_default();
        of.entry(row.get(1)?)
            .or_default()
            .insert(participation, NodeId(number(row, 3)?));
    }
    Ok(places)
}

fn online(db: &Connection) -> Result<Vec<(DeviceId, Device)>, AppError> {
    let mut query = db.prepare_cached("SELECT device, user, node FROM online_seats ORDER BY device")?;
    let rows = query.query_map([], |row| {
        let device = Device {
            user: name(row, 1)?,
            node: NodeId(number(row, 2)?),
        };
        Ok((DeviceId(row.get(0)?), device))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn without(db: &Connection, kind: &str) -> Result<Vec<(UserName, Timestamp)>, AppError> {
    let query = "SELECT user, at FROM without_pro WHERE kind = ? ORDER BY place, user";
    let mut query = db.prepare_cached(query)?;
    let rows = query.query_map([kind], |row| Ok((name(row, 0)?, Timestamp(number(row, 1)?))))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn write(
    db: &Connection,
    version: u64,
    figures: &[u8],
    desk: &Desk,
    touched: &Touched,
) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO licensing (id, version, due, figures) VALUES (1, ?, ?, ?)",
        params![sql(version), desk.due().map(bound), figures],
    )?;
    for id in &touched.files {
        let key = id.to_string();
        match desk.file(*id) {
            Some(installed) => run(
                db,
                "INSERT OR REPLACE INTO licences (id, body) VALUES (?, ?)",
                params![key, encode(&installed.file).map_err(unreadable)?],
            )?,
            None => run(db, "DELETE FROM licences WHERE id = ?", [key])?,
        }
    }
    write_seats(db, desk.seats(), &touched.seats)
}

fn write_seats(
    db: &Connection,
    seats: &plenary_seats::Seats,
    touched: &plenary_seats::Touched,
) -> Result<(), AppError> {
    for user in &touched.holders {
        write_holder(db, user, seats.holder(user))?;
    }
    for guest in &touched.guests {
        write_places(db, "guest", guest.as_str(), seats.guest(guest))?;
    }
    for place in &touched.free_places {
        let id = place_number(*place)?;
        match seats.free_place(*place) {
            Some(node) => run(
                db,
                "INSERT OR REPLACE INTO seat_places (id, kind, who, node) VALUES (?, 'pool', '', ?)",
                [id, sql(node.0)],
            )?,
            // The place may have a seat of another kind by now.
            None => run(db, "DELETE FROM seat_places WHERE id = ? AND kind = 'pool'", [id])?,
        }
    }
    for device in &touched.online {
        match seats.device(device) {
            Some(of) => run(
                db,
                "INSERT OR REPLACE INTO online_seats (device, user, node) VALUES (?, ?, ?)",
                params![device.0, of.user.as_str(), sql(of.node.0)],
            )?,
            None => run(db, "DELETE FROM online_seats WHERE device = ?", [&device.0])?,
        }
    }
    for user in &touched.without_temporary {
        match seats.refused_since(user) {
            Some(at) => put_without(db, "temporary", user, at, 0)?,
            None => run(
                db,
                "DELETE FROM without_pro WHERE kind = 'temporary' AND user = ?",
                [user.as_str()],
            )?,
        }
    }
    if touched.without_permanent {
        run(db, "DELETE FROM without_pro WHERE kind = 'permanent'", [])?;
        let (users, at) = seats.without_permanent();
        for (place, user) in (0..).zip(users) {
            put_without(db, "permanent", user, at.unwrap_or_default(), place)?;
        }
    }
    Ok(())
}

fn put_without(
    db: &Connection,
    kind: &str,
    user: &UserName,
    at: Timestamp,
    place: i64,
) -> Result<(), AppError> {
    run(
        db,
        "INSERT OR REPLACE INTO without_pro (kind, user, at, place) VALUES (?, ?, ?, ?)",
        params![kind, user.as_str(), sql(at.0), place],
    )
}

fn write_holder(db: &Connection, user: &UserName, holder: Option<&Holder>) -> Result<(), AppError> {
    write_places(db, "pro", user.as_str(), holder.map(|holder| &holder.places))?;
    let Some(holder) = holder else {
        return run(db, "DELETE FROM pro_seats WHERE user = ?", [user.as_str()]);
    };
    let (kind, place, until, loss) = match holder.holding {
        Holding::Permanent { place } => ("permanent", place, Timestamp(0), ""),
        Holding::Temporary { until } => ("temporary", 0, until, ""),
        Holding::Ending { loss } => ("ending", 0, Timestamp(0), loss_name(loss)),
    };
    let places = i64::try_from(holder.places.len()).unwrap_or(i64::MAX);
    run(
        db,
        "INSERT OR REPLACE INTO pro_seats (user, kind, place, until, loss, seated, places) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![
            user.as_str(),
            kind,
            place,
            bound(until),
            loss,
            holder.seated,
            places
        ],
    )
}

fn write_places(db: &Connection, kind: &str, who: &str, places: Option<&Places>) -> Result<(), AppError> {
    run(
        db,
        "DELETE FROM seat_places WHERE kind = ? AND who = ?",
        [kind, who],
    )?;
    for (place, node) in places.into_iter().flatten() {
        run(
            db,
            "INSERT OR REPLACE INTO seat_places (id, kind, who, node) VALUES (?, ?, ?, ?)",
            params![place_number(*place)?, kind, who, sql(node.0)],
        )?;
    }
    Ok(())
}

/// Places are those of rosters, which have numbers of 64 bits.
fn place_number(place: ParticipationId) -> Result<i64, AppError> {
    u64::try_from(place.0).map(sql).map_err(unreadable)
}

/// Places on a node whose participants are in no roster any more: what this node has to end and say so.
pub(crate) fn orphans(db: &Connection, node: NodeId) -> rusqlite::Result<BTreeSet<u64>> {
    let query = "SELECT id FROM seat_places s WHERE node = ?
                     AND NOT EXISTS (SELECT 1 FROM participants p WHERE p.id = s.id)";
    let mut query = db.prepare_cached(query)?;
    let rows = query.query_map([sql(node.0)], |row| number(row, 0))?;
    rows.collect()
}
