//! People of this server whom partners' people call (FED-02), and what becomes of it.

use super::ringing::{named, propose, wait_for};
use crate::server::Server;
use plenary_access::{PartnerTerms, Refusal};
use plenary_conference::{AwayCall, AwayTo, Call, Change, How};
use plenary_federation_io::{RingAnswer, RingEnd, Ringing, Rung, Unhosted};
use plenary_model::{CallKind, CallString, Cid, ServerName, UserId, UserName};
use plenary_rest_api::backend::{Backend as _, ReadError, WriteError};
use plenary_signalling_io::Notification;
use plenary_store::queries;
use rusqlite::Connection;
use std::sync::Arc;
use tokio::sync::{broadcast, mpsc};
use tonic::Code;

/// What waits in one direction.
const WAITING: usize = 8;

/// Who or what is behind a name that a partner calls.
enum Found {
    Nobody,
    User(UserName, String),
    Group(plenary_model::GroupId, String),
    Conference(Cid, String),
}

/// A partner calls somebody. `server` is what its certificate proves.
pub(super) async fn ring(
    server: Arc<Server>,
    from: &ServerName,
    terms: &PartnerTerms,
    whom: Ringing,
) -> Result<Rung, Unhosted> {
    // Before it is looked what there is: nothing that is told is older than that.
    let changes = server.notifications.subscribe();
    let (say, said) = mpsc::channel(WAITING);
    let (tell, hear) = mpsc::channel(WAITING);
    let rung = Rung { say, hear };
    let to = whom.to.clone();
    let own = server.facts.server.clone();
    let found = server.query(move |db| find(db, &own, &to)).await;
    let found = found.map_err(unreadable)?;
    let (to, rings) = match found {
        Found::User(user, name) => {
            let rings = RingAnswer::Rings {
                user: Some(user.clone()),
                name,
                group: false,
            };
            (AwayTo::User(user), rings)
        }
        Found::Group(group, name) if whom.into.is_none() => {
            let rings = RingAnswer::Rings {
                user: None,
                name,
                group: true,
            };
            (AwayTo::Group(group), rings)
        }
        Found::Conference(enter, name) if whom.into.is_none() && terms.conferences => {
            tell.try_send(RingAnswer::Conference { enter, name }).ok();
            return Ok(rung);
        }
        _ => return Ok(nobody(tell, rung)),
    };
    let cid = key_here(from, &whom.call);
    // The same call again: it is followed from where it is, and nothing is written.
    if is_known(&server, &cid, from, &whom.user).await? {
        tokio::spawn(follow(server, from.clone(), cid, rings, (tell, said), changes));
        return Ok(rung);
    }
    let received = Change::Receive(AwayCall {
        cid: cid.clone(),
        from: UserId {
            name: whom.user,
            server: from.clone(),
        },
        name: whom
            .name
            .trim()
            .chars()
            .take(plenary_model::limits::PARTICIPANT_NAME)
            .collect(),
        enter: whom.enter,
        into: whom.into.map(|name| {
            let name = name.trim().chars();
            name.take(plenary_model::limits::CONFERENCE_NAME).collect()
        }),
        to,
    });
    let applied = match propose(&server, received).await {
        Ok(applied) => applied,
        Err(WriteError::Refused(Refusal::NotFound { .. })) => return Ok(nobody(tell, rung)),
        Err(WriteError::Refused(Refusal::Forbidden { .. })) => return Err(silent(&server)),
        Err(error) => return Err(unwritten(&error)),
    };
    server.wait_applied(applied.index).await.map_err(unreadable)?;
    tokio::spawn(follow(server, from.clone(), cid, rings, (tell, said), changes));
    Ok(rung)
}

async fn is_known(server: &Server, cid: &Cid, from: &ServerName, user: &UserName) -> Result<bool, Unhosted> {
    let key = cid.clone();
    let call = server.query(move |db| queries::call(db, &key)).await;
    let call = call.map_err(unreadable)?;
    let caller = call.as_ref().and_then(|call| call.caller.there());
    Ok(caller.is_some_and(|caller| caller.server == *from && caller.name == *user))
}

fn nobody(tell: mpsc::Sender<RingAnswer>, rung: Rung) -> Rung {
    tell.try_send(RingAnswer::Over(RingEnd::Nobody)).ok();
    rung
}

/// An alias that leads to another server is followed for nobody: so nothing goes in circles.
fn find(db: &Connection, own: &ServerName, to: &str) -> Result<Found, plenary_store::QueryError> {
    let Ok(called) = to.parse::<CallString>() else {
        return Ok(Found::Nobody);
    };
    if is_elsewhere(&called.kind(), None) {
        return Ok(Found::Nobody);
    }
    let behind = queries::resolve(db, &called)?;
    let kind = behind.kind();
    if is_elsewhere(&kind, Some(own)) {
        return Ok(Found::Nobody);
    }
    let conference = |id: &Cid| {
        let found = queries::conference_called(db, id)?.filter(|conference| !conference.call);
        Ok(found.map_or(Found::Nobody, |conference| {
            Found::Conference(conference.id().clone(), conference.name)
        }))
    };
    let name = match kind {
        CallKind::Conference { cid, .. } => return conference(&cid),
        CallKind::Gateway { .. } => return Ok(Found::Nobody),
        CallKind::Account { name, .. } => name,
    };
    if let Ok(user) = name.parse::<UserName>()
        && let Some(row) = queries::user(db, &user)?
    {
        return Ok(Found::User(user, row.user.profile.display_name));
    }
    if let Some(group) = queries::group_behind(db, &behind)? {
        return Ok(Found::Group(group.id, group.name));
    }
    match name.parse() {
        Ok(id) => conference(&id),
        Err(_) => Ok(Found::Nobody),
    }
}

