//! What the crate itself writes with every entry, in one table and so, as a rule, in one page: how far the log is
//! applied, and what proposers were answered.
//!
//! | node | log_index | content |
//! | --- | --- | --- |
//! | −1 | −1 | how far the log is applied: JSON |
//! | proposer | −1 | `[session, low water]` |
//! | proposer | entry | sequences and replies |

use rusqlite::{
    Connection, OptionalExtension, ToSql, Transaction, TransactionBehavior, params, types::ValueRef,
};

/// In place of a node: this replica's own row. No node has this number.
pub(crate) const OWN: i64 = -1;
/// In place of an entry.
pub(crate) const HEAD: i64 = -1;

const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS replication_progress (
    key TEXT PRIMARY KEY, value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS replication_books (
    node INTEGER NOT NULL, log_index INTEGER NOT NULL, content ANY NOT NULL, PRIMARY KEY (node, log_index)
) STRICT, WITHOUT ROWID;";

/// What the books of earlier builds were, in tables of their own.
const MOVE: &str = "
INSERT INTO replication_books SELECT -1, -1, value FROM replication_progress WHERE key = 'applied';
INSERT INTO replication_books SELECT node, -1, json_array(session, low_water) FROM replication_session;
INSERT INTO replication_books SELECT node, log_index, replies FROM replication_reply;
DELETE FROM replication_progress WHERE key = 'applied';
DROP TABLE replication_session;
DROP TABLE replication_reply;";

/// Makes the tables of this crate.
pub(crate) fn prepare(database: &mut Connection) -> rusqlite::Result<()> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    if transaction.table_exists(None, "replication_session")? {
        transaction.execute_batch(MOVE)?;
    }
    transaction.commit()
}

pub(crate) fn put(
    transaction: &Transaction<'_>,
    node: i64,
    log_index: i64,
    content: impl ToSql,
) -> rusqlite::Result<()> {
    transaction
        .prepare_cached(
            "INSERT OR REPLACE INTO replication_books (node, log_index, content) VALUES (?1, ?2, ?3)",
        )?
        .execute(params![node, log_index, content])?;
    Ok(())
}

/// How far the log is applied, as it was put.
pub(crate) fn applied(database: &Connection) -> rusqlite::Result<Option<String>> {
    let query = "SELECT content FROM replication_books WHERE node = ?1 AND log_index = ?2";
    database
        .query_row(query, [OWN, HEAD], |row| row.get(0))
        .optional()
}

/// The row of a proposer: its session and its low water.
pub(crate) fn head_of(session: u64, low_water: u64) -> String {
    format!("[{},{}]", session.cast_signed(), low_water.cast_signed())
}

pub(crate) fn head(content: ValueRef<'_>) -> rusqlite::Result<(u64, u64)> {
    let (session, low_water): (i64, i64) = serde_json::from_str(content.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok((session.cast_unsigned(), low_water.cast_unsigned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn books_of_earlier_builds_are_moved() {
        let mut database = Connection::open_in_memory().expect("memory is there");
        database
            .execute_batch(
                "CREATE TABLE replication_progress (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
                 CREATE TABLE replication_session (node INTEGER PRIMARY KEY, session INTEGER NOT NULL,
                     low_water INTEGER NOT NULL) STRICT, WITHOUT ROWID;
                 CREATE TABLE replication_reply (node INTEGER NOT NULL, log_index INTEGER NOT NULL,
                     replies BLOB NOT NULL, PRIMARY KEY (node, log_index)) STRICT, WITHOUT ROWID;
                 INSERT INTO replication_progress VALUES ('applied', '[null,1,2]'), ('membership', '{}');
                 INSERT INTO replication_session VALUES (3, 7, 9);
                 INSERT INTO replication_reply VALUES (3, 12, x'0102');",
            )
            .expect("as it was");
        for _ in 0..2 {
            prepare(&mut database).expect("the tables are there");
            let applied = applied(&database).expect("the table is there");
            assert_eq!(applied.as_deref(), Some("[null,1,2]"));
            let mut query = database
                .prepare("SELECT content FROM replication_books WHERE node = 3 ORDER BY log_index")
                .expect("the table is there");
            let mut rows = query.query([]).expect("the table is there");
            let row = rows.next().expect("read").expect("its head");
            let content = row.get_ref(0).expect("a column");
            assert_eq!(head(content).expect("two numbers"), (7, 9));
            let row = rows.next().expect("read").expect("its replies");
            assert_eq!(row.get::<_, Vec<u8>>(0).expect("bytes"), [1, 2]);
        }
    }
}
