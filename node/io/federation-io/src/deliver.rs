//! Telling servers of partners of conferences that name their people, and being told.
//!
//! ```text
//!  the conference's server                               the server of who is invited
//!   Reach::deliver ── Deliver {64 of them} ────────────────► Home::hear
//!                  ◄─ an answer for each ───────────────────
//! ```
//! A server can only speak for its own conferences, to people of the other one.

use crate::{
    Door, Guest, Home, Reach, Unhosted, Unreached,
    door::{Act, refused},
    host::proven,
    owner::owner_of,
};
use plenary_conference::{Bidding, Delivery, Message, Opening};
use plenary_contracts::federation::v1 as wire;
use plenary_federation::Capability;
use plenary_links::Caller;
use plenary_model::{Buckets, Cid, ServerName, Timestamp, UserId, UserName, limits};
use plenary_schedule::Occurrence;
use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::time::timeout;
use tonic::{Code, Request, Response, Status};
use wire::federation_client::FederationClient;

/// Most deliveries of one call.
pub const DELIVERIES: usize = 64;
/// And most bytes of them: a message has more.
const BYTES: usize = 56 * 1024;
/// How long the other server may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// People who are not known that a partner may name at once, and each second in the long run: it cannot ask who there is.
const STRANGERS: (f64, f64) = (128.0, 0.2);
/// What is answered for one who is not known.
const UNKNOWN_USER: &str = "unknown-user";

/// How often servers of one owner named people who are not known.
pub(crate) type Strangers = Buckets<String>;

pub(crate) fn strangers() -> Strangers {
    Buckets::new(STRANGERS.0, STRANGERS.1)
}

/// What a partner answers to one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Taken,
    /// For good; why, for administrators.
    Refused(String),
    /// Not now.
    Later(String),
}

/// Why nothing of what was to be told was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undelivered {
    /// The partner does not want any of it.
    pub is_final: bool,
    /// For administrators.
    pub words: String,
}

/// Whether a partner that refuses so will not think otherwise before administrators do.
fn is_final(code: &str) -> bool {
    matches!(code, "not-allowed" | "no-conferences" | "myself")
}

impl From<Unreached> for Undelivered {
    fn from(why: Unreached) -> Self {
        Self {
            is_final: why.code.as_deref().is_some_and(is_final),
            words: why.detail,
        }
    }
}

impl Reach {
    /// Tells `server` as many of these as fit into one call, the first ones; gives what was answered to each of those.
    ///
    /// # Errors
    /// It cannot be reached, did not answer, or refused all of them.
    pub async fn deliver(
        &self,
        server: &ServerName,
        messages: &[Message],
    ) -> Result<Vec<Answer>, Undelivered> {
        let me = self.home.me();
        let mut bytes = 0;
        let deliveries = messages
            .iter()
            .take(DELIVERIES)
            .map(|message| to_wire(me, message));
        let deliveries = deliveries.take_while(|delivery| {
            bytes += size(delivery);
            bytes <= BYTES
        });
        let request = wire::DeliverRequest {
            server: me.to_string(),
            wanted: server.to_string(),
            deliveries: deliveries.collect(),
        };
        let most = request.deliveries.len();
        let answered = self.ask(server, Capability::Deliver, |line| {
            let request = request.clone();
            async move {
                let mut client = FederationClient::new(line.channel());
                let answered = timeout(ANSWER_WITHIN, client.deliver(request)).await;
                answered.map_err(|_| Status::unavailable("it did not answer in time"))?
            }
        });
        let answers = answered.await?.into_inner().answers;
        if answers.len() != most {
            return Err(Undelivered {
                is_final: false,
                words: format!("it gave {} answers to {most} messages", answers.len()),
            });
        }
        Ok(answers.into_iter().map(answer_of).collect())
    }
}

/// About as many bytes as it has on the way, and no fewer.
fn size(delivery: &wire::Delivery) -> usize {
    let texts = match &delivery.what {
        Some(wire::delivery::What::Invited(told)) => {
            told.id.len() + told.name.len() + told.owner.len() + told.owner_name.len()
        }
        _ => 0,
    };
    delivery.conference.len() + delivery.user.len() + texts + 96
}

