//! Calling people of a partner's server, and being called from there: one call of two streams for each, as long as it rings.
//!
//! ```text
//!  the caller's server, home                               the server of who is called
//!   Reach::ring ── begin, over ───────────────────────────► Home::ring
//!        Rung ◄─── rings, is a conference, over ──────────── Rung
//! ```
//! What becomes of it is decided by both servers, each for its own side; here nothing is known of calls.

use crate::{
    Door, Guest, Home, Reach, Unreached,
    attend::WAITING,
    door::{Act, doubted, refused},
    host::{Counts, bad, proven},
    line::Line,
};
use plenary_access::PartnerTerms;
use plenary_contracts::federation::v1 as wire;
use plenary_federation::Capability;
use plenary_links::Caller;
use plenary_model::{Cid, ServerName, UserName};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status, Streaming};

/// What is answered to the caller's server, until it ends.
pub(crate) type Answers = ReceiverStream<Result<wire::RingResponse, Status>>;

/// How long the other server may take to take a call, and who calls to say whom.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// Calls of one partner that ring at one node.
const CALLS: usize = 1_000;
/// Answers to one call that are heard: there is little to say of one.
const ANSWERS: usize = 16;
/// The longest names that others see and are called by, in characters.
const NAME: usize = 256;

/// A call to somebody of another server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ringing {
    /// The same for the same call, however often it is asked for.
    pub call: Cid,
    pub user: UserName,
    /// What they are called.
    pub name: String,
    /// Whom they call, without the server: a user, an alias, a group or a conference.
    pub to: String,
    /// The conference of the caller's server that one enters to answer.
    pub enter: Cid,
    /// What the conference is called that one is called into; none for a call of two.
    pub into: Option<String>,
}

/// What the server of who is called answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RingAnswer {
    /// It rings: at somebody, or at a group.
    Rings {
        user: Option<UserName>,
        name: String,
        group: bool,
    },
    /// It is a conference that can be entered.
    Conference {
        enter: Cid,
        name: String,
    },
    Over(RingEnd),
}

/// Why it rings no more, or never did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RingEnd {
    Declined,
    Missed,
    Busy,
    Unreachable,
    Nobody,
    Answered,
    /// The caller gave up, or whoever called takes it back.
    Cancelled,
}

/// A call as long as it rings, on either side: `say` carries what the caller's server says, `hear` what the other one
/// answers. When one of the channels is closed without an end, the connection is lost.
#[derive(Debug)]
pub struct Rung {
    pub say: mpsc::Sender<RingEnd>,
    pub hear: mpsc::Receiver<RingAnswer>,
}

impl From<RingEnd> for wire::RingOutcome {
    fn from(end: RingEnd) -> Self {
        match end {
            RingEnd::Declined => Self::Declined,
            RingEnd::Missed => Self::Missed,
            RingEnd::Busy => Self::Busy,
            RingEnd::Unreachable => Self::Unreachable,
            RingEnd::Nobody => Self::Nobody,
            RingEnd::Answered => Self::Answered,
            RingEnd::Cancelled => Self::Cancelled,
        }
    }
}

/// What a newer version says is as if nobody had answered.
fn end_of(over: wire::RingOver) -> RingEnd {
    match over.outcome() {
        wire::RingOutcome::Declined => RingEnd::Declined,
        wire::RingOutcome::Busy => RingEnd::Busy,
        wire::RingOutcome::Unreachable => RingEnd::Unreachable,
        wire::RingOutcome::Nobody => RingEnd::Nobody,
        wire::RingOutcome::Answered => RingEnd::Answered,
        wire::RingOutcome::Cancelled => RingEnd::Cancelled,
        wire::RingOutcome::Missed | wire::RingOutcome::Unspecified => RingEnd::Missed,
    }
}

fn over(end: RingEnd) -> wire::RingOver {
    wire::RingOver {
        outcome: wire::RingOutcome::from(end).into(),
    }
}

impl Ringing {
    fn to_wire(&self, me: &ServerName, wanted: &ServerName) -> wire::RingBegin {
        wire::RingBegin {
            server: me.to_string(),
            wanted: wanted.to_string(),
            call: self.call.to_string(),
            user: self.user.to_string(),
            name: self.name.clone(),
            to: self.to.clone(),
            enter: self.enter.to_string(),
            into: self.into.clone().unwrap_or_default(),
        }
    }

    /// Gives which field is wrong, and why.
    fn from_wire(begin: wire::RingBegin) -> Result<Self, String> {
        fn read<T: std::str::FromStr<Err: std::fmt::Display>>(field: &str, text: &str) -> Result<T, String> {
            text.parse().map_err(|error| format!("{field}: {error}"))
        }
        let names = [("name", &begin.name), ("to", &begin.to)];
        for (field, text) in names {
            if text.trim().is_empty() || text.chars().count() > NAME {
                return Err(format!("{field}: must have 1 to {NAME} characters"));
            }
        }
        if begin.into.chars().count() > NAME {
            return Err(format!("into: must have at most {NAME} characters"));
        }
        Ok(Self {
            call: read("call", &begin.call)?,
            user: read("user", &begin.user)?,
            enter: read("enter", &begin.enter)?,
            into: Some(begin.into).filter(|name| !name.trim().is_empty()),
            name: begin.name,
            to: begin.to,
        })
    }
}

