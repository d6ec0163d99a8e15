//! Programs that watch a conference: they stand beside the roster, and moderators see and remove them (CONF-08).

use super::{Held, MediaDoor, gate::watches, seatless};
use crate::{
    options::{system, system_for},
    server::Server,
};
use plenary_access::Refusal;
use plenary_conference::{Change, Command, ParticipantId, Run, Visitor, WATCHERS_LEVEL};
use plenary_model::{Cid, Timestamp, UserName};
use plenary_rest_api::backend::{Backend as _, ReadError, WriteError};
use plenary_store::queries;
use plenary_whip::{MediaError, Refused};
use std::net::IpAddr;

/// What a session that watches was given.
#[derive(Clone, Copy)]
pub(super) struct Watched {
    pub(super) id: u64,
    /// The run that it was let into, by its begin; `None` where none went on.
    run: Option<Timestamp>,
    /// Whether it is in the replicated list; not while nodes of before do not know that there is one.
    pub(super) listed: bool,
}

impl MediaDoor {
    /// Lets somebody watch, and lists them.
    pub(super) async fn come_to_watch(
        &self,
        cid: &Cid,
        (user, from): (&UserName, IpAddr),
    ) -> Result<Watched, MediaError> {
        let run = self.may_watch(cid, user, from).await?;
        // The highest bit tells those who only watch from those who have a place.
        let id = u64::from_be_bytes(crate::secret::random_bytes()) | 1 << 63;
        let listed = self.server.replica.status().level >= WATCHERS_LEVEL;
        // The gate first: who is kept out takes no seat.
        if listed {
            self.list(cid, (user, from), id).await?;
        }
        if let Err(why) = self.server.take_seat_outside(user).await {
            if listed && let Err(error) = unwatch(&self.server, cid.clone(), id).await {
                tracing::info!(%error, "a program without a seat stays in the list until this node looks again");
            }
            return Err(seatless(why));
        }
        Ok(Watched { id, run, listed })
    }

    /// The gate decides, on all nodes alike: it knows how many are in, and who was removed.
    async fn list(&self, cid: &Cid, (user, from): (&UserName, IpAddr), id: u64) -> Result<(), MediaError> {
        let change = Change::Watch {
            cid: cid.clone(),
            watcher: ParticipantId(id),
            user: user.clone(),
            node: self.server.me(),
            epoch: self.server.epoch,
        };
        let command = Command {
            by: system_for(Some(from)),
            idempotency: None,
            change,
        };
        let applied = self.server.propose_conference(command).await.map_err(unlisted)?;
        let unavailable = |_: ReadError| MediaError::Refused(Refused::Unavailable);
        self.server.wait_applied(applied.index).await.map_err(unavailable)
    }

    /// Whether somebody may watch: by the same gate as all, as this node's copy has it. Gives the run that they are let
    /// into, by its begin.
    async fn may_watch(
        &self,
        cid: &Cid,
        user: &UserName,
        from: IpAddr,
    ) -> Result<Option<Timestamp>, MediaError> {
        let (key, of) = (cid.clone(), user.clone());
        let found = self.server.query(move |db| {
            let operator = queries::is_operator(db, &of, Some(from))?;
            Ok((queries::conference(db, &key)?, queries::run(db, &key)?, operator))
        });
        let unavailable = |_: ReadError| MediaError::Refused(Refused::Unavailable);
        let (conference, run, operator) = found.await.map_err(unavailable)?;
        let conference = conference.ok_or(MediaError::Refused(Refused::NotFound))?;
        let run = run.filter(Run::is_on);
        let visitor = Visitor::Account {
            user,
            operator,
            called_at: None,
        };
        watches(&conference, run.as_ref(), visitor, self.server.now_ms())?;
        Ok(run.map(|run| run.started_at))
    }

    /// Whether a session that watches must end: a moderator removed it, or it watches beyond the run that it was let into
    /// and would not be let into what is there now. Who has been let in once stays for that run, and for no other.
    pub(super) async fn is_shut_out(&self, name: &str, held: &Held) -> bool {
        let Some(watched) = held.watched else {
            return false;
        };
        let cid = held.cid.clone();
        let found = self.server.query(move |db| {
            let is_in = !watched.listed || queries::is_watching(db, &cid, ParticipantId(watched.id))?;
            Ok((is_in, queries::run(db, &cid)?))
        });
        // Where the server cannot tell, a running session goes on.
        let Ok((is_in, run)) = found.await else {
            return false;
        };
        if !is_in {
            return true;
        }
        let now = run.filter(Run::is_on).map(|run| run.started_at);
        if now == watched.run {
            return false;
        }
        match self.may_watch(&held.cid, &held.user, held.address).await {
            Ok(run) => {
                if let Some(watched) = self.held().get_mut(name).and_then(|held| held.watched.as_mut()) {
                    watched.run = run;
                }
                false
            }
            Err(why) => matches!(why, MediaError::KeptOut { .. }),
        }
    }

    /// Whether a program watches here by this ID.
    pub(crate) fn watches(&self, id: u64) -> bool {
        let held = self.held();
        let mut watched = held.values().filter_map(|held| held.watched);
        watched.any(|one| one.id == id)
    }
}

/// A program does not watch any more.
pub(crate) async fn unwatch(server: &Server, cid: Cid, id: u64) -> Result<(), WriteError> {
    let command = Command {
        by: system(),
        idempotency: None,
        change: Change::Unwatch {
            cid,
            watcher: ParticipantId(id),
        },
    };
    server.propose_conference(command).await.map(drop)
}

fn unlisted(error: WriteError) -> MediaError {
    match error {
        WriteError::Refused(Refusal::KeptOut { code, reason, .. }) => {
            MediaError::KeptOut { code, words: reason }
        }
        WriteError::Refused(Refusal::Full(reason)) => MediaError::KeptOut {
            code: "full".into(),
            words: reason,
        },
        WriteError::Refused(Refusal::NotFound { .. }) => MediaError::Refused(Refused::NotFound),
        WriteError::Refused(Refusal::AccountDisabled) => MediaError::Refused(Refused::NotSignedIn),
        _ => MediaError::Refused(Refused::Unavailable),
    }
}
