//! Pages of lists by keyset: stable while others write, as fast on the last page as on the first.

use super::{Found, QueryError};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use plenary_access::{ListQuery, Page, fold};
use rusqlite::{Connection, Row, params_from_iter, types::Value};
use serde::{Deserialize, Serialize};

/// A list to take a page of.
pub(super) struct Select {
    /// What is read, before the key and the ID that this adds.
    pub(super) columns: &'static str,
    /// The table; cursors hold for it alone.
    pub(super) from: &'static str,
    /// Names that can be sorted by, with their SQL; the first is the default.
    pub(super) keys: &'static [(&'static str, &'static str)],
    /// SQL of the ID, which orders equal keys.
    pub(super) id: &'static str,
    pub(super) conditions: Vec<String>,
    pub(super) values: Vec<Value>,
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Cursor {
    list: String,
    key: String,
    descending: bool,
    at: Key,
    id: Key,
}

#[derive(Serialize, Deserialize)]
enum Key {
    Text(String),
    Number(i64),
    None,
}

impl Key {
    fn read(row: &Row<'_>, column: &str) -> rusqlite::Result<Self> {
        Ok(match row.get::<_, Value>(column)? {
            Value::Text(text) => Self::Text(text),
            Value::Integer(number) => Self::Number(number),
            _ => Self::None,
        })
    }
}

impl From<Key> for Value {
    fn from(key: Key) -> Self {
        match key {
            Key::Text(text) => Self::Text(text),
            Key::Number(number) => Self::Integer(number),
            Key::None => Self::Null,
        }
    }
}

impl Select {
    pub(super) fn filter(&mut self, condition: &str, value: impl Into<Value>) {
        self.conditions.push(condition.to_owned());
        self.values.push(value.into());
    }

    /// Every word must stand in `column`, which holds folded text.
    pub(super) fn search(&mut self, column: &str, text: &str) {
        for word in fold(text).split_whitespace().take(16) {
            self.filter(&format!("instr({column}, ?) > 0"), word.to_owned());
        }
    }

    /// Reads the page that `list` asks for.
    pub(super) fn page<T>(
        mut self,
        db: &Connection,
        list: &ListQuery,
        read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Found<Page<T>> {
        let (name, key) = self.key(list)?;
        let total: i64 = {
            let sql = format!("SELECT count(*) FROM {} {}", self.from, self.clause());
            db.prepare_cached(&sql)?
                .query_row(params_from_iter(&self.values), |row| row.get(0))?
        };
        let (direction, after) = if list.descending {
            ("DESC", "<")
        } else {
            ("ASC", ">")
        };
        if let Some(cursor) = &list.cursor {
            let cursor = read_cursor(cursor, self.from, name, list.descending)?;
            self.conditions
                .push(format!("({key}, {}) {after} (?, ?)", self.id));
            self.values.push(cursor.at.into());
            self.values.push(cursor.id.into());
        }
        let sql = format!(
            "SELECT {}, {key} AS page_key, {} AS page_id FROM {} {} ORDER BY page_key {direction}, page_id {direction} \
             LIMIT ?",
            self.columns,
            self.id,
            self.from,
            self.clause()
        );
        let limit = list.limit.clamp(1, 500) as usize;
        self.values.push(Value::Integer(limit as i64 + 1));
        let mut query = db.prepare_cached(&sql)?;
        let mut rows = query.query(params_from_iter(&self.values))?;
        let mut items = Vec::with_capacity(limit);
        let mut last = None;
        let mut next = None;
        while let Some(row) = rows.next()? {
            if items.len() == limit {
                next = last.take();
                break;
            }
            items.push(read(row)?);
            if items.len() == limit {
                last = Some(Cursor {
                    list: self.from.to_owned(),
                    key: name.to_owned(),
                    descending: list.descending,
                    at: Key::read(row, "page_key")?,
                    id: Key::read(row, "page_id")?,
                });
            }
        }
        Ok(Page {
            items,
            total: total.cast_unsigned(),
            next: next.map(|cursor| write_cursor(&cursor)),
        })
    }

    fn key(&self, list: &ListQuery) -> Found<(&'static str, &'static str)> {
        let names: Vec<&str> = self.keys.iter().map(|(name, _)| *name).collect();
        Ok(self.keys[sort_of(list, &names)?])
    }

    fn clause(&self) -> String {
        if self.conditions.is_empty() {
            String::new()
        } else {
            format!("WHERE {}", self.conditions.join(" AND "))
        }
    }
}

/// The position of the name to sort by; the first one is the default.
pub(super) fn sort_of(list: &ListQuery, names: &[&str]) -> Found<usize> {
    let Some(wanted) = &list.sort else { return Ok(0) };
    let found = names.iter().position(|name| name == wanted);
    found.ok_or_else(|| QueryError::BadQuery(format!("sort: this list is sorted by {}", names.join(", "))))
}

fn write_cursor(cursor: &Cursor) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(cursor).unwrap_or_default())
}

fn read_cursor(text: &str, list: &str, key: &str, descending: bool) -> Found<Cursor> {
    let bad =
        || QueryError::BadQuery("cursor: is not one that this list gave; start from the first page".into());
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| bad())?;
    let cursor: Cursor = serde_json::from_slice(&bytes).map_err(|_| bad())?;
    if cursor.list == list && cursor.key == key && cursor.descending == descending {
        Ok(cursor)
    } else {
        Err(bad())
    }
}

/// The page of a list that is in memory; `place` tells where a row belongs, by the name in `list.sort`.
pub(super) fn page_of<T>(
    rows: Vec<T>,
    list: &ListQuery,
    name: &str,
    place: impl Fn(&T) -> (String, String),
) -> Found<Page<T>> {
    const LIST: &str = "rows";
    let total = rows.len() as u64;
    let sort = list.sort.as_deref().unwrap_or_default();
    let key = format!("{name}.{sort}");
    let after = match &list.cursor {
        None => None,
        Some(cursor) => match read_cursor(cursor, LIST, &key, list.descending)? {
            Cursor {
                at: Key::Text(at),
                id: Key::Text(id),
                ..
            } => Some((at, id)),
            _ => {
                return Err(QueryError::BadQuery(
                    "cursor: is not one that this list gave".into(),
                ));
            }
        },
    };
    let is_after = |row: &(_, T)| match &after {
        None => true,
        Some(after) if list.descending => row.0 < *after,
        Some(after) => row.0 > *after,
    };
    let mut rows: Vec<((String, String), T)> = rows
        .into_iter()
        .map(|row| (place(&row), row))
        .filter(is_after)
        .collect();
    rows.sort_by(|(one, _), (other, _)| {
        if list.descending {
            other.cmp(one)
        } else {
            one.cmp(other)
        }
    });
    let limit = list.limit.clamp(1, 500) as usize;
    let is_more = rows.len() > limit;
    rows.truncate(limit);
    let next = match rows.last() {
        Some(((at, id), _)) if is_more => Some(write_cursor(&Cursor {
            list: LIST.to_owned(),
            key,
            descending: list.descending,
            at: Key::Text(at.clone()),
            id: Key::Text(id.clone()),
        })),
        _ => None,
    };
    let items = rows.into_iter().map(|(_, row)| row).collect();
    Ok(Page { items, total, next })
}
