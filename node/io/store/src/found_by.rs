//! What people of this server are found by (ENT-03): a text for each account with all words of it and of its aliases
//! ([`plenary_people::words`]), and an index of all groups of three letters in these.
//!
//! Invariant: it follows from accounts and aliases, and is written with them. It is no part of what nodes compare: how words sound is
//! decided by the program, and another version may know it better. Who changes that makes the texts anew, by a step of the schema.

use crate::{effects::run, view};
use plenary_access::{User, fold};
use plenary_model::UserName;
use plenary_people::{limits, query::Sort, turns, words};
use plenary_replication::AppError;
use rusqlite::{Connection, OptionalExtension as _, params};

/// Aliases of one account by which it is found; more than it can have at this server ([`limits::ALIASES`]), since those of somebody
/// of the same name at another server are among them.
const ALIASES: usize = 2 * limits::ALIASES;

/// The account is new, or another than before.
pub(crate) fn put(db: &Connection, user: &User) -> Result<(), AppError> {
    let words = text_of(user, &aliases(db, &user.id)?);
    let display = fold(&user.profile.display_name);
    let known: Option<(i64, String, String)> = db
        .prepare_cached("SELECT n, display, words FROM people WHERE user = ?")?
        .query_row([user.id.as_str()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    let n = match known {
        Some((_, before, said)) if (&before, &said) == (&display, &words) => return Ok(()),
        Some((n, _, said)) => {
            run(
                db,
                "UPDATE people SET display = ?, words = ? WHERE n = ?",
                params![display, words, n],
            )?;
            if said == words {
                return Ok(());
            }
            run(db, "DELETE FROM people_parts WHERE rowid = ?", [n])?;
            n
        }
        None => {
            run(
                db,
                "INSERT INTO people (user, display, words) VALUES (?, ?, ?)",
                params![user.id.as_str(), display, words],
            )?;
            db.last_insert_rowid()
        }
    };
    run(
        db,
        "INSERT INTO people_parts (rowid, words) VALUES (?, ?)",
        params![n, words],
    )
}

/// The account is gone.
pub(crate) fn remove(db: &Connection, user: &UserName) -> Result<(), AppError> {
    let n: Option<i64> = db
        .prepare_cached("SELECT n FROM people WHERE user = ?")?
        .query_row([user.as_str()], |row| row.get(0))
        .optional()?;
    let Some(n) = n else { return Ok(()) };
    run(db, "DELETE FROM people_parts WHERE rowid = ?", [n])?;
    run(db, "DELETE FROM people WHERE n = ?", [n])
}

/// What an alias means, before it means something else; `None`: there is none of this name.
pub(crate) fn target(db: &Connection, alias: &str) -> Result<Option<String>, AppError> {
    Ok(db
        .prepare_cached("SELECT target FROM aliases WHERE id = ?")?
        .query_row([alias], |row| row.get(0))
        .optional()?)
}

/// An alias of somebody came or went; what means nobody of this server concerns nobody.
pub(crate) fn put_meant(db: &Connection, target: &str) -> Result<(), AppError> {
    let name = target.split_once('@').map_or(target, |(name, _)| name);
    let user: Option<User> = db
        .prepare_cached("SELECT body FROM users WHERE id = ?")?
        .query_row([name], |row| view::body(row, 0))
        .optional()?;
    user.map_or(Ok(()), |user| put(db, &user))
}

/// All accounts, of a state from before there was this.
pub(crate) fn fill(db: &Connection) -> Result<(), AppError> {
    let mut all = db.prepare("SELECT body FROM users ORDER BY id")?;
    let mut rows = all.query([])?;
    while let Some(row) = rows.next()? {
        put(db, &view::body(row, 0)?)?;
    }
    Ok(())
}

fn aliases(db: &Connection, user: &UserName) -> Result<Vec<String>, AppError> {
    // `A` is the character behind `@`: that range is whoever is called so at any server.
    let mut aliases = db.prepare_cached(
        "SELECT id FROM aliases WHERE target = ?1 OR (target > ?1 || '@' AND target < ?1 || 'A') \
         ORDER BY id LIMIT ?2",
    )?;
    let aliases = aliases.query_map(params![user.as_str(), ALIASES as i64], |row| row.get(0))?;
    Ok(aliases.collect::<rusqlite::Result<_>>()?)
}

fn text_of(user: &User, aliases: &[String]) -> String {
    let profile = &user.profile;
    let (mail, domain) = profile.email.rsplit_once('@').unwrap_or((&profile.email, ""));
    let texts: [(Sort, &str); 13] = [
        (Sort::Name, &profile.display_name),
        (Sort::Name, &profile.first_name),
        (Sort::Name, &profile.last_name),
        (Sort::Id, user.id.as_str()),
        (Sort::Id, mail),
        (Sort::Domain, domain),
        (Sort::Phone, &profile.work_phone),
        (Sort::Phone, &profile.mobile_phone),
        (Sort::Phone, &profile.home_phone),
        (Sort::Phone, &profile.sip_number),
        (Sort::About, &profile.job_title),
        (Sort::About, &profile.department),
        (Sort::About, &profile.organisation),
    ];
    let texts = texts.map(|(sort, text)| {
        let most = match sort {
            Sort::Name | Sort::About => limits::TEXT,
            Sort::Id | Sort::Domain => limits::EMAIL,
            Sort::Phone => limits::PHONE,
        };
        (sort, shown(text, most))
    });
    let aliases = aliases.iter().map(|alias| (Sort::Name, alias.as_str()));
    let texts = texts.iter().map(|(sort, text)| (*sort, text.as_str()));
    words::joined(texts.chain(aliases))
}

/// A text without control characters and without what turns the direction of writing around, cut off where it is too long.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let plain = text.chars().filter(|c| !c.is_control() && !turns(*c));
    plain.take(most).collect::<String>().trim().to_owned()
}
