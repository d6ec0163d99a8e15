//! Calls of people of this server to people of partners' (FED-02). The leader has each of them ring there, by what is
//! replicated: another one takes up where this one was lost, and the key of a call says that it is the same.

use crate::{options::system, server::Server};
use plenary_access::policy_for;
use plenary_conference::{Call, Change, Command, How, PartnerSaid};
use plenary_federation_io::{Home, RingAnswer, RingEnd, Ringing, Rung};
use plenary_model::{Cid, ServerName, UserId, UserName};
use plenary_replication::Role;
use plenary_rest_api::{
    backend::{Applied, Backend as _, ReadError, WriteError},
    token_hash,
};
use plenary_signalling_io::{Notification, Topic};
use plenary_store::queries;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::{AbortHandle, JoinSet},
};

/// How often it is looked whether this node leads, and what rings.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Before a lost connection is made again.
const PAUSE: Duration = Duration::from_millis(500);
/// A partner that has not said anything yet is tried for so long.
const FIRST_WITHIN: Duration = Duration::from_secs(6);
/// What a partner may say of one call, over how many connections ever, so that something is written.
const SAYINGS: u32 = 16;
/// How long the other server may take to hear that it is over.
const FAREWELL: Duration = Duration::from_secs(2);

/// Proposes what is the server's own to say.
pub(super) async fn propose(server: &Server, change: Change) -> Result<Applied, WriteError> {
    let command = Command {
        by: system(),
        idempotency: None,
        change,
    };
    server.propose_conference(command).await
}

/// Looks after calls to partners' people while this node leads; runs until the task is dropped.
pub(crate) async fn drive(server: Arc<Server>) {
    let mut changes = server.notifications.subscribe();
    let mut tasks = JoinSet::new();
    let mut driven: BTreeMap<Cid, AbortHandle> = BTreeMap::new();
    loop {
        if server.replica.status().role == Role::Leader {
            driven.retain(|_, task| !task.is_finished());
            match server.query(queries::rings_away).await {
                Ok(calls) => {
                    for call in calls {
                        let cid = call.cid.clone();
                        driven.entry(cid).or_insert_with(|| {
                            let changes = changes.resubscribe();
                            tasks.spawn(have_it_ring(server.clone(), call, changes))
                        });
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "calls to other servers cannot be read; it is tried again")
                }
            }
            while tasks.try_join_next().is_some() {}
        } else if !driven.is_empty() {
            // Another node does it.
            tasks.abort_all();
            driven.clear();
        }
        let changed = wait_for_any(&mut changes);
        if tokio::time::timeout(LOOK_EVERY, changed).await == Ok(false) {
            return;
        }
    }
}

/// Waits for a change of calls of people whose names are like this; `false` if there will be none any more.
async fn changed(changes: &mut broadcast::Receiver<Notification>, is_it: impl Fn(&str) -> bool) -> bool {
    loop {
        match changes.recv().await {
            Ok(Notification::Changed {
                topic: Topic::Calls,
                object,
                ..
            }) if object.is_empty() || is_it(&object) => return true,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return true,
            Err(RecvError::Closed) => return false,
        }
    }
}

/// The same, of those of one partner's server.
pub(super) async fn wait_for(changes: &mut broadcast::Receiver<Notification>, partner: &ServerName) -> bool {
    changed(changes, |object| of_server(object, partner)).await
}

/// The same, of those of any.
async fn wait_for_any(changes: &mut broadcast::Receiver<Notification>) -> bool {
    changed(changes, |object| object.contains('@')).await
}

/// Why it does not ring there.
enum Unrung {
    /// It was told, or is over here.
    Settled,
    Never(How),
    /// The connection is lost, or there was none.
    Lost,
    /// It is answered by entering another conference than it rang with: it rings anew.
    Moved,
}

/// What was heard of the partner of one call, over all connections.
struct Heard {
    /// It has said that it rings.
    told: bool,
    /// What was written last: the same again is no news.
    last: Option<PartnerSaid>,
    times: u32,
}

impl Heard {
    /// Whether there is something to be written of it.
    fn hear(&mut self, said: &PartnerSaid) -> bool {
        if self.is_enough() || self.last.as_ref() == Some(said) {
            return false;
        }
        self.last = Some(said.clone());
        self.times += 1;
        true
    }

    fn is_enough(&self) -> bool {
        self.times >= SAYINGS
    }
}

async fn have_it_ring(server: Arc<Server>, call: Call, mut changes: broadcast::Receiver<Notification>) {
    let (Some(caller), Some(callee)) = (call.caller.here(), call.callee.there()) else {
        return;
    };
    let (caller, callee) = (caller.clone(), callee.clone());
    let told = call.away.as_ref().is_some_and(|away| away.told);
    let mut heard = Heard {
        told,
        last: None,
        times: 0,
    };
    let since = Instant::now();
    loop {
        let outcome = attempt(&server, &call, (&caller, &callee), &mut changes, &mut heard).await;
        match outcome {
            Unrung::Settled => return,
            Unrung::Never(how) => return say(&server, &call.cid, PartnerSaid::Over(how)).await,
            Unrung::Lost if heard.is_enough() => {
                return say(&server, &call.cid, PartnerSaid::Over(How::Unreached)).await;
            }
            Unrung::Lost if !heard.told && since.elapsed() >= FIRST_WITHIN => {
                return say(&server, &call.cid, PartnerSaid::Over(How::Unreached)).await;
            }
            Unrung::Lost => tokio::time::sleep(PAUSE).await,
            Unrung::Moved => {}
        }
        if end_here(&server, &call.cid).await.is_some() {
            return;
        }
    }
}