fn answer_of(answer: wire::DeliverAnswer) -> Answer {
    // Its words are shown to administrators and kept: no more of them than a sentence.
    let words: String = answer
        .words
        .chars()
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    match answer.code.as_str() {
        "" => Answer::Taken,
        "unknown-user" => Answer::Refused("there is no such user, or the account is disabled".into()),
        "too-many" => Answer::Refused("the user is invited to as many conferences as may be".into()),
        "too-fast" | "unavailable" => Answer::Later(words),
        _ => Answer::Refused(words),
    }
}

fn to_wire(me: &ServerName, message: &Message) -> wire::Delivery {
    use wire::delivery::What;
    wire::Delivery {
        conference: format!("{}@{me}", message.cid),
        user: message.user.to_string(),
        revision: message.revision.0,
        what: Some(match &message.bidding {
            None => What::Withdrawn(wire::Withdrawal {}),
            Some(bidding) => What::Invited(bidding_to_wire(bidding)),
        }),
    }
}

fn bidding_to_wire(bidding: &Bidding) -> wire::Bidding {
    let opening = match bidding.opening {
        Opening::VirtualRoom => wire::Opening::VirtualRoom,
        Opening::ByHand => wire::Opening::ByHand,
        Opening::Scheduled => wire::Opening::Scheduled,
    };
    let next = bidding.next;
    wire::Bidding {
        id: bidding.id.to_string(),
        name: bidding.name.clone(),
        owner: bidding.owner.to_string(),
        owner_name: bidding.owner_name.clone(),
        moderator: bidding.moderator,
        opening: opening.into(),
        starts_ms: next.map_or(0, |next| next.start.0),
        ends_ms: next.and_then(|next| next.end).map_or(0, |end| end.0),
    }
}

/// Why one of many is not looked at.
#[derive(Debug)]
enum Bad {
    /// It speaks for somebody else, or to somebody else.
    NotYours(String),
    Unreadable(String),
    /// What a newer version may say.
    Newer,
}

impl Bad {
    fn answer(self) -> wire::DeliverAnswer {
        let (code, words) = match self {
            Self::NotYours(words) => ("not-yours", words),
            Self::Unreadable(words) => ("bad-request", words),
            Self::Newer => ("not-known", "this server does not know what that is".into()),
        };
        wire::DeliverAnswer {
            code: code.into(),
            words,
        }
    }
}

fn from_wire(me: &ServerName, from: &ServerName, delivery: wire::Delivery) -> Result<Delivery, Bad> {
    use wire::delivery::What;
    let unreadable =
        |field: &str, error: &dyn std::fmt::Display| Bad::Unreadable(format!("{field}: {error}"));
    let (cid, of) = delivery
        .conference
        .rsplit_once('@')
        .ok_or_else(|| unreadable("conference", &"has no server"))?;
    let of: ServerName = of.parse().map_err(|error| unreadable("conference", &error))?;
    let cid: Cid = cid.parse().map_err(|error| unreadable("conference", &error))?;
    let user: UserId = delivery
        .user
        .parse()
        .map_err(|error| unreadable("user", &error))?;
    if of != *from {
        return Err(Bad::NotYours(format!(
            "{from} does not speak for conferences of {of}"
        )));
    }
    if user.server != *me {
        return Err(Bad::NotYours(format!("{} is no server of {me}", user.server)));
    }
    let bidding = match delivery.what {
        Some(What::Withdrawn(_)) => None,
        Some(What::Invited(bidding)) => Some(bidding_of(bidding).map_err(Bad::Unreadable)?),
        None => return Err(Bad::Newer),
    };
    Ok(Delivery {
        cid,
        user: user.name,
        revision: delivery.revision,
        bidding,
    })
}