impl From<RingAnswer> for wire::RingResponse {
    fn from(answer: RingAnswer) -> Self {
        use wire::ring_response::What;
        let what = match answer {
            RingAnswer::Rings { user, name, group } => What::Rings(wire::Rings {
                user: user.map(|user| user.to_string()).unwrap_or_default(),
                name,
                group,
            }),
            RingAnswer::Conference { enter, name } => What::Conference(wire::IsConference {
                enter: enter.to_string(),
                name,
            }),
            RingAnswer::Over(end) => What::Over(over(end)),
        };
        Self { what: Some(what) }
    }
}

/// None for what a newer version says.
fn answered(response: wire::RingResponse) -> Result<Option<RingAnswer>, String> {
    use wire::ring_response::What;
    let Some(what) = response.what else {
        return Ok(None);
    };
    Ok(Some(match what {
        What::Rings(wire::Rings { user, name, group }) => RingAnswer::Rings {
            user: match user.as_str() {
                "" => None,
                user => Some(user.parse().map_err(|error| format!("user: {error}"))?),
            },
            name: name.chars().take(NAME).collect(),
            group,
        },
        What::Conference(wire::IsConference { enter, name }) => RingAnswer::Conference {
            enter: enter.parse().map_err(|error| format!("enter: {error}"))?,
            name: name.chars().take(NAME).collect(),
        },
        What::Over(over) => RingAnswer::Over(end_of(over)),
    }))
}

impl Reach {
    /// Has it ring at somebody of `server`.
    ///
    /// # Errors
    /// When it cannot be reached, or does not take calls of this server.
    pub async fn ring(&self, server: &ServerName, whom: &Ringing) -> Result<Rung, Unreached> {
        self.pace.wait(server).await;
        self.ask(server, Capability::Ring, |line| async move {
            let (say, said) = mpsc::channel(WAITING);
            let first = wire::RingRequest {
                what: Some(wire::ring_request::What::Begin(
                    whom.to_wire(self.home.me(), server),
                )),
            };
            let said = ReceiverStream::new(said).map(|end| wire::RingRequest {
                what: Some(wire::ring_request::What::Over(over(end))),
            });
            let requests = tokio_stream::once(first).chain(said);
            let mut client = wire::federation_client::FederationClient::new(line.channel());
            let begun = timeout(BEGIN_WITHIN, client.ring(requests)).await;
            let begun = begun.map_err(|_| Status::unavailable("it did not answer in time"))??;
            let (tell, hear) = mpsc::channel(WAITING);
            tokio::spawn(carry(server.clone(), line, begun.into_inner(), tell));
            Ok(Rung { say, hear })
        })
        .await
    }
}

/// Until the other server answers no more, or nobody hears it.
async fn carry(
    server: ServerName,
    line: Arc<Line>,
    mut answers: Streaming<wire::RingResponse>,
    tell: mpsc::Sender<RingAnswer>,
) {
    for _ in 0..ANSWERS {
        let answer = tokio::select! {
            answer = answers.message() => answer,
            () = tell.closed() => return,
            () = line.doubted() => return,
        };
        let answer = match answer {
            Ok(Some(answer)) => answered(answer),
            Ok(None) => return,
            Err(status) => Err(status.message().to_owned()),
        };
        match answer {
            Ok(Some(answer)) => {
                if tell.send(answer).await.is_err() {
                    return;
                }
            }
            Ok(None) => {}
            Err(why) => {
                tracing::debug!(%server, error = why, "a call at a partner's server is told of no more");
                return;
            }
        }
    }
    tracing::info!(%server, "a partner says more of a call than there is to say; it is heard no more");
}

