//! The rules as a replicated application.

use crate::{
    codec::{AnyCommand, CodecError, Reply, decode_command, encode},
    desk::{Desks, Lent},
    directory_link, effects, facts, schema,
    view::{StoreView, sql},
};
use plenary_access::{Actor, Idempotency, Moment, Notice, Refusal, actor_key};
use plenary_conference as conference;
use plenary_licensing::{Following, SEATS_LEVEL};
use plenary_model::{GuestId, Revision, Timestamp, UserName};
use plenary_replication::{AppError, Application, Stamp};
use rusqlite::{Connection, Transaction, params};
use std::sync::Arc;
use tokio::sync::broadcast;

/// What pages must load again, told after it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The entry of the log; the state of this node holds it when this is told.
    pub index: u64,
    /// `None`: everything may have changed, the state came from another node as a whole.
    pub notices: Option<Arc<[Notice]>>,
}

/// The state of a server as the replication applies it.
pub struct ServerApp {
    changes: broadcast::Sender<Changes>,
    desks: Desks,
}

impl Default for ServerApp {
    fn default() -> Self {
        Self {
            changes: broadcast::Sender::new(4_096),
            desks: Desks::default(),
        }
    }
}

impl ServerApp {
    /// Follows what is committed from now on. Who is slow misses some and is told so ("lagged").
    pub fn changes(&self) -> broadcast::Receiver<Changes> {
        self.changes.subscribe()
    }
}

/// Bits of a revision that tell commands of one entry of the log apart.
const POSITION_BITS: u32 = 20;

fn moment(at: Stamp) -> Moment {
    Moment {
        now: Timestamp(at.now_ms),
        revision: Revision((at.index << POSITION_BITS) | u64::from(at.position)),
        level: at.level,
    }
}

fn codec_defect(error: CodecError) -> AppError {
    AppError::Defect(format!(
        "a command of the log {error}; a newer version may have written it"
    ))
}

/// What `command` would give by this copy of the state; changes nothing.
///
/// # Errors
/// What the database says.
pub fn rehearse(db: &Connection, at: Stamp, command: impl Into<AnyCommand>) -> Result<Reply, AppError> {
    let view = StoreView::new(db);
    let kept = Desks::default();
    let reply = decide(&view, &mut kept.lend(db), moment(at), &command.into())?.reply;
    view.finish()?;
    Ok(reply)
}

/// What follows from one command, for each part of the server.
struct Decided {
    access: plenary_access::Decision,
    conferences: Vec<conference::Decision>,
    /// Also of what is refused: time passes, and who gets no seat is listed.
    licensing: plenary_licensing::Decision,
    reply: Reply,
}

impl Decided {
    fn refused(refusal: Refusal) -> Self {
        Self {
            access: plenary_access::Decision::default(),
            conferences: Vec::new(),
            licensing: plenary_licensing::Decision::default(),
            reply: Err(refusal),
        }
    }
}

/// Decides, and adds what is kept and told of it.
fn decide(
    view: &StoreView<'_>,
    desks: &mut Lent<'_>,
    at: Moment,
    command: &AnyCommand,
) -> Result<Decided, AppError> {
    let mut decided = decide_parts(view, desks, at, command)?;
    let change = match command {
        AnyCommand::Conference(command) => Some(&command.change),
        AnyCommand::Access(_) | AnyCommand::Licensing(_) => None,
    };
    for decision in &mut decided.conferences {
        conference::tell_presence(view, change, decision);
    }
    conference::settle_rings(view, at, &mut decided.conferences);
    conference::keep_history(view, at, &mut decided.conferences);
    conference::tell_partners(view, at, &mut decided.conferences);
    Ok(decided)
}

/// Asks the rules of the part that `command` changes, and those of the parts that it touches.
fn decide_parts(
    view: &StoreView<'_>,
    desks: &mut Lent<'_>,
    at: Moment,
    command: &AnyCommand,
) -> Result<Decided, AppError> {
    match command {
        AnyCommand::Access(command) => {
            let access = match plenary_access::decide(view, at, command) {
                Ok(access) => access,
                Err(refusal) => return Ok(Decided::refused(refusal)),
            };
            let seats = facts::of_access(view, &command.change, &access);
            let seats: Vec<_> = seats.iter().map(facts::Seat::fact).collect();
            let following = follow_seats(view, desks, at, &seats)?;
            let (access, reply) = match following.refused {
                Some(refusal) => (plenary_access::Decision::default(), Err(refusal)),
                None => (access.clone(), Ok(access.outcome)),
            };
            let rights = facts::rights(view, &access);
            let facts = access.effects.iter().filter_map(facts::of_effect);
            let facts = facts.chain(rights.facts()).collect();
            let conferences = put_out(view, at, facts, &lost(&following.decision));
            Ok(Decided {
                conferences: conferences.into_iter().collect(),
                licensing: following.decision,
                access,
                reply,
            })
        }
        AnyCommand::Conference(command) => {
            let decision = match conference::decide(view, at, command) {
                Ok(decision) => decision,
                Err(refusal) => return Ok(Decided::refused(refusal)),
            };
            let seats = facts::of_conference(view, &command.change, &decision);
            let seats: Vec<_> = seats.iter().map(facts::Seat::fact).collect();
            let following = follow_seats(view, desks, at, &seats)?;
            let put_out = put_out(view, at, Vec::new(), &lost(&following.decision));
            let (own, reply) = match following.refused {
                Some(refusal) => (None, Err(refusal)),
                None => {
                    let outcome = decision.outcome.clone();
                    (Some(decision), Ok(outcome))
                }
            };
            Ok(Decided {
                access: plenary_access::Decision::default(),
                conferences: own.into_iter().chain(put_out).collect(),
                licensing: following.decision,
                reply,
            })
        }
        AnyCommand::Licensing(command) => {
            let following = plenary_licensing::decide(view, at, desks.desk()?, command);
            let put_out = put_out(view, at, Vec::new(), &lost(&following.decision));
            Ok(Decided {
                access: plenary_access::Decision::default(),
                conferences: put_out.into_iter().collect(),
                reply: match following.refused {
                    Some(refusal) => Err(refusal),
                    None => Ok(following.decision.outcome.clone()),
                },
                licensing: following.decision,
            })
        }
    }
}

