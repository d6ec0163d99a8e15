//! People of partners' servers in conferences of this one: who they are here, and what of it is told to their servers.

use crate::server::Server;
use plenary_access::PartnerTerms;
use plenary_federation_io::{Attending, Hosted, Permit, Told, Unhosted, Visit};
use plenary_meeting_io::{Federated, Hub, Newcomer, Permitted, Person};
use plenary_model::{Cid, ServerName, UserId};
use plenary_rest_api::backend::{Backend as _, ReadError};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Ended, Join, Participant, Why},
};
use plenary_store::queries;
use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};
use tokio::sync::mpsc;
use tonic::Code;

/// What waits for one of them.
const WAITING: usize = 64;
/// And what waits for a server that takes nothing: more is not kept, and they are out.
const MOST_WAITING: usize = 4_096;
/// How often it is looked how much that is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Numbers of their connections, which are none of those that signalling gives.
static RUNS: AtomicU64 = AtomicU64::new(1 << 63);

/// Lets somebody of a partner's server ask for a conference. What it answers to that is told in the visit.
pub(super) async fn host(
    server: &Server,
    from: &ServerName,
    terms: &PartnerTerms,
    who: Attending,
) -> Result<Hosted, Unhosted> {
    let user = UserId {
        name: who.user,
        server: from.clone(),
    };
    let meetings = server.meetings.get().cloned().ok_or_else(|| Unhosted {
        grpc: Code::Unavailable,
        code: "unavailable",
        words: "this node is only just starting; try again".into(),
    })?;
    let join: Join = serde_json::from_slice(&who.join).map_err(|error| Unhosted {
        grpc: Code::InvalidArgument,
        code: "bad-request",
        words: format!("join: {error}"),
    })?;
    let by_call = is_call(server, &join).await?;
    if !terms.lets_meet(by_call) {
        let what = if by_call {
            "call people"
        } else {
            "attend conferences"
        };
        return Err(Unhosted {
            grpc: Code::PermissionDenied,
            code: if by_call { "no-calls" } else { "no-conferences" },
            words: format!("people of {from} may not {what} here; ask the administrators of this server"),
        });
    }
    let (tell, told) = mpsc::unbounded_channel();
    let (permits, permitted) = mpsc::unbounded_channel();
    let newcomer = Newcomer {
        run: RUNS.fetch_add(1, Ordering::Relaxed),
        person: Person::Federated(Federated {
            user,
            name: who.name,
            shares: who.shares,
        }),
        whence: None,
        tell,
        permits: Some(permits),
    };
    let (say, said) = mpsc::channel(WAITING);
    let (out, hear) = mpsc::channel(WAITING);
    meetings.request(&newcomer, ClientBody::Join(join));
    let (leaving, from_here) = (newcomer.clone(), meetings.clone());
    let part = Box::new(move || {
        let reason = Why::NotAllowed;
        from_here.request(&leaving, ClientBody::Leave {});
        leaving.tell.send(ServerBody::Ended(Ended { reason })).ok();
    });
    tokio::spawn(hear_them(meetings, newcomer, said));
    tokio::spawn(tell_them(server.facts.server.clone(), told, permitted, out));
    let visit = Visit { say, hear };
    Ok(Hosted { visit, by_call, part })
}

/// Whether it is the conference of a call. One that this node has not heard of may have begun a moment ago.
async fn is_call(server: &Server, join: &Join) -> Result<bool, Unhosted> {
    let unreadable = |error: ReadError| {
        tracing::warn!(%error, "what somebody of a partner asks for cannot be read");
        super::not_now()
    };
    let Ok(room) = join.room.parse::<Cid>() else {
        return Ok(false);
    };
    for is_fresh in [false, true] {
        if is_fresh {
            server.fresh().await.map_err(unreadable)?;
        }
        let id = room.clone();
        let found = server.query(move |db| queries::conference_called(db, &id)).await;
        if let Some(conference) = found.map_err(unreadable)? {
            return Ok(conference.call);
        }
    }
    Ok(false)
}

/// Until their server says no more.
async fn hear_them(meetings: Hub, newcomer: Newcomer, mut said: mpsc::Receiver<Vec<u8>>) {
    while let Some(bytes) = said.recv().await {
        match serde_json::from_slice::<ClientBody>(&bytes) {
            Ok(body) if is_for_home(&body) => meetings.request(&newcomer, body),
            // Of a newer version, or what is their own server's affair.
            Ok(_) | Err(_) => {}
        }
    }
    meetings.ended(newcomer.run);
}

/// What the conference's server decides.
fn is_for_home(body: &ClientBody) -> bool {
    !matches!(
        body,
        ClientBody::Join(_) | ClientBody::Offer(_) | ClientBody::Show(_) | ClientBody::Watch { .. }
    )
}

async fn tell_them(
    me: ServerName,
    mut told: mpsc::UnboundedReceiver<ServerBody>,
    mut permitted: mpsc::UnboundedReceiver<Permitted>,
    out: mpsc::Sender<Told>,
) {
    loop {
        let (tells, last) = tokio::select! {
            // What they may comes before that they hear of it, as with our own.
            biased;
            Some(permitted) = permitted.recv() => (Some(Told::Permit(permit(permitted))), false),
            body = told.recv() => match body {
                Some(body) => {
                    let last = body.is_end();
                    (said(&me, body), last)
                }
                None => return,
            },
            () = out.closed() => return,
        };
        if let Some(tells) = tells
            && !pass_on(&out, tells, &told).await
        {
            return;
        }
        if last {
            return;
        }
    }
}

