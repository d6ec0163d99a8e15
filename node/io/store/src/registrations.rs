//! Rows of those who have registered for conferences (CONF-12).

use crate::{
    codec::encode,
    effects::run,
    guest_page::{HEAD, head_of},
    view::{StoreView, body, number, sql},
};
use plenary_access::{DocumentHead, fold};
use plenary_conference::{GuestId, Registrant, RegistrationView};
use plenary_model::Cid;
use plenary_replication::AppError;
use rusqlite::{Connection, params};

pub(crate) fn put(db: &Connection, registrant: &Registrant) -> Result<(), AppError> {
    let stored = encode(registrant).map_err(|error| AppError::Defect(error.to_string()))?;
    let texts: Vec<&str> = registrant.details.texts().collect();
    run(
        db,
        "INSERT OR REPLACE INTO registrants (id, cid, name, search, source, registered_at, came, body)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        params![
            registrant.id.as_str(),
            registrant.cid.as_str(),
            fold(&registrant.details.name),
            fold(&texts.join(" ")),
            registrant.source,
            sql(registrant.registered_at.0),
            registrant.came_at.is_some(),
            stored
        ],
    )
}

/// With the guest that they are.
pub(crate) fn remove(db: &Connection, id: &GuestId) -> Result<(), AppError> {
    run(db, "DELETE FROM registrants WHERE id = ?", [id.as_str()])?;
    run(db, "DELETE FROM guests WHERE id = ?", [id.as_str()])
}

impl RegistrationView for StoreView<'_> {
    fn registrant(&self, id: &GuestId) -> Option<Registrant> {
        let query = "SELECT body FROM registrants WHERE id = ?";
        self.one(query, [id.as_str()], |row| body(row, 0))
    }

    fn registrants_in(&self, cid: &Cid) -> u64 {
        let query = "SELECT count(*) FROM registrants WHERE cid = ?";
        self.one(query, [cid.as_str()], |row| number(row, 0)).unwrap_or(0)
    }

    fn registrants_from(&self, cid: &Cid, source: &str) -> u64 {
        let query = "SELECT count(*) FROM registrants WHERE cid = ? AND source = ?";
        self.one(query, [cid.as_str(), source], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn registrants(&self) -> u64 {
        self.one("SELECT count(*) FROM registrants", [], |row| number(row, 0))
            .unwrap_or(0)
    }

    fn documents(&self) -> Vec<DocumentHead> {
        let query = format!("SELECT {HEAD} FROM documents ORDER BY place");
        self.all(&query, [], head_of)
    }
}