fn bidding_of(bidding: wire::Bidding) -> Result<Bidding, String> {
    let id: Cid = bidding.id.parse().map_err(|error| format!("id: {error}"))?;
    let owner: UserName = bidding.owner.parse().map_err(|error| format!("owner: {error}"))?;
    let text = |field: &str, text: String, most: usize| {
        let is_good = !text.trim().is_empty() && text.chars().count() <= most;
        if !is_good || text.chars().any(char::is_control) {
            return Err(format!("{field}: must be one line of 1 to {most} characters"));
        }
        Ok(text)
    };
    let next = match (bidding.starts_ms, bidding.ends_ms) {
        (0, _) => None,
        (start, 0) => Some((start, None)),
        (start, end) if end >= start => Some((start, Some(Timestamp(end)))),
        _ => return Err("ends_ms: is before starts_ms".into()),
    };
    if next.is_some_and(|(start, end)| start.max(end.map_or(0, |end| end.0)) > LAST_MS) {
        return Err("starts_ms, ends_ms: are later than the year 9999".into());
    }
    Ok(Bidding {
        name: text("name", bidding.name, limits::CONFERENCE_NAME)?,
        owner_name: text("owner_name", bidding.owner_name, limits::PROFILE_FIELD)?,
        moderator: bidding.moderator,
        opening: match wire::Opening::try_from(bidding.opening) {
            Ok(wire::Opening::ByHand) => Opening::ByHand,
            Ok(wire::Opening::Scheduled) => Opening::Scheduled,
            Ok(_) => Opening::VirtualRoom,
            Err(_) => return Err("opening: is of a newer version".into()),
        },
        next: next.map(|(start, end)| Occurrence {
            start: Timestamp(start),
            end,
        }),
        id,
        owner,
    })
}

/// The end of the year 9999.
const LAST_MS: u64 = 253_402_300_799_999;

/// A partner tells.
pub(crate) async fn deliver(
    home: &Arc<dyn Home>,
    door: &Door,
    strangers: &Strangers,
    request: Request<wire::DeliverRequest>,
) -> Result<Response<wire::DeliverResponse>, Status> {
    let caller = request.extensions().get::<Caller<Guest>>().cloned();
    let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
    let wire::DeliverRequest {
        server,
        wanted,
        deliveries,
    } = request.into_inner();
    let (server, terms) = proven(home, door, &caller, &server, &wanted).await?;
    let me = home.me();
    if !terms.conferences {
        let words = format!("people of {me} do not attend conferences of {server}; ask its administrators");
        return Err(refused(Code::PermissionDenied, "no-conferences", words));
    }
    door.spend(&server, Act::Deliver)?;
    if deliveries.len() > DELIVERIES {
        door.misbehaved(&server);
        let words = format!(
            "there are {} deliveries; at most {DELIVERIES} are taken",
            deliveries.len()
        );
        return Err(refused(Code::InvalidArgument, "bad-request", words));
    }
    let mut answers: Vec<wire::DeliverAnswer> = Vec::new();
    answers.resize_with(deliveries.len(), Default::default);
    let (mut good, mut places) = (Vec::new(), Vec::new());
    for (place, (delivery, answer)) in deliveries.into_iter().zip(&mut answers).enumerate() {
        match from_wire(me, &server, delivery) {
            Ok(delivery) => {
                good.push(delivery);
                places.push(place);
            }
            Err(bad) => {
                if !matches!(bad, Bad::Newer) {
                    door.misbehaved(&server);
                }
                *answer = bad.answer();
            }
        }
    }
    // Nobody is looked up for a partner that has asked for many who are not here.
    if let Err(wait_s) = peek(strangers, &server) {
        for place in places {
            if let Some(answer) = answers.get_mut(place) {
                *answer = untaken(
                    "too-fast",
                    format!("too many people are not known here; try again in {wait_s} s"),
                );
            }
        }
        return Ok(Response::new(wire::DeliverResponse { answers }));
    }
    if !good.is_empty() {
        let heard = home.hear(&server, good).await;
        let refusals = heard.map_err(|why| refused(why.grpc, why.code, why.words))?;
        for (place, code) in refusals {
            if code == UNKNOWN_USER {
                strangers.take(owner_of(&server), Instant::now()).ok();
            }
            let answer = places.get(place).and_then(|place| answers.get_mut(*place));
            if let Some(answer) = answer {
                *answer = untaken(&code, String::new());
            }
        }
    }
    Ok(Response::new(wire::DeliverResponse { answers }))
}

