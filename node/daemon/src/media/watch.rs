//! Programs that watch a conference, and stand in no roster.

use super::{Held, MediaDoor, gate::watches};
use plenary_conference::Visitor;
use plenary_model::{Cid, Timestamp, UserName};
use plenary_rest_api::backend::ReadError;
use plenary_store::queries;
use plenary_whip::{MediaError, Refused};

impl MediaDoor {
    /// Whether somebody may watch: by the same gate as all, as this node's copy has it. Gives the run that they are let
    /// into, by its begin; `None` where nobody is there.
    pub(super) async fn may_watch(
        &self,
        cid: &Cid,
        user: &UserName,
    ) -> Result<Option<Timestamp>, MediaError> {
        let (key, of) = (cid.clone(), user.clone());
        let found = self.server.query(move |db| {
            let operator = queries::is_operator(db, &of)?;
            Ok((queries::conference(db, &key)?, queries::run(db, &key)?, operator))
        });
        let unavailable = |_: ReadError| MediaError::Refused(Refused::Unavailable);
        let (conference, run, operator) = found.await.map_err(unavailable)?;
        let conference = conference.ok_or(MediaError::Refused(Refused::NotFound))?;
        let visitor = Visitor::Account {
            user,
            operator,
            called_at: None,
        };
        watches(&conference, run.as_ref(), visitor, self.server.now_ms())?;
        Ok(run.filter(|run| run.participants > 0).map(|run| run.started_at))
    }

    /// Whether a session watches beyond the run that it was let into, and would not be let into what is there now: who has
    /// been let in once stays for that run, and for no other.
    pub(super) async fn is_shut_out(&self, name: &str, held: &Held) -> bool {
        if held.place.is_some() {
            return false;
        }
        let cid = held.cid.clone();
        let run = self.server.query(move |db| queries::run(db, &cid)).await;
        // Where the server cannot tell, a running session goes on.
        let Ok(run) = run else { return false };
        let now = run.filter(|run| run.participants > 0).map(|run| run.started_at);
        if now == held.run {
            return false;
        }
        match self.may_watch(&held.cid, &held.user).await {
            Ok(run) => {
                if let Some(held) = self.held().get_mut(name) {
                    held.run = run;
                }
                false
            }
            Err(why) => matches!(why, MediaError::KeptOut(_)),
        }
    }
}
