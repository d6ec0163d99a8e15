//! What people and conferences limit of media (USR-07, CONF-10): looked up for each session of this node when it begins,
//! and again when something of it may be another.

use crate::server::Server;
use plenary_access::Topic;
use plenary_conference::{ParticipantId, Person};
use plenary_media_io::{Engine, Kbps, Limits, SessionKey, limited};
use plenary_model::{Cid, UserName};
use plenary_store::{Changes, queries};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::broadcast;

/// Changes that come soon after one another are looked at together.
const TOGETHER: Duration = Duration::from_millis(250);

/// Whose session it is.
#[derive(Debug, Clone)]
pub(crate) enum Whose {
    /// Of who has this place in the meeting.
    Place(ParticipantId),
    User(UserName),
}

#[derive(Debug, Clone)]
struct Held {
    /// None in conferences of other servers, whose limits are theirs to tell.
    cid: Option<Cid>,
    whose: Whose,
    /// What the engine was told.
    limits: Limits,
}

/// The limits of the sessions of this node.
pub(crate) struct Limiter {
    server: Arc<Server>,
    engine: Engine,
    held: Mutex<BTreeMap<SessionKey, Held>>,
}

impl Limiter {
    pub(crate) fn new(server: Arc<Server>, engine: Engine) -> Self {
        Self {
            server,
            engine,
            held: Mutex::default(),
        }
    }

    /// A session is about to begin: it may be over at once.
    pub(crate) fn begin(&self, key: SessionKey, cid: Option<Cid>, whose: Whose) {
        let held = Held {
            cid,
            whose,
            limits: Limits::default(),
        };
        self.held().insert(key, held);
    }

    /// It has begun.
    pub(crate) async fn begun(&self, key: SessionKey) {
        self.look([key].into()).await;
    }

    /// An answer with how much may be sent; a session that receives has no use for it, and does not mind.
    pub(crate) fn told(&self, key: SessionKey, answer: String) -> String {
        match self.of(key).send {
            Some(send) => limited(&answer, send),
            None => answer,
        }
    }

    /// What a session was told last.
    fn of(&self, key: SessionKey) -> Limits {
        self.held().get(&key).map(|held| held.limits).unwrap_or_default()
    }

    /// A session is over.
    pub(crate) fn over(&self, key: SessionKey) {
        self.held().remove(&key);
    }

    /// Tells the engine what has changed. Runs until the task is dropped.
    pub(crate) async fn watch(self: Arc<Self>, mut changes: broadcast::Receiver<Changes>) {
        loop {
            match changes.recv().await {
                Ok(changes) if !concerns_limits(&changes) => continue,
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            }
            tokio::time::sleep(TOGETHER).await;
            let all = self.held().keys().copied().collect();
            self.look(all).await;
        }
    }

    /// Looks these up, and tells what is another.
    async fn look(&self, keys: Vec<SessionKey>) {
        let asked: Vec<(SessionKey, Option<Cid>, Whose)> = {
            let held = self.held();
            let asked = keys.iter().filter_map(|key| Some((*key, held.get(key)?)));
            asked
                .map(|(key, held)| (key, held.cid.clone(), held.whose.clone()))
                .collect()
        };
        let read = self.server.query(move |db| {
            let mut found = Vec::new();
            for (key, cid, whose) in asked {
                let person = match whose {
                    Whose::Place(id) => queries::participant_anywhere(db, id)?.map(|one| one.person),
                    Whose::User(user) => Some(Person::Account(user)),
                };
                let bandwidth = person.map(|person| queries::bandwidth(db, &person)).transpose()?;
                let bandwidth = bandwidth.unwrap_or_default();
                let conference = cid.map(|cid| queries::conference(db, &cid)).transpose()?;
                let quality = conference
                    .flatten()
                    .map(|conference| conference.settings.quality)
                    .unwrap_or_default();
                let height = |height: u16| (height > 0).then_some(height);
                found.push((
                    key,
                    Limits {
                        receive: bandwidth.in_kbps.map(Kbps),
                        send: bandwidth.out_kbps.map(Kbps),
                        camera_height: height(quality.camera_height),
                        content_height: height(quality.content_height),
                    },
                ));
            }
            Ok(found)
        });
        // Where the server cannot tell, what was told before holds.
        for (key, limits) in read.await.unwrap_or_default() {
            let is_new = match self.held().get_mut(&key) {
                Some(held) if held.limits != limits => {
                    held.limits = limits;
                    true
                }
                _ => false,
            };
            if is_new {
                // An engine that has ended tells so itself.
                self.engine.limit(key, limits).await.ok();
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<SessionKey, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn concerns_limits(changes: &Changes) -> bool {
    let of_limits = |topic: Topic| matches!(topic, Topic::Users | Topic::Groups | Topic::Conferences);
    changes
        .notices
        .as_ref()
        .is_none_or(|notices| notices.iter().any(|notice| of_limits(notice.topic)))
}
