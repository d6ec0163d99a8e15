//! Programs name conferences by their IDs; all else here goes by keys (`docs/decisions/0018`).

use super::{MediaDoor, signed_in};
use plenary_model::Cid;
use plenary_rest_api::{backend::ReadError, token_hash};
use plenary_store::queries;
use plenary_whip::Refused;

impl MediaDoor {
    /// The key of the conference that people find by an ID.
    pub(super) async fn key_of(&self, id: &Cid) -> Result<Cid, Refused> {
        let look = || {
            let id = id.clone();
            self.server.query(move |db| queries::conference_called(db, &id))
        };
        let unavailable = |_: ReadError| Refused::Unavailable;
        let mut found = look().await.map_err(unavailable)?;
        if found.is_none() && self.may_ask() {
            let fresh = self.server.replica.read_index();
            fresh.await.map_err(|_| Refused::Unavailable)?;
            found = look().await.map_err(unavailable)?;
        }
        found.map(|conference| conference.cid).ok_or(Refused::NotFound)
    }

    /// The same for whoever has this token: strangers are not told which rooms there are.
    pub(super) async fn key_for(&self, token: &str, id: &Cid) -> Result<Cid, Refused> {
        let found = self.key_of(id).await;
        if matches!(found, Err(Refused::NotFound)) {
            let (token, now) = (token_hash(token), self.server.now_ms());
            let session = self.server.query(move |db| queries::session(db, &token, now));
            signed_in(session.await.map_err(|_: ReadError| Refused::Unavailable)?)?;
        }
        found
    }
}
