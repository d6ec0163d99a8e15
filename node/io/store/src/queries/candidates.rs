//! Who may be meant by what somebody types: accounts whose words have the same groups of three letters
//! ([`found_by`](crate::found_by)), so that nobody reads through all of them.
//!
//! ```text
//!  query ── whole words ──► beginnings ──► letters inside ──► (where nothing was found) one typo
//!               └────────────── enough of them? then no further ──────────────┘
//! ```

use super::Found;
use plenary_people::{
    Quality, Query,
    fold::Word,
    limits,
    query::{INSIDE, TYPO},
    words::{READING, met},
};
use rusqlite::{Connection, OptionalExtension as _};
use std::collections::BTreeMap;

/// Rows that one step looks at: more than anybody reads, and bounded. A beginning of two letters is that of one in ten.
const LOOKED: i64 = 2_000;
/// Whoever has so many goes no further.
const ENOUGH: usize = 200;

/// How a word is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Whole,
    Beginning,
    Inside,
    Typo,
}

/// Accounts that may be meant, the best first: of those who are met equally well, these `first`, then by name. What is of another server
/// or hidden is not looked at here.
pub(super) fn candidates(db: &Connection, query: &Query, typos: bool, first: &[&str]) -> Found<Vec<String>> {
    let mut known = Known::default();
    let mut of_one = db.prepare_cached("SELECT user, display, words FROM people WHERE user = ?")?;
    for user in first {
        let row = of_one
            .query_row([user], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?))
            })
            .optional()?;
        if let Some((user, display, words)) = row {
            known.look(query, typos, true, (user, display, &words));
        }
    }
    let steps: &[Step] = match typos {
        true => &[Step::Typo],
        false => &[Step::Whole, Step::Beginning, Step::Inside],
    };
    for step in steps {
        let Some(expression) = expression(query, *step) else {
            // Too little was typed for the index; of a crowd it means nobody in particular.
            let mut rows = db.prepare_cached("SELECT user, display, words FROM people ORDER BY n LIMIT ?")?;
            known.read(query, typos, &mut rows.query([LOOKED])?)?;
            break;
        };
        let mut rows = db.prepare_cached(
            "SELECT p.user, p.display, p.words FROM people_parts CROSS JOIN people p ON p.n = people_parts.rowid \
             WHERE people_parts MATCH ?1 LIMIT ?2",
        )?;
        known.read(
            query,
            typos,
            &mut rows.query(rusqlite::params![expression, LOOKED])?,
        )?;
        if known.0.len() >= ENOUGH {
            break;
        }
    }
    Ok(known.sorted())
}

/// By user: how well they are met, whether they come first, and their name.
#[derive(Default)]
struct Known(BTreeMap<String, (Quality, bool, String)>);

impl Known {
    fn read(&mut self, query: &Query, typos: bool, rows: &mut rusqlite::Rows<'_>) -> Found<()> {
        while let Some(row) = rows.next()? {
            let words = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
            self.look(query, typos, false, (row.get(0)?, row.get(1)?, words));
        }
        Ok(())
    }

    fn look(
        &mut self,
        query: &Query,
        typos: bool,
        is_first: bool,
        (user, display, words): (String, String, &str),
    ) {
        // Of a domain alone it is known by the whole entry.
        if let Some(quality) = met(query, words, typos) {
            self.0.entry(user).or_insert((quality, !is_first, display));
        }
    }

    fn sorted(self) -> Vec<String> {
        let mut found: Vec<_> = self.0.into_iter().map(|(user, how)| (how, user)).collect();
        found.sort();
        found.into_iter().map(|(_, user)| user).collect()
    }
}

