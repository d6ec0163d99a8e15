//! Whether one entry is what somebody looks for, without an index: for a server that puts its own people among those whom the
//! Directory found.

use crate::{
    Entry,
    fold::Word,
    limits,
    query::{Quality, Query, Sort, TYPO, Term, terms, texts},
};

/// How well an entry meets a query: as the word that it meets worst. `None`: one of its words is not met.
pub fn meets(query: &Query, entry: &Entry) -> Option<Quality> {
    if query.is_empty() {
        return None;
    }
    if let Some(domain) = &query.domain
        && !has_domain(entry, domain)
    {
        return None;
    }
    let mut worst = Quality::Whole;
    let mut all = true;
    for word in &query.words {
        let mut best: Option<Quality> = None;
        texts(entry, |sort, text| {
            terms(sort, text, |term| {
                if let Some(found) = met(&word.plain, &word.readings, sort, term)
                    && best.is_none_or(|best| found < best)
                {
                    best = Some(found);
                }
            });
        });
        match best {
            Some(best) => worst = worst.max(best),
            None => all = false,
        }
    }
    if all {
        return Some(worst);
    }
    let phone = query.phone.as_ref()?;
    let mut found = None;
    texts(entry, |sort, text| {
        terms(sort, text, |term| match term {
            Term::Digits(digits) if digits == phone.digits => found = Some(Quality::Whole),
            Term::Digits(digits) if digits.starts_with(&phone.digits) => {
                found.get_or_insert(Quality::Beginning);
            }
            _ => {}
        });
    });
    found
}

fn has_domain(entry: &Entry, domain: &str) -> bool {
    let mut has = false;
    texts(entry, |sort, text| {
        terms(sort, text, |term| {
            has |= matches!(term, Term::Domain(known) if known.starts_with(domain));
        });
    });
    has
}

/// What somebody is found by, however it came about.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Known<'a> {
    Plain(&'a str),
    Reading(&'a str),
}

/// How well something meets a word of a query; without `typos` only where it was typed right.
pub(crate) fn word(word: &Word, known: Known<'_>, typos: bool) -> Option<Quality> {
    match known {
        Known::Plain(known) => known_by(&word.plain, known)
            .or_else(|| typos.then(|| but_for_a_typo(&word.plain, known)).flatten()),
        Known::Reading(known) => as_it_sounds(&word.readings, known),
    }
}

fn met(plain: &str, readings: &[String], sort: Sort, term: Term<'_>) -> Option<Quality> {
    let is_about = sort == Sort::About;
    let quality = match term {
        Term::Plain(known) | Term::Id(known) => {
            known_by(plain, known).or_else(|| but_for_a_typo(plain, known))
        }
        Term::Digits(known) => (known == plain)
            .then_some(Quality::Whole)
            .or_else(|| known.starts_with(plain).then_some(Quality::Beginning)),
        Term::Domain(known) => known.starts_with(plain).then_some(Quality::Beginning),
        Term::Reading(known) => as_it_sounds(readings, known),
    }?;
    Some(if is_about { quality.about() } else { quality })
}

fn as_it_sounds(readings: &[String], known: &str) -> Option<Quality> {
    let met = readings.iter().filter_map(|reading| {
        let whole = (known == reading).then_some(Quality::WholeReading);
        whole.or_else(|| {
            known
                .starts_with(reading.as_str())
                .then_some(Quality::BeginningReading)
        })
    });
    met.min()
}

fn known_by(plain: &str, known: &str) -> Option<Quality> {
    if known == plain {
        return Some(Quality::Whole);
    }
    if known.starts_with(plain) {
        return Some(Quality::Beginning);
    }
    let is_inside = plain.chars().count() >= crate::query::INSIDE && known.contains(plain);
    is_inside.then_some(Quality::Inside)
}

/// Whether one of the [`typos`](crate::query::typos) of a word is a text, or the beginning of it. Without making them all: up
/// to the first letter in which the two differ nothing can be mistyped.
fn but_for_a_typo(plain: &str, known: &str) -> Option<Quality> {
    let letters: Vec<char> = plain.chars().collect();
    if !(TYPO..=limits::TYPO_LETTERS).contains(&letters.len()) {
        return None;
    }
    let known: Vec<char> = known.chars().collect();
    let same = letters.iter().zip(&known).take_while(|(a, b)| a == b).count();
    let (rest, there) = (letters.get(same..)?, known.get(same..)?);
    let (mistyped, after) = rest.split_first()?;
    let long = letters.len() > TYPO;
    let is_in_script = |c: &char| match letters.iter().any(|c| ('а'..='я').contains(c)) {
        true => ('а'..='я').contains(c),
        false => c.is_ascii_lowercase(),
    };
    let met = |way: &[&[char]], may_go_on: bool| {
        let text: Vec<char> = way.concat();
        match there.strip_prefix(text.as_slice())? {
            [] => Some(Quality::Typo),
            _ => (long && may_go_on).then_some(Quality::TypoBeginning),
        }
    };
    let is_twice = same.checked_sub(1).and_then(|at| letters.get(at)) == Some(mistyped);
    let other = there.first().copied().filter(is_in_script);
    let ways = [
        met(&[after], !after.is_empty() || is_twice),
        match after {
            [next, more @ ..] if next != mistyped => met(&[&[*next, *mistyped], more], true),
            _ => None,
        },
        other.and_then(|c| met(&[&[c], rest], true)),
        other.and_then(|c| met(&[&[c], after], true)),
    ];
    ways.into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntryId, Kind, query::typos};
    use proptest::prelude::*;

    fn entry() -> Entry {
        let id = EntryId {
            server: "paris.example.com".parse().expect("good"),
            kind: Kind::User,
            id: "a.martin".into(),
        };
        let mut entry = Entry::new(id, "Zoé Martin");
        entry.job_title = "Lawyer".into();
        entry.phones = vec!["+33 1 23 45 67 89".into()];
        entry
    }

    proptest! {
        #[test]
        fn a_typo_is_known_without_making_all_of_them(plain in "[abc]{3,7}", known in "[abc]{1,9}") {
            prop_assume!(!known.starts_with(&plain));
            let mut made: Option<Quality> = None;
            typos(&plain, |text, is_beginning| {
                let quality = match known.strip_prefix(text) {
                    Some("") => Some(Quality::Typo),
                    Some(_) if is_beginning => Some(Quality::TypoBeginning),
                    _ => None,
                };
                made = [made, quality].into_iter().flatten().min();
            });
            prop_assert_eq!(but_for_a_typo(&plain, &known), made);
        }
    }

    #[test]
    fn an_entry_is_met_by_all_words_in_any_order() {
        let meets = |text: &str| meets(&Query::parse(text).expect("good"), &entry());
        assert_eq!(meets("martin zoe"), Some(Quality::Whole));
        assert_eq!(meets("mar zo"), Some(Quality::Beginning));
        assert_eq!(meets("law"), Some(Quality::BeginningAbout));
        assert_eq!(meets("arti"), Some(Quality::Inside));
        assert_eq!(meets("martni"), Some(Quality::Typo));
        assert_eq!(meets("martin bob"), None);
        assert_eq!(meets("martin@paris"), Some(Quality::Whole));
        assert_eq!(meets("martin@oslo"), None);
        assert!(meets("+33 1 23 45").is_some());
        assert_eq!(meets(""), None);
    }
}
