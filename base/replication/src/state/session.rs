//! Recognises repeated proposals: what each node's current session has been answered.

use std::collections::BTreeMap;

use rusqlite::{Transaction, params};

use super::books;
use crate::types::Outcome;

/// What is known of one node's proposals.
///
/// Invariant: it equals what the tables hold, except within a transaction.
#[derive(Debug, Default)]
struct Session {
    session: u64,
    /// Below it the proposer waits for nothing any more.
    low_water: u64,
    /// Sequence → index and reply, from `low_water` on.
    replies: BTreeMap<u64, (u64, Vec<u8>)>,
    /// Row (by index) → its largest sequence.
    rows: BTreeMap<u64, u64>,
    dirty: bool,
}

/// Sequences with what they were answered.
pub(crate) type Replies = Vec<(u64, Vec<u8>)>;

/// Of all nodes.
#[derive(Debug, Default)]
pub(crate) struct Sessions(BTreeMap<u64, Session>);

/// What is to be done with a proposal.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    New,
    Before(Outcome),
}

/// Keeps the sessions in the books; see [`super::books`].
impl Sessions {
    pub(crate) fn load(database: &rusqlite::Connection) -> rusqlite::Result<Self> {
        let mut sessions = BTreeMap::new();
        let mut query = database.prepare(
            "SELECT node, log_index, content FROM replication_books WHERE node <> ?1 ORDER BY node, log_index",
        )?;
        let mut rows = query.query([books::OWN])?;
        while let Some(row) = rows.next()? {
            let (node, index): (u64, i64) = (number(row, 0)?, row.get(1)?);
            let session: &mut Session = sessions.entry(node).or_default();
            let content = row.get_ref(2)?;
            if index == books::HEAD {
                (session.session, session.low_water) = books::head(content)?;
                continue;
            }
            for (sequence, reply) in decode(content.as_blob()?) {
                let last = session.rows.entry(index.cast_unsigned()).or_default();
                *last = sequence.max(*last);
                if sequence >= session.low_water {
                    session.replies.insert(sequence, (index.cast_unsigned(), reply));
                }
            }
        }
        Ok(Self(sessions))
    }

    /// Looks a proposal up, and forgets what its proposer is done with.
    pub(crate) fn look_up(&mut self, node: u64, session: u64, sequence: u64, low_water: u64) -> Seen {
        let known = self.0.entry(node).or_default();
        if session < known.session {
            return Seen::Before(Outcome::Stale);
        }
        if session > known.session {
            // The node started again: nobody waits for the old answers, and `remember` drops the rows.
            known.session = session;
            known.low_water = 0;
            known.replies.clear();
            known.rows.values_mut().for_each(|last| *last = 0);
            known.dirty = true;
        }
        if low_water > known.low_water {
            known.low_water = low_water;
            known.replies = known.replies.split_off(&low_water);
            known.dirty = true;
        }
        if sequence < known.low_water {
            return Seen::Before(Outcome::Stale);
        }
        match known.replies.get(&sequence) {
            Some((index, reply)) => Seen::Before(Outcome::Done {
                index: *index,
                reply: reply.clone(),
            }),
            None => Seen::New,
        }
    }

    /// Keeps the replies that entry `index` gave to a node's session, if it is still the current one.
    pub(crate) fn remember(
        &mut self,
        transaction: &Transaction<'_>,
        (node, session): (u64, u64),
        index: u64,
        replies: Replies,
    ) -> rusqlite::Result<()> {
        let known = self.0.entry(node).or_default();
        if known.session != session {
            return Ok(());
        }
        let Some(last) = replies.iter().map(|(sequence, _)| *sequence).max() else {
            return Ok(());
        };
        books::put(transaction, signed(node), signed(index), encode(&replies))?;
        known.rows.insert(index, last);
        known.dirty = true;
        for (sequence, reply) in replies {
            known.replies.insert(sequence, (index, reply));
        }
        Ok(())
    }