/// What is asked of the index: all words of the query, or the phone number that it may be. `None`: nothing of it has three letters.
fn expression(query: &Query, step: Step) -> Option<String> {
    let words: Vec<String> = query
        .words
        .iter()
        .filter_map(|word| of_word(word, step))
        .collect();
    let all = (!words.is_empty()).then(|| format!("({})", words.join(" AND ")))?;
    let phone = query
        .phone
        .as_ref()
        .and_then(|phone| parts(&format!(" {}", phone.digits)));
    Some(match phone {
        Some(phone) => format!("{all} OR {phone}"),
        None => all,
    })
}

/// Whatever meets a word at this step has one of these; `None`: any may.
fn of_word(word: &Word, step: Step) -> Option<String> {
    let plain = word.plain.as_str();
    let letters: Vec<char> = plain.chars().collect();
    let mut ways = match step {
        Step::Whole => vec![parts(&format!(" {plain} "))],
        Step::Beginning => vec![parts(&format!(" {plain}"))],
        Step::Inside | Step::Typo if letters.len() >= INSIDE => vec![parts(plain)],
        Step::Inside | Step::Typo => vec![parts(&format!(" {plain}"))],
    };
    let behind = if step == Step::Whole { " " } else { "" };
    let readings = word.readings.iter();
    ways.extend(readings.map(|reading| parts(&format!(" {READING}{reading}{behind}"))));
    if step == Step::Typo && (TYPO..=limits::TYPO_LETTERS).contains(&letters.len()) {
        ways.extend(but_for_a_typo(&letters).map(|way| parts(&way)));
    }
    let ways: Vec<String> = ways.into_iter().collect::<Option<_>>()?;
    Some(format!("({})", ways.join(" OR ")))
}

/// What one typo leaves of a word: its beginning, if the typo is in the second half, and else its end; or two letters in the middle are
/// exchanged. In the shortest words all but the typo has to be right, so the end is that of the word.
fn but_for_a_typo(letters: &[char]) -> [String; 3] {
    let middle = letters.len() / 2;
    let (left, right) = letters.split_at(middle);
    let text = |letters: &[char]| letters.iter().collect::<String>();
    let mut exchanged = letters.to_vec();
    exchanged.swap(middle - 1, middle);
    let behind = if letters.len() == TYPO { " " } else { "" };
    [
        format!(" {}", text(left)),
        format!("{}{behind}", text(right)),
        format!(" {}", text(&exchanged)),
    ]
}

/// All groups of three letters of a text, as the index is asked for them; `None` where it has none.
fn parts(text: &str) -> Option<String> {
    let letters: Vec<char> = text.chars().collect();
    let groups = letters.windows(3).map(|group| {
        let group: String = group.iter().collect();
        format!("\"{}\"", group.replace('"', "\"\""))
    });
    let groups: Vec<String> = groups.collect();
    (!groups.is_empty()).then(|| format!("({})", groups.join(" AND ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(text: &str, step: Step) -> Option<String> {
        expression(&Query::parse(text).expect("good"), step)
    }

    #[test]
    fn words_are_asked_for_by_their_letters() {
        let of = |step| asked("li", step).expect("asked");
        assert_eq!(
            of(Step::Whole),
            r#"(((" li" AND "li ") OR (" ~l" AND "~li" AND "li ")))"#
        );
        assert_eq!(of(Step::Beginning), r#"(((" li") OR (" ~l" AND "~li")))"#);
        assert_eq!(
            of(Step::Inside),
            of(Step::Beginning),
            "nobody looks for two letters inside"
        );
        assert_eq!(asked("x", Step::Beginning), None);
        assert_eq!(
            asked("x 陳", Step::Whole).map(|text| text.contains("\" 陳 \"")),
            Some(true)
        );
    }

    #[test]
    fn what_a_typo_leaves_has_three_letters_at_least() {
        for (word, ways) in [
            ("abcd", [" ab", "cd ", " acbd"]),
            ("abcde", [" ab", "cde", " acbde"]),
            ("abcdef", [" abc", "def", " abdcef"]),
        ] {
            let letters: Vec<char> = word.chars().collect();
            assert_eq!(but_for_a_typo(&letters), ways);
        }
    }
}