/// A partner calls somebody here.
pub(crate) async fn ring(
    home: &Arc<dyn Home>,
    door: &Door,
    counts: &Arc<Counts>,
    request: Request<Streaming<wire::RingRequest>>,
) -> Result<Response<Answers>, Status> {
    let caller = request.extensions().get::<Caller<Guest>>().cloned();
    let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
    let mut said = request.into_inner();
    let first = timeout(BEGIN_WITHIN, said.message()).await;
    let first = first.map_err(|_| bad("nobody said who is called"))??;
    let Some(wire::ring_request::What::Begin(begin)) = first.and_then(|first| first.what) else {
        return Err(bad("the first message must say who is called"));
    };
    let (server, terms) = proven(home, door, &caller, &begin.server, &begin.wanted).await?;
    let whom = Ringing::from_wire(begin).map_err(|why| {
        door.misbehaved(&server);
        bad(&why)
    })?;
    check_terms(&server, home.me(), &terms, &whom)?;
    door.spend(&server, Act::Ring)?;
    let counted = counts.take(server.as_str(), CALLS).ok_or_else(|| {
        let words = format!("{CALLS} calls of {server} ring here already; try again when some have ended");
        refused(Code::ResourceExhausted, "too-many-calls", words)
    })?;
    let rung = home.clone().ring(&server, &terms, whom).await;
    let Rung { say, mut hear } = rung.map_err(|why| refused(why.grpc, why.code, why.words))?;
    let (answers, told) = mpsc::channel(WAITING);
    tokio::spawn(listen(said, say));
    tokio::spawn(async move {
        let _counted = counted;
        let disbelieved = caller.who.until_doubted(&server);
        tokio::pin!(disbelieved);
        loop {
            let answer = tokio::select! {
                answer = hear.recv() => answer,
                () = answers.closed() => return,
                why = &mut disbelieved => {
                    answers.send(Err(doubted(&why))).await.ok();
                    return;
                }
            };
            let Some(answer) = answer else { return };
            if answers.send(Ok(answer.into())).await.is_err() {
                return;
            }
        }
    });
    Ok(Response::new(ReceiverStream::new(told)))
}

#[allow(clippy::result_large_err)] // The error type is tonic's.
fn check_terms(
    server: &ServerName,
    me: &ServerName,
    terms: &PartnerTerms,
    whom: &Ringing,
) -> Result<(), Status> {
    let (is_allowed, code, words) = match whom.into {
        None => (
            terms.calls,
            "no-calls",
            format!("people of {server} may not call people of {me}; ask its administrators"),
        ),
        Some(_) => (
            terms.conferences,
            "no-conferences",
            format!("people of {me} are not called into conferences of {server}; ask its administrators"),
        ),
    };
    if is_allowed {
        return Ok(());
    }
    Err(refused(Code::PermissionDenied, code, words))
}

/// Until the caller's server says the one thing that there is to say, or goes.
async fn listen(mut said: Streaming<wire::RingRequest>, say: mpsc::Sender<RingEnd>) {
    loop {
        let message = tokio::select! {
            message = said.message() => message,
            () = say.closed() => return,
        };
        match message {
            Ok(Some(wire::RingRequest {
                what: Some(wire::ring_request::What::Over(over)),
            })) => {
                say.send(end_of(over)).await.ok();
                return;
            }
            // Of a newer version.
            Ok(Some(wire::RingRequest { what: None })) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn somebody() -> Ringing {
        Ringing {
            call: "call-1".parse().unwrap(),
            user: "demo2".parse().unwrap(),
            name: "Demo Two".into(),
            to: "111".into(),
            enter: "call-1".parse().unwrap(),
            into: None,
        }
    }

    #[test]
    fn calls_cross_unchanged() {
        let (me, wanted) = (
            "oslo.example.net".parse().unwrap(),
            "paris.example.com".parse().unwrap(),
        );
        for into in [None, Some("Review".to_owned())] {
            let whom = Ringing { into, ..somebody() };
            assert_eq!(Ringing::from_wire(whom.to_wire(&me, &wanted)), Ok(whom));
        }
        for answer in [
            RingAnswer::Rings {
                user: Some("demo1".parse().unwrap()),
                name: "Demo One".into(),
                group: false,
            },
            RingAnswer::Rings {
                user: None,
                name: "Desk".into(),
                group: true,
            },
            RingAnswer::Conference {
                enter: "review".parse().unwrap(),
                name: "Review".into(),
            },
            RingAnswer::Over(RingEnd::Busy),
            RingAnswer::Over(RingEnd::Answered),
        ] {
            assert_eq!(answered(answer.clone().into()), Ok(Some(answer)));
        }
        assert_eq!(answered(wire::RingResponse { what: None }), Ok(None));
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        let me = "oslo.example.net".parse().unwrap();
        let good = || somebody().to_wire(&me, &me);
        for (begin, field) in [
            (
                wire::RingBegin {
                    call: "a b".into(),
                    ..good()
                },
                "call",
            ),
            (
                wire::RingBegin {
                    user: "demo2@rome.example.org".into(),
                    ..good()
                },
                "user",
            ),
            (
                wire::RingBegin {
                    name: " ".into(),
                    ..good()
                },
                "name",
            ),
            (
                wire::RingBegin {
                    to: String::new(),
                    ..good()
                },
                "to",
            ),
            (
                wire::RingBegin {
                    enter: "review@rome.example.org".into(),
                    ..good()
                },
                "enter",
            ),
            (
                wire::RingBegin {
                    into: "n".repeat(NAME + 1),
                    ..good()
                },
                "into",
            ),
        ] {
            let why = Ringing::from_wire(begin).expect_err("it is wrong");
            assert!(why.starts_with(field), "{why}");
        }
    }
}