/// At least once: who does not get it written tries again as long as it rings.
async fn say(server: &Server, cid: &Cid, said: PartnerSaid) {
    let change = Change::PartnerSaid {
        cid: cid.clone(),
        said,
    };
    if let Err(error) = propose(server, change).await {
        tracing::info!(%error, call = %cid, "what a partner says of a call was not written; it is asked again");
    }
}

/// Waits until a partner has said what it makes of a call.
pub(crate) async fn until_told(server: &Server, cid: &Cid) -> Result<(), ReadError> {
    let mut changes = server.notifications.subscribe();
    loop {
        let key = cid.clone();
        let call = server.query(move |db| queries::call(db, &key)).await?;
        let waits =
            call.is_some_and(|call| call.rings() && call.away.as_ref().is_some_and(|away| !away.told));
        if !waits || !wait_for_any(&mut changes).await {
            return Ok(());
        }
    }
}

/// How it ended here, if it rings no more; `None` where that cannot be read, too.
async fn end_here(server: &Server, cid: &Cid) -> Option<RingEnd> {
    end_of(read(server, cid).await?.as_ref())
}

/// The call as it is here; `None` where it cannot be read.
async fn read(server: &Server, cid: &Cid) -> Option<Option<Call>> {
    let cid = cid.clone();
    server.query(move |db| queries::call(db, &cid)).await.ok()
}

fn end_of(call: Option<&Call>) -> Option<RingEnd> {
    let Some(call) = call else {
        return Some(RingEnd::Cancelled);
    };
    match (call.over.map(|over| over.how), call.answered_at) {
        (None, None) => None,
        (_, Some(_)) => Some(RingEnd::Answered),
        (Some(How::Missed), None) => Some(RingEnd::Missed),
        (Some(_), None) => Some(RingEnd::Cancelled),
    }
}

/// What the call is called between the servers: the same as long as it is answered by entering the same conference.
fn key_of(call: &Call) -> Cid {
    let Some(id) = call.ring.as_ref().and_then(|ring| ring.called.as_ref()) else {
        return call.cid.clone();
    };
    named("to", &format!("{} {id}", call.cid))
}

async fn attempt(
    server: &Server,
    call: &Call,
    (caller, callee): (&UserName, &UserId),
    changes: &mut broadcast::Receiver<Notification>,
    heard: &mut Heard,
) -> Unrung {
    let Some(reach) = server.federation.get() else {
        return Unrung::Never(How::NotAllowed);
    };
    match is_allowed(server, &callee.server, call.ring.is_some()).await {
        Some(true) => {}
        Some(false) => return Unrung::Never(How::NotAllowed),
        None => return Unrung::Lost,
    }
    // Its conference may be found by another ID by now.
    let Some(Some(call)) = read(server, &call.cid).await else {
        return Unrung::Lost;
    };
    let Some(whom) = ringing(server, &call, caller, callee).await else {
        return Unrung::Lost;
    };
    let rung = match reach.ring(&callee.server, &whom).await {
        Ok(rung) => rung,
        Err(why) => {
            tracing::info!(server = %callee.server, call = %call.cid, reason = why.detail, "it does not ring at a partner's");
            return if why.may_change {
                Unrung::Lost
            } else {
                Unrung::Never(How::NotAllowed)
            };
        }
    };
    listen(server, &call, rung, &callee.server, changes, heard).await
}

/// Whether this server lets its people do that; `None` where it cannot tell now.
async fn is_allowed(server: &Server, partner: &ServerName, into_conference: bool) -> Option<bool> {
    let standing = Home::standing(server, partner).await?;
    let terms = policy_for(&standing, partner);
    Some(terms.is_ok_and(|terms| {
        if into_conference {
            terms.conferences
        } else {
            terms.calls
        }
    }))
}

async fn ringing(server: &Server, call: &Call, caller: &UserName, callee: &UserId) -> Option<Ringing> {
    let user = caller.clone();
    let row = server.query(move |db| queries::user(db, &user)).await.ok()?;
    let name = row.map_or_else(|| caller.to_string(), |row| row.user.profile.display_name);
    Some(Ringing {
        call: key_of(call),
        user: caller.clone(),
        name,
        to: callee.name.to_string(),
        enter: call.ring.as_ref().map_or(&call.cid, |ring| ring.id()).clone(),
        into: call.ring.as_ref().map(|ring| ring.name.clone()),
    })
}