fn is_elsewhere(kind: &CallKind, own: Option<&ServerName>) -> bool {
    match kind {
        CallKind::Account { server, .. } | CallKind::Conference { server, .. } => {
            server.is_some() && server.as_ref() != own
        }
        CallKind::Gateway { .. } => false,
    }
}

/// What a partner's call is called here: always the same, and never that of another partner.
fn key_here(from: &ServerName, call: &Cid) -> Cid {
    named("away", &format!("{from} {call}"))
}

/// Tells the partner what becomes of it, and hears when it is to ring no more. When the connection is lost it goes on: the
/// partner asks again, by the same key.
async fn follow(
    server: Arc<Server>,
    from: ServerName,
    cid: Cid,
    rings: RingAnswer,
    (tell, mut said): (mpsc::Sender<RingAnswer>, mpsc::Receiver<RingEnd>),
    mut changes: broadcast::Receiver<Notification>,
) {
    let mut rings = Some(rings);
    loop {
        let key = cid.clone();
        match server.query(move |db| queries::call(db, &key)).await {
            Ok(call) => {
                if let Some(end) = end_of(call.as_ref()) {
                    tell.send(RingAnswer::Over(end)).await.ok();
                    return;
                }
                if let Some(rings) = rings.take() {
                    tell.send(rings).await.ok();
                }
            }
            Err(error) => {
                tracing::warn!(%error, call = %cid, "a call of a partner's cannot be read; it asks again");
                return;
            }
        }
        tokio::select! {
            goes_on = wait_for(&mut changes, &from) => if !goes_on { return },
            end = said.recv() => {
                if let Some(end) = end {
                    ends(&server, &cid, &from, end).await;
                }
                return;
            }
            () = tell.closed() => return,
        }
    }
}

fn end_of(call: Option<&Call>) -> Option<RingEnd> {
    let Some(call) = call else {
        return Some(RingEnd::Missed);
    };
    match (call.over.map(|over| over.how), call.answered_at) {
        (None, None) => None,
        (_, Some(_)) => Some(RingEnd::Answered),
        (Some(How::Declined), None) => Some(RingEnd::Declined),
        (Some(How::Busy), None) => Some(RingEnd::Busy),
        (Some(How::Unreachable), None) => Some(RingEnd::Unreachable),
        (Some(How::Cancelled), None) => Some(RingEnd::Cancelled),
        (Some(_), None) => Some(RingEnd::Missed),
    }
}

async fn ends(server: &Server, cid: &Cid, from: &ServerName, end: RingEnd) {
    let how = match end {
        // Their own seat tells it, if it was one of this server.
        RingEnd::Answered => return,
        RingEnd::Missed => How::Missed,
        _ => How::Cancelled,
    };
    let change = Change::AwayEnds {
        cid: cid.clone(),
        server: from.clone(),
        how,
    };
    if let Err(error) = propose(server, change).await {
        tracing::info!(%error, call = %cid, "that a partner's call is over was not written; it rings until its time is over");
    }
}

/// What went wrong here is written down here; the other server only hears that it may try again.
fn unreadable(error: ReadError) -> Unhosted {
    tracing::warn!(%error, "what a partner calls cannot be read");
    super::not_now()
}

/// Their group has no right to it.
fn silent(server: &Server) -> Unhosted {
    Unhosted {
        grpc: Code::PermissionDenied,
        code: "no-calls",
        words: format!(
            "people of other servers may not call those of {}; ask its administrators",
            server.facts.server
        ),
    }
}

fn unwritten(error: &WriteError) -> Unhosted {
    if let WriteError::Refused(refusal @ (Refusal::Exists { .. } | Refusal::Invalid { .. })) = error {
        return Unhosted {
            grpc: Code::InvalidArgument,
            code: "bad-request",
            words: refusal.to_string(),
        };
    }
    tracing::info!(%error, "a call of a partner's was not written");
    super::not_now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_has_one_name_here_and_no_other_partners() {
        let (oslo, rome) = (
            "oslo.example.net".parse().expect("good"),
            "rome.example.org".parse().expect("good"),
        );
        let call = "call-1".parse().expect("good");
        assert_eq!(key_here(&oslo, &call), key_here(&oslo, &call));
        assert_ne!(key_here(&oslo, &call), key_here(&rome, &call));
        assert_ne!(
            key_here(&oslo, &call),
            key_here(&oslo, &"call-2".parse().expect("good"))
        );
    }

    #[test]
    fn names_with_a_server_are_never_called_for_others() {
        let own = "paris.example.com".parse().expect("good");
        for (text, own, is_elsewhere_for_it) in [
            ("demo1", None, false),
            ("demo1@paris.example.com", None, true),
            ("demo1@paris.example.com", Some(&own), false),
            ("demo1@rome.example.org", Some(&own), true),
            ("\\c\\review@rome.example.org", Some(&own), true),
        ] {
            let kind = text.parse::<CallString>().expect("good").kind();
            assert_eq!(is_elsewhere(&kind, own), is_elsewhere_for_it, "{text}");
        }
    }
}
