//! Whether one entry is what somebody looks for, without an index: for a server that puts its own people among those whom the
//! Directory found.

use crate::{
    Entry,
    query::{Quality, Query, Sort, Term, terms, texts, typos},
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

fn met(plain: &str, readings: &[String], sort: Sort, term: Term<'_>) -> Option<Quality> {
    let is_about = sort == Sort::About;
    let quality = match term {
        Term::Plain(known) | Term::Id(known) => known_by(plain, known),
        Term::Digits(known) => (known == plain)
            .then_some(Quality::Whole)
            .or_else(|| known.starts_with(plain).then_some(Quality::Beginning)),
        Term::Domain(known) => known.starts_with(plain).then_some(Quality::Beginning),
        Term::Reading(known) => readings
            .iter()
            .filter_map(|reading| {
                let whole = (known == reading).then_some(Quality::WholeReading);
                whole.or_else(|| {
                    known
                        .starts_with(reading.as_str())
                        .then_some(Quality::BeginningReading)
                })
            })
            .min(),
    }?;
    Some(if is_about { quality.about() } else { quality })
}

fn known_by(plain: &str, known: &str) -> Option<Quality> {
    if known == plain {
        return Some(Quality::Whole);
    }
    if known.starts_with(plain) {
        return Some(Quality::Beginning);
    }
    if plain.chars().count() >= crate::query::INSIDE && known.contains(plain) {
        return Some(Quality::Inside);
    }
    let mut found: Option<Quality> = None;
    typos(plain, |text, is_beginning| {
        if known == text {
            found = Some(Quality::Typo);
        } else if is_beginning && known.starts_with(text) {
            found.get_or_insert(Quality::TypoBeginning);
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EntryId, Kind};

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