/// Asks the rules of seats about what another part has decided.
fn follow_seats(
    view: &StoreView<'_>,
    desks: &mut Lent<'_>,
    at: Moment,
    facts: &[plenary_licensing::Fact<'_>],
) -> Result<Following, AppError> {
    if facts.is_empty() || at.level < SEATS_LEVEL {
        return Ok(Following::default());
    }
    Ok(match desks.desk()? {
        Some(desk) => plenary_licensing::follow(view, at, desk, facts),
        None => Following::default(),
    })
}

/// Who may not be in conferences any more.
#[derive(Default)]
struct Lost {
    users: Vec<UserName>,
    guests: Vec<GuestId>,
}

fn lost(decision: &plenary_licensing::Decision) -> Lost {
    let mut lost = Lost::default();
    for effect in &decision.effects {
        match effect {
            plenary_licensing::Effect::PutOut(user) => lost.users.push(user.clone()),
            plenary_licensing::Effect::Ended { users, guests } => {
                lost.users.extend(users.iter().cloned());
                lost.guests.extend(guests.iter().cloned());
            }
        }
    }
    lost.users.sort();
    lost.users.dedup();
    lost
}

/// What follows for conferences, all at once: one after the other would count places twice.
fn put_out<'a>(
    view: &StoreView<'_>,
    at: Moment,
    mut facts: Vec<conference::Fact<'a>>,
    lost: &'a Lost,
) -> Option<conference::Decision> {
    let gone = |user: &UserName| {
        facts.iter().any(|fact| match fact {
            conference::Fact::AccountRemoved(gone) | conference::Fact::AccountDisabled(gone) => *gone == user,
            _ => false,
        })
    };
    let users: Vec<&UserName> = lost.users.iter().filter(|user| !gone(user)).collect();
    facts.extend(users.into_iter().map(conference::Fact::SeatLost));
    facts.extend(lost.guests.iter().map(conference::Fact::GuestSeatLost));
    (!facts.is_empty()).then(|| conference::follow(view, at, &facts))
}

/// Carries a decision out; gives what pages must load again.
fn carry_out(db: &Connection, at: Stamp, by: &Actor, decided: Decided) -> Result<Vec<Notice>, AppError> {
    effects::carry_out(db, at, by, &decided.access, effects::put)?;
    let mut notices = decided.access.notices;
    for decision in decided.conferences {
        effects::carry_out(db, at, by, &decision, effects::put_conference)?;
        notices.extend(decision.notices);
    }
    effects::carry_out(db, at, by, &decided.licensing, |_, _| Ok(()))?;
    directory_link::date_changes(db, moment(at).revision)?;
    notices.extend(decided.licensing.notices);
    notices.sort();
    notices.dedup();
    Ok(notices)
}

impl Application for ServerApp {
    type Notice = Notice;

    fn migrate(&self, database: &mut Connection) -> Result<(), AppError> {
        schema::migrate(database)
    }

    fn apply(
        &self,
        transaction: &Transaction<'_>,
        at: Stamp,
        command: &[u8],
    ) -> Result<plenary_replication::Reply<Notice>, AppError> {
        let command = decode_command(command).map_err(codec_defect)?;
        let view = StoreView::new(transaction);
        let mut desks = self.desks.lend(transaction);
        let decided = decide(&view, &mut desks, moment(at), &command)?;
        view.finish()?;
        let (by, idempotency) = command.origin();
        let reply = decided.reply.clone();
        let notices = carry_out(transaction, at, by, decided)?;
        desks.give_back(moment(at).revision)?;
        remember(transaction, at, by, idempotency, &reply)?;
        Ok(plenary_replication::Reply {
            bytes: encode(&reply).map_err(codec_defect)?,
            notices,
        })
    }

    fn committed(&self, index: u64, mut notices: Vec<Notice>) {
        if !notices.is_empty() {
            notices.sort();
            notices.dedup();
            // Nobody listens: nobody misses it.
            self.changes
                .send(Changes {
                    index,
                    notices: Some(notices.into()),
                })
                .ok();
        }
    }

    fn reset(&self, index: u64) {
        self.changes.send(Changes { index, notices: None }).ok();
    }
}

/// Keeps the first answer to an idempotency key; repetitions get it from the rules.
fn remember(
    db: &Connection,
    at: Stamp,
    by: &Actor,
    asked: Option<&Idempotency>,
    reply: &Reply,
) -> Result<(), AppError> {
    let Some(asked) = asked else {
        return Ok(());
    };
    if matches!(reply, Err(Refusal::IdempotencyMismatch)) {
        return Ok(());
    }
    db.prepare_cached(
        "INSERT OR IGNORE INTO remembered (actor, key, at, request, answer) VALUES (?, ?, ?, ?, ?)",
    )?
    .execute(params![
        actor_key(by),
        asked.key,
        sql(at.now_ms),
        asked.request,
        encode(reply).map_err(codec_defect)?
    ])?;
    Ok(())
}