/// Whether it may name one more who is not known.
fn peek(strangers: &Strangers, server: &ServerName) -> Result<(), u64> {
    let now = Instant::now();
    strangers.take(owner_of(server), now)?;
    strangers.give_back(owner_of(server), now);
    Ok(())
}

fn untaken(code: &str, words: String) -> wire::DeliverAnswer {
    wire::DeliverAnswer {
        code: code.into(),
        words,
    }
}

/// What a server says of those that it did not take: their places, and stable codes.
pub type Unheard = BTreeMap<usize, String>;

/// What a server answers that takes nothing.
pub(crate) fn hears_nothing() -> Unhosted {
    Unhosted {
        grpc: Code::Unavailable,
        code: "unavailable",
        words: "this server takes nothing now; try again".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_model::Revision;

    fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().expect("good")
    }

    fn message(next: Option<Occurrence>) -> Message {
        Message {
            cid: name("review"),
            user: name("demo2@oslo.example.net"),
            revision: Revision(7),
            created_at: Timestamp(1),
            bidding: Some(Bidding {
                id: name("weekly"),
                name: "Weekly review".into(),
                owner: name("alice"),
                owner_name: "Alice".into(),
                moderator: true,
                opening: Opening::Scheduled,
                next,
            }),
        }
    }

    fn crosses(message: &Message) -> Delivery {
        let (paris, oslo) = (name("paris.example.com"), name("oslo.example.net"));
        from_wire(&oslo, &paris, to_wire(&paris, message)).expect("good")
    }

    #[test]
    fn what_is_told_crosses_unchanged() {
        let at = |end: Option<u64>| {
            Some(Occurrence {
                start: Timestamp(5),
                end: end.map(Timestamp),
            })
        };
        for next in [None, at(None), at(Some(9))] {
            let message = message(next);
            let crossed = crosses(&message);
            assert_eq!((crossed.cid.as_str(), crossed.user.as_str()), ("review", "demo2"));
            assert_eq!((crossed.revision, crossed.bidding), (7, message.bidding));
        }
        let withdrawn = Message {
            bidding: None,
            ..message(None)
        };
        assert_eq!(crosses(&withdrawn).bidding, None);
    }

    #[test]
    fn what_cannot_be_is_refused_by_its_field() {
        let (paris, oslo) = (name("paris.example.com"), name("oslo.example.net"));
        let good = to_wire(&paris, &message(None));
        let with = |change: &dyn Fn(&mut wire::Bidding)| {
            let mut delivery = good.clone();
            if let Some(wire::delivery::What::Invited(bidding)) = &mut delivery.what {
                change(bidding);
            }
            delivery
        };
        let long = "n".repeat(limits::CONFERENCE_NAME + 1);
        for (delivery, field) in [
            (with(&|one| one.id = "a b".into()), "id"),
            (with(&|one| one.name = "  ".into()), "name"),
            (with(&|one| one.name.clone_from(&long)), "name"),
            (with(&|one| one.owner_name = "A\nB".into()), "owner_name"),
            (with(&|one| one.owner = String::new()), "owner"),
            (with(&|one| one.opening = 99), "opening"),
            (with(&|one| (one.starts_ms, one.ends_ms) = (9, 5)), "ends_ms"),
            (with(&|one| one.starts_ms = u64::MAX), "starts_ms"),
        ] {
            let bad = from_wire(&oslo, &paris, delivery)
                .expect_err("it is wrong")
                .answer();
            assert!(bad.words.starts_with(field), "{}", bad.words);
            assert_eq!(bad.code, "bad-request");
        }
    }
}