    /// Writes what changed since the last call; to be called before the commit.
    pub(crate) fn flush(&mut self, transaction: &Transaction<'_>) -> rusqlite::Result<()> {
        for (node, known) in self.0.iter_mut().filter(|(_, known)| known.dirty) {
            known.dirty = false;
            let head = books::head_of(known.session, known.low_water);
            books::put(transaction, signed(*node), books::HEAD, head)?;
            let low_water = known.low_water;
            let mut delete = transaction
                .prepare_cached("DELETE FROM replication_books WHERE node = ?1 AND log_index = ?2")?;
            let mut failed = None;
            known.rows.retain(|index, last| {
                // A row of an earlier session has 0 here, and sequences begin at 1.
                let needed = *last >= low_water.max(1);
                if !needed && failed.is_none() {
                    failed = delete.execute(params![signed(*node), signed(*index)]).err();
                }
                needed
            });
            if let Some(error) = failed {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// SQLite's integers are signed; ours stay far below 2^63, and the bits go both ways anyway.
pub(crate) fn signed(value: u64) -> i64 {
    value.cast_signed()
}

fn number(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::cast_unsigned)
}

fn encode(replies: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut out = Vec::with_capacity(replies.iter().map(|(_, reply)| reply.len() + 12).sum());
    for (sequence, reply) in replies {
        out.extend_from_slice(&sequence.to_le_bytes());
        let length = u32::try_from(reply.len()).expect("replies stay far below 4 GiB");
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(reply);
    }
    out
}

fn decode(mut data: &[u8]) -> Vec<(u64, Vec<u8>)> {
    let mut replies = Vec::new();
    while let Some((sequence, rest)) = data.split_first_chunk::<8>() {
        let Some((length, rest)) = rest.split_first_chunk::<4>() else {
            break;
        };
        let length = u32::from_le_bytes(*length) as usize;
        let Some((reply, rest)) = rest.split_at_checked(length) else {
            break;
        };
        replies.push((u64::from_le_bytes(*sequence), reply.to_vec()));
        data = rest;
    }
    replies
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> rusqlite::Connection {
        let mut database = rusqlite::Connection::open_in_memory().expect("memory is there");
        books::prepare(&mut database).expect("the schema is right");
        database
    }

    fn apply(
        sessions: &mut Sessions,
        database: &mut rusqlite::Connection,
        index: u64,
        proposal: (u64, u64, u64),
    ) -> Seen {
        let transaction = database.transaction().expect("no other transaction");
        let (session, sequence, low_water) = proposal;
        let seen = sessions.look_up(1, session, sequence, low_water);
        if seen == Seen::New {
            let reply = vec![(sequence, index.to_le_bytes().to_vec())];
            sessions
                .remember(&transaction, (1, session), index, reply)
                .expect("the tables are there");
        }
        sessions.flush(&transaction).expect("the tables are there");
        transaction.commit().expect("memory is there");
        seen
    }

    #[test]
    fn a_repeated_proposal_gets_its_first_reply_even_after_a_restart() {
        let mut database = database();
        let mut sessions = Sessions::default();
        assert_eq!(apply(&mut sessions, &mut database, 10, (7, 1, 1)), Seen::New);
        let first = Seen::Before(Outcome::Done {
            index: 10,
            reply: 10_u64.to_le_bytes().to_vec(),
        });
        assert_eq!(apply(&mut sessions, &mut database, 11, (7, 1, 1)), first);
        let mut reloaded = Sessions::load(&database).expect("the tables are there");
        assert_eq!(apply(&mut reloaded, &mut database, 12, (7, 1, 1)), first);
    }

    #[test]
    fn what_the_proposer_is_done_with_is_forgotten_and_stale() {
        let mut database = database();
        let mut sessions = Sessions::default();
        apply(&mut sessions, &mut database, 10, (7, 1, 1));
        apply(&mut sessions, &mut database, 11, (7, 2, 2));
        assert_eq!(
            apply(&mut sessions, &mut database, 12, (7, 1, 1)),
            Seen::Before(Outcome::Stale)
        );
        let rows: i64 = database
            .query_row(
                "SELECT count(*) FROM replication_books WHERE log_index <> ?1",
                [books::HEAD],
                |row| row.get(0),
            )
            .expect("the table is there");
        assert_eq!(rows, 1);
    }

    #[test]
    fn proposals_of_an_earlier_session_are_stale() {
        let mut database = database();
        let mut sessions = Sessions::default();
        apply(&mut sessions, &mut database, 10, (7, 1, 1));
        assert_eq!(apply(&mut sessions, &mut database, 11, (8, 1, 1)), Seen::New);
        assert_eq!(
            apply(&mut sessions, &mut database, 12, (7, 2, 1)),
            Seen::Before(Outcome::Stale)
        );
    }
}
