//! What of a conference of this server may cross to a partner: followed in the roster, on whichever node its link arrives.

use crate::{
    crossing::Halls,
    meetings::{allow, flow_of},
    server::Server,
};
use plenary_access::Topic;
use plenary_conference::{Conference, Participant, Person};
use plenary_media_io::{ParticipantId, See, Terms};
use plenary_model::{Cid, ServerName};
use plenary_store::{Changes, queries};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};
use tokio::sync::{broadcast, watch};

/// Where the roster cannot be read it is tried again.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Changes that come soon after one another are looked at together.
const TOGETHER: Duration = Duration::from_millis(20);

/// The rosters of this server's conferences.
pub(crate) struct Rosters {
    server: Arc<Server>,
    changes: broadcast::Receiver<Changes>,
}

impl Rosters {
    pub(crate) fn new(server: Arc<Server>, changes: broadcast::Receiver<Changes>) -> Self {
        Self { server, changes }
    }
}

#[async_trait::async_trait]
impl Halls for Rosters {
    /// Nothing before they are known, and while nobody of the partner is inside.
    async fn terms(&self, key: &Cid, partner: &ServerName) -> watch::Receiver<Option<Terms>> {
        let (tell, told) = watch::channel(None);
        let (server, changes) = (self.server.clone(), self.changes.resubscribe());
        tokio::spawn(keep(server, changes, key.clone(), partner.clone(), tell));
        told
    }
}

async fn keep(
    server: Arc<Server>,
    mut changes: broadcast::Receiver<Changes>,
    key: Cid,
    partner: ServerName,
    tell: watch::Sender<Option<Terms>>,
) {
    loop {
        let (cid, other) = (key.clone(), partner.clone());
        let read = server.query(move |db| {
            let agreed = queries::standing(db, &other)?.terms().content;
            Ok((queries::conference(db, &cid)?, queries::roster(db, &cid)?, agreed))
        });
        match read.await {
            Ok((conference, roster, screens)) => {
                let terms = conference.and_then(|conference| terms(&conference, &roster, &partner, screens));
                tell.send_if_modified(|known| {
                    let is_new = *known != terms;
                    *known = terms;
                    is_new
                });
            }
            Err(error) => {
                tracing::warn!(%error, conference = %key, "who may be seen by a partner cannot be read; it is tried again");
                tokio::time::sleep(READ_AGAIN).await;
                continue;
            }
        }
        tokio::select! {
            goes_on = concerning(&mut changes, &key) => if !goes_on { return },
            () = tell.closed() => return,
        }
        tokio::time::sleep(TOGETHER).await;
    }
}

/// Waits for a change of the conference; `false` if there will be none any more.
async fn concerning(changes: &mut broadcast::Receiver<Changes>, key: &Cid) -> bool {
    loop {
        match changes.recv().await {
            Ok(changes) if !concerns(&changes, key) => {}
            Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => return true,
            Err(broadcast::error::RecvError::Closed) => return false,
        }
    }
}

fn concerns(changes: &Changes, key: &Cid) -> bool {
    changes.notices.as_ref().is_none_or(|notices| {
        notices.iter().any(|notice| {
            let is_meant = notice.object.is_empty() || notice.object == key.as_str();
            match notice.topic {
                Topic::Meetings | Topic::Conferences => is_meant,
                // What was agreed on with the partner.
                Topic::Settings => true,
                _ => false,
            }
        })
    })
}

/// `screens`: whether that server may see those of this one's people.
fn terms(
    conference: &Conference,
    roster: &[Participant],
    partner: &ServerName,
    screens: bool,
) -> Option<Terms> {
    let inside = || roster.iter().filter(|one| one.standing.waiting.is_none());
    let theirs =
        || inside().filter(|one| matches!(&one.person, Person::Federated(user) if user.server == *partner));
    let id = |one: &Participant| ParticipantId(one.id.0);
    let speak: BTreeMap<_, _> = theirs()
        .map(|one| (id(one), allow(flow_of(conference, one))))
        .collect();
    if speak.is_empty() {
        return None;
    }
    let all = theirs().any(|one| conference.sees_all(one));
    let lecturers = inside().filter(|one| conference.shows_to_all(one));
    let people = (!all).then(|| lecturers.map(id).collect::<BTreeSet<_>>());
    let see = See { people, screens };
    Some(Terms::Guests { speak, see })
}
