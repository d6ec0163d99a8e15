//! The rules as a replicated application.

use crate::{
    codec::{AnyCommand, CodecError, Reply, decode_command, encode},
    effects, schema,
    view::{StoreView, sql},
};
use plenary_access::{Actor, Effect, Idempotency, Moment, Notice, Outcome, Refusal, actor_key};
use plenary_conference as conference;
use plenary_model::{Revision, Timestamp};
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
}

impl Default for ServerApp {
    fn default() -> Self {
        Self {
            changes: broadcast::Sender::new(4_096),
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
    let reply = decide(&view, moment(at), &command.into()).map(|decided| decided.outcome);
    view.finish()?;
    Ok(reply)
}

/// What follows from one command, for each part of the server.
struct Decided {
    access: plenary_access::Decision,
    conferences: Vec<conference::Decision>,
    outcome: Outcome,
}

/// Asks the rules of the part that `command` changes, and those of the parts that it touches.
fn decide(view: &StoreView<'_>, at: Moment, command: &AnyCommand) -> Result<Decided, Refusal> {
    match command {
        AnyCommand::Access(command) => {
            let access = plenary_access::decide(view, at, command)?;
            let facts: Vec<_> = access.effects.iter().filter_map(fact).collect();
            let conferences = if facts.is_empty() {
                Vec::new()
            } else {
                vec![conference::follow(view, at, &facts)]
            };
            Ok(Decided {
                outcome: access.outcome.clone(),
                access,
                conferences,
            })
        }
        AnyCommand::Conference(command) => {
            let decision = conference::decide(view, at, command)?;
            Ok(Decided {
                outcome: decision.outcome.clone(),
                access: plenary_access::Decision::default(),
                conferences: vec![decision],
            })
        }
    }
}

/// What an effect means to conferences.
fn fact(effect: &Effect) -> Option<conference::Fact<'_>> {
    match effect {
        Effect::RemoveUser(user) => Some(conference::Fact::AccountRemoved(user)),
        Effect::PutUser(user) if !user.active => Some(conference::Fact::AccountDisabled(&user.id)),
        Effect::PutNode(member) => Some(conference::Fact::NodeStands {
            node: member.id,
            start: member.epoch,
        }),
        Effect::RemoveNode(node) => Some(conference::Fact::NodeStands {
            node: *node,
            start: 0,
        }),
        _ => None,
    }
}

/// Carries a decision out; gives what pages must load again.
fn carry_out(db: &Connection, at: Stamp, by: &Actor, decided: Decided) -> Result<Vec<Notice>, AppError> {
    effects::carry_out(db, at, by, &decided.access, effects::put)?;
    let mut notices = decided.access.notices;
    for decision in decided.conferences {
        effects::carry_out(db, at, by, &decision, effects::put_conference)?;
        notices.extend(decision.notices);
    }
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
        let decided = decide(&view, moment(at), &command);
        view.finish()?;
        let (by, idempotency) = command.origin();
        let (reply, notices) = match decided {
            Ok(decided) => {
                let outcome = decided.outcome.clone();
                (Ok(outcome), carry_out(transaction, at, by, decided)?)
            }
            Err(refusal) => (Err(refusal), Vec::new()),
        };
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
