//! Licences, and who has which seat.

use super::{Found, page::Select};
use crate::{
    desk::{self, HOLDER, holder_of, loss_of},
    view::{name, number, sql},
};
use plenary_access::{ListQuery, Page};
use plenary_licences::Seats;
use plenary_licensing::{Desk, Figures, Needs};
use plenary_model::{NodeId, Timestamp, UserName};
use plenary_seats::{Holding, Loss, Mode};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::{BTreeMap, BTreeSet};

/// A user with PRO, for lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProRow {
    pub user: UserName,
    pub display_name: String,
    pub holding: Holding,
    /// Without a seat it waits for one.
    pub seated: bool,
    /// Conferences that the user is in, places on several devices included.
    pub places: u64,
}

/// A user who got no PRO.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WithoutProRow {
    pub user: UserName,
    pub display_name: String,
    pub since: Timestamp,
}

/// Everything about licences and seats; `None` before seats are counted. Reads all seats.
pub fn desk(db: &Connection) -> Found<Option<Desk>> {
    Ok(desk::read(db)?)
}

/// When something ends by itself; the outer `None` before seats are counted.
pub fn seats_due(db: &Connection) -> Found<Option<Option<Timestamp>>> {
    let due = db
        .prepare_cached("SELECT due FROM licensing WHERE id = 1")?
        .query_row([], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    Ok(due.map(|due| due.map(|due| Timestamp(due.cast_unsigned()))))
}

/// Places on a node whose participants are in no roster any more.
pub fn orphans(db: &Connection, node: NodeId) -> Found<BTreeSet<u64>> {
    Ok(desk::orphans(db, node)?)
}

/// Places of users who have lost PRO and whose nodes have not said yet that these ended.
pub fn lost_seats(db: &Connection) -> Found<BTreeMap<u64, Loss>> {
    let query = "SELECT s.id, h.loss FROM pro_seats h JOIN seat_places s ON s.kind = 'pro' AND s.who = h.user
                     WHERE h.kind = 'ending'";
    let mut query = db.prepare_cached(query)?;
    let rows = query.query_map([], |row| {
        Ok((number(row, 0)?, loss_of(row.get_ref(1)?.as_str()?)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether users need PRO to join; not before seats are counted.
pub fn needs_pro(db: &Connection) -> Found<bool> {
    Ok(figures(db)?.is_some_and(|figures| figures.seats.capacity.mode == Mode::Apart))
}

/// What is one of a kind, without reading who has which seat.
pub fn figures(db: &Connection) -> Found<Option<Figures>> {
    let figures: Option<Vec<u8>> = db
        .prepare_cached("SELECT figures FROM licensing WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(figures.map(|bytes| desk::figures_of(&bytes)).transpose()?)
}

/// What the server borrows and needs; `None` while it is connected to no License Manager.
pub fn needs(db: &Connection) -> Found<Option<Needs>> {
    let Some((lease, capacity)) = figures(db)?.and_then(|found| Some((found.lease?, found.seats.capacity)))
    else {
        return Ok(None);
    };
    let count =
        |query: &str| -> Found<u32> { Ok(db.prepare_cached(query)?.query_row([], |row| row.get(0))?) };
    let one_pool = match lease.is_lent() {
        true => capacity.mode == Mode::OnePool,
        false => lease.gives.as_ref().is_some_and(|gives| gives.enterprise),
    };
    let pro = match one_pool {
        true => 0,
        false => count("SELECT count(*) FROM pro_seats WHERE seated")?,
    };
    Ok(Some(Needs {
        lease,
        taken: Seats {
            pro,
            online: count("SELECT count(*) FROM online_seats")?,
            guest: count("SELECT count(DISTINCT who) FROM seat_places WHERE kind = 'guest'")?,
            gateway: 0,
        },
        devices: count("SELECT count(*) FROM sessions WHERE online_on IS NOT NULL")?,
        unseated: count("SELECT count(*) FROM pro_seats WHERE NOT seated AND kind <> 'ending'")?,
        without_permanent: count("SELECT count(*) FROM without_pro WHERE kind = 'permanent'")?,
    }))
}

/// What one user holds.
pub fn pro_of(db: &Connection, user: &UserName) -> Found<Option<ProRow>> {
    let query = format!("SELECT {HOLDER}, places FROM pro_seats WHERE user = ?");
    Ok(db
        .prepare_cached(&query)?
        .query_row([user.as_str()], |row| {
            let (user, holder) = holder_of(row)?;
            Ok(ProRow {
                user,
                display_name: String::new(),
                holding: holder.holding,
                seated: holder.seated,
                places: number(row, 6)?,
            })
        })
        .optional()?)
}

/// Users with PRO: `permanent`, or all others.
pub fn pro_seats(db: &Connection, permanent: bool, list: &ListQuery) -> Found<Page<ProRow>> {
    let mut select = Select {
        columns: "h.user, h.kind, h.place, h.until, h.loss, h.seated, h.places, u.body",
        from: "pro_seats h LEFT JOIN users u ON u.id = h.user",
        keys: &[
            ("user", "h.user"),
            ("display_name", "coalesce(u.display, '')"),
            ("until", "h.until"),
            ("place", "h.place"),
        ],
        id: "h.user",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("coalesce(u.search, h.user)", &list.search);
    select.conditions.push(match permanent {
        true => "h.kind = 'permanent'".into(),
        false => "h.kind <> 'permanent'".into(),
    });
    select.page(db, list, |row| {
        let (user, holder) = holder_of(row)?;
        Ok(ProRow {
            user,
            display_name: display_name(row, 7)?,
            holding: holder.holding,
            seated: holder.seated,
            places: number(row, 6)?,
        })
    })
}

/// Users who got no PRO: at the last pick of permanent ones, or in the last 24 hours when they wanted to join.
pub fn without_pro(db: &Connection, permanent: bool, list: &ListQuery) -> Found<Page<WithoutProRow>> {
    let mut select = Select {
        columns: "w.user, w.at, u.body",
        from: "without_pro w LEFT JOIN users u ON u.id = w.user",
        keys: &[
            ("place", "w.place"),
            ("user", "w.user"),
            ("display_name", "coalesce(u.display, '')"),
            ("since", "w.at"),
        ],
        id: "w.user",
        conditions: Vec::new(),
        values: Vec::new(),
    };
    select.search("coalesce(u.search, w.user)", &list.search);
    let kind = if permanent { "permanent" } else { "temporary" };
    select.filter("w.kind = ?", kind.to_owned());
    select.page(db, list, |row| {
        Ok(WithoutProRow {
            user: name(row, 0)?,
            since: Timestamp(number(row, 1)?),
            display_name: display_name(row, 2)?,
        })
    })
}

fn display_name(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<String> {
    if row.get_ref(column)? == rusqlite::types::ValueRef::Null {
        return Ok(String::new());
    }
    let user: plenary_access::User = crate::view::body(row, column)?;
    Ok(user.profile.display_name)
}

/// Nodes on which seats are used.
pub fn nodes_with_seats(db: &Connection) -> Found<BTreeSet<NodeId>> {
    let query = "SELECT node FROM seat_places UNION SELECT node FROM online_seats";
    let mut query = db.prepare_cached(query)?;
    let rows = query.query_map([], |row| number(row, 0).map(NodeId))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Whether a node uses seats.
pub fn uses_seats(db: &Connection, node: NodeId) -> Found<bool> {
    let query = "SELECT EXISTS (SELECT 1 FROM seat_places WHERE node = ?1)
                     OR EXISTS (SELECT 1 FROM online_seats WHERE node = ?1)";
    Ok(db
        .prepare_cached(query)?
        .query_row([sql(node.0)], |row| row.get(0))?)
}