/// Whether it was taken: while it is not, more and more waits.
async fn pass_on(
    out: &mpsc::Sender<Told>,
    tells: Told,
    waiting: &mpsc::UnboundedReceiver<ServerBody>,
) -> bool {
    let too_much = async {
        while waiting.len() <= MOST_WAITING {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    tokio::select! {
        // Who takes it again in time gets all of it.
        biased;
        sent = out.send(tells) => sent.is_ok(),
        () = too_much => {
            tracing::info!("a partner does not take what somebody is told; no more of it is kept");
            false
        }
    }
}

fn permit(permitted: Permitted) -> Permit {
    Permit {
        hall: permitted.hall,
        place: permitted.place.0,
        inside: permitted.inside,
        voice: permitted.flow.voice,
        camera: permitted.flow.camera,
        content: permitted.flow.content,
        only: permitted.only.map(|only| only.iter().map(|id| id.0).collect()),
    }
}

/// As their server is to have it: accounts with their server, and nothing of how this one is built. None for what is no
/// business of theirs.
fn said(me: &ServerName, mut body: ServerBody) -> Option<Told> {
    match &mut body {
        ServerBody::Joined(joined) => {
            // Those have credentials of ours, and their media goes by their server.
            joined.ice_servers.clear();
            for one in &mut joined.participants {
                from_outside(me, one);
            }
        }
        ServerBody::Roster(roster) => {
            for one in &mut roster.participants {
                from_outside(me, one);
            }
        }
        ServerBody::Listed(listed) => {
            for one in &mut listed.participants {
                from_outside(me, one);
            }
        }
        ServerBody::Called(called) => {
            for person in &mut called.people {
                person.user = qualified(me, &person.user);
            }
        }
        ServerBody::Watchers(watchers) => {
            for program in &mut watchers.programs {
                program.user = qualified(me, &program.user);
                program.node = me.to_string();
            }
        }
        ServerBody::Removed(removed) => {
            for person in &mut removed.people {
                person.user = person.user.as_deref().map(|user| qualified(me, user));
            }
        }
        ServerBody::Waiting(_)
        | ServerBody::Room(_)
        | ServerBody::Refused(_)
        | ServerBody::Chat(_)
        | ServerBody::ChatChanged(_)
        | ServerBody::ChatEarlier(_)
        | ServerBody::Writing(_)
        | ServerBody::Readers(_)
        | ServerBody::Invitations(_)
        | ServerBody::OwnLayout(_)
        | ServerBody::Ended(_) => {}
        ServerBody::Changed { .. }
        | ServerBody::Presence { .. }
        | ServerBody::PartnerPresence { .. }
        | ServerBody::Answer(_)
        | ServerBody::Lost(_)
        | ServerBody::Slots(_)
        | ServerBody::Speaking(_)
        | ServerBody::Layers(_)
        | ServerBody::Quality(_) => return None,
    }
    match serde_json::to_vec(&body) {
        Ok(bytes) => Some(Told::Said(bytes)),
        Err(error) => {
            tracing::error!(%error, "what is told to a partner cannot be written");
            None
        }
    }
}

fn from_outside(me: &ServerName, one: &mut Participant) {
    one.user = one.user.as_deref().map(|user| qualified(me, user));
    one.node = me.to_string();
}

fn qualified(me: &ServerName, user: &str) -> String {
    if user.contains('@') {
        return user.to_owned();
    }
    format!("{user}@{me}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_named_with_their_server() {
        let me = "paris.example.com".parse().unwrap();
        assert_eq!(qualified(&me, "demo1"), "demo1@paris.example.com");
        assert_eq!(qualified(&me, "demo2@oslo.example.net"), "demo2@oslo.example.net");
    }

    #[tokio::test]
    async fn for_who_takes_nothing_no_more_than_so_much_is_kept() {
        let ended = || {
            ServerBody::Ended(Ended {
                reason: Why::NotAllowed,
            })
        };
        let said = || Told::Said(Vec::new());
        let (out, mut taken) = mpsc::channel(1);
        let (tell, waiting) = mpsc::unbounded_channel();
        assert!(pass_on(&out, said(), &waiting).await, "there is room");
        for _ in 0..=MOST_WAITING {
            tell.send(ended()).expect("kept");
        }
        assert!(!pass_on(&out, said(), &waiting).await);
        taken.recv().await.expect("the first");
        assert!(pass_on(&out, said(), &waiting).await, "who takes it gets all");
    }

    #[test]
    fn what_their_own_server_does_is_not_heard() {
        let show = ClientBody::Show(plenary_signalling::meeting::Show { tiles: Vec::new() });
        let say = ClientBody::React(plenary_signalling::meeting::React {
            reaction: "👍".into(),
        });
        assert!(!is_for_home(&show));
        assert!(is_for_home(&say));
        assert!(is_for_home(&ClientBody::Leave {}));
    }
}