/// Tells the partner that it is over, and waits until that is heard.
async fn bid_farewell(mut rung: Rung, end: RingEnd) {
    rung.say.send(end).await.ok();
    let heard = async { while rung.hear.recv().await.is_some() {} };
    tokio::time::timeout(FAREWELL, heard).await.ok();
}

/// Until it rings no more on either side.
async fn listen(
    server: &Server,
    call: &Call,
    mut rung: Rung,
    partner: &ServerName,
    changes: &mut broadcast::Receiver<Notification>,
    heard: &mut Heard,
) -> Unrung {
    loop {
        if let Some(now) = read(server, &call.cid).await {
            if let Some(end) = end_of(now.as_ref()) {
                bid_farewell(rung, end).await;
                return Unrung::Settled;
            }
            if now.is_some_and(|now| key_of(&now) != key_of(call)) {
                bid_farewell(rung, RingEnd::Cancelled).await;
                return Unrung::Moved;
            }
        }
        let answer = tokio::select! {
            answer = rung.hear.recv() => answer,
            goes_on = wait_for(changes, partner) => if goes_on { continue } else { return Unrung::Settled },
        };
        let said = match answer {
            None => return Unrung::Lost,
            Some(RingAnswer::Rings { user, name, group }) => {
                heard.told = true;
                let server = partner.clone();
                PartnerSaid::Rings {
                    user: user.map(|name| UserId { name, server }),
                    name,
                    group,
                }
            }
            Some(RingAnswer::Conference { enter, name }) => PartnerSaid::Conference { enter, name },
            Some(RingAnswer::Over(end)) => match how_of(end) {
                Some(how) => PartnerSaid::Over(how),
                // They are at the gate of its conference, or were a moment ago.
                None => {
                    tokio::time::sleep(PAUSE).await;
                    return Unrung::Settled;
                }
            },
        };
        if heard.is_enough() {
            return Unrung::Lost;
        }
        if heard.hear(&said) {
            say(server, &call.cid, said).await;
        }
    }
}

/// `None`: they have answered, which is found here.
fn how_of(end: RingEnd) -> Option<How> {
    Some(match end {
        RingEnd::Declined => How::Declined,
        RingEnd::Busy => How::Busy,
        RingEnd::Unreachable => How::Unreachable,
        RingEnd::Nobody => How::Nobody,
        RingEnd::Missed | RingEnd::Cancelled => How::Missed,
        RingEnd::Answered => return None,
    })
}

/// A key of a call that follows from `text` and is that of nothing else.
pub(super) fn named(prefix: &str, text: &str) -> Cid {
    let mut key = format!("{prefix}-");
    for byte in token_hash(text).0.iter().take(16) {
        // Writing to a text does not fail.
        write!(key, "{byte:02x}").unwrap_or_default();
    }
    key.parse().expect("letters, digits and `-`, and not long")
}

fn of_server(object: &str, server: &ServerName) -> bool {
    object
        .rsplit_once('@')
        .is_some_and(|(_, of)| of == server.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_the_server_behind_the_last_at() {
        let oslo = "oslo.example.net".parse().expect("good");
        assert!(of_server("demo2@oslo.example.net", &oslo));
        for other in ["demo2", "demo2@oslo.example.net.evil.example", "oslo.example.net"] {
            assert!(!of_server(other, &oslo), "{other}");
        }
    }

    #[test]
    fn a_call_is_another_one_when_its_conference_has_another_id() {
        let call = |called: Option<&str>| Call {
            cid: "ring-1".parse().expect("good"),
            caller: "ann".parse().expect("good"),
            callee: "olav@oslo.example.net".parse().expect("good"),
            began_at: plenary_model::Timestamp(0),
            answered_at: None,
            over: None,
            ring: Some(plenary_conference::Ring {
                cid: "council".parse().expect("good"),
                called: called.map(|id| id.parse().expect("good")),
                name: "Council".into(),
                by: plenary_conference::Ringer::Moderator,
            }),
            group: None,
            answered_by: None,
            away: None,
        };
        let keys = [call(None), call(Some("board")), call(Some("desk"))].map(|call| key_of(&call));
        assert_eq!(keys[0].as_str(), "ring-1");
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
        assert_eq!(
            keys[1],
            key_of(&call(Some("board"))),
            "a new leader finds the same"
        );
    }

    #[test]
    fn what_a_partner_says_again_and_again_is_not_written() {
        let mut heard = Heard {
            told: false,
            last: None,
            times: 0,
        };
        let rings = |name: usize| PartnerSaid::Rings {
            user: None,
            name: name.to_string(),
            group: true,
        };
        assert!(heard.hear(&rings(0)) && !heard.hear(&rings(0)));
        let written = (1..1_000).filter(|name| heard.hear(&rings(*name))).count() as u32;
        assert_eq!(written, SAYINGS - 1);
        assert!(heard.is_enough());
    }

    #[test]
    fn that_they_answered_is_found_here() {
        assert_eq!(how_of(RingEnd::Answered), None);
        assert_eq!(how_of(RingEnd::Busy), Some(How::Busy));
    }
}
