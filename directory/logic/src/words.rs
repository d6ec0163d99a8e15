//! All by which somebody is found, in one text: for a server that looks for its own people in its database, where a list of terms is
//! kept for each of them. What the text says is enough to know whom to look at closer with [`meets`](crate::meets()).

use crate::{
    meets::{self, Known},
    query::{Quality, Query, Sort, Term, terms},
};
use std::collections::BTreeSet;

/// Stands before how something sounds; no plain form has it.
pub const READING: char = '~';

/// The text: each term once, with a space before and behind it, and [`READING`] before how it sounds.
pub fn joined<'a>(texts: impl IntoIterator<Item = (Sort, &'a str)>) -> String {
    let mut found = BTreeSet::new();
    for (sort, text) in texts {
        terms(sort, text, |term| {
            found.insert(match term {
                Term::Reading(reading) => format!("{READING}{reading}"),
                Term::Plain(term) | Term::Id(term) | Term::Digits(term) | Term::Domain(term) => {
                    // Spaces part terms; no word has one, and no domain that is any.
                    term.replace(' ', "")
                }
            });
        });
    }
    let mut text = String::from(" ");
    for term in found {
        text.push_str(&term);
        text.push(' ');
    }
    text
}

/// How well a text that was [`joined`] meets the words of a query, or the phone number that it may be. At least as well as
/// [`meets`](crate::meets()) finds the entry that it was made of: which kind of text a term is from is not known here.
pub fn met(query: &Query, joined: &str, typos: bool) -> Option<Quality> {
    let known = || {
        joined
            .split(' ')
            .filter(|term| !term.is_empty())
            .map(|term| match term.strip_prefix(READING) {
                Some(reading) => Known::Reading(reading),
                None => Known::Plain(term),
            })
    };
    let worst = query
        .words
        .iter()
        .map(|word| known().filter_map(|known| meets::word(word, known, typos)).min())
        .try_fold(Quality::Whole, |worst, found| Some(worst.max(found?)));
    let by_phone = || {
        let digits = &query.phone.as_ref()?.digits;
        known()
            .filter_map(|known| match known {
                Known::Plain(term) if term == digits => Some(Quality::Whole),
                Known::Plain(term) if term.starts_with(digits.as_str()) => Some(Quality::Beginning),
                _ => None,
            })
            .min()
    };
    worst.into_iter().chain(by_phone()).min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Entry, EntryId, Kind, meets, query::texts};
    use proptest::prelude::*;

    fn text_of(entry: &Entry) -> String {
        let mut found = Vec::new();
        texts(entry, |sort, text| found.push((sort, text.to_owned())));
        joined(found.iter().map(|(sort, text)| (*sort, text.as_str())))
    }

    fn entry(name: &str, about: &str, phone: &str) -> Entry {
        let id = EntryId {
            server: "paris.example.com".parse().expect("good"),
            kind: Kind::User,
            id: "a.martin".into(),
        };
        let mut entry = Entry::new(id, name);
        entry.job_title = about.into();
        entry.phones = vec![phone.into()];
        entry
    }

    #[test]
    fn terms_stand_in_one_text() {
        let text = text_of(&entry("Zoé O’Brien", "", "+33 1 23"));
        for part in [
            " zoe ",
            " obrien ",
            " brien ",
            " ~zo",
            " martin ",
            " paris.example.com ",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert_eq!(joined([]), " ");
    }

    proptest! {
        #[test]
        fn what_meets_a_query_meets_it_by_its_text(
            name in "[a-cA-Cé'\\-.Щщк ]{1,14}",
            about in "[a-c ]{0,8}",
            phone in "\\+?[0-9 ]{0,9}",
            typed in "[a-cщк0-9 ]{1,9}",
        ) {
            let entry = entry(&name, &about, &phone);
            let query = Query::parse(&typed).expect("short");
            let text = text_of(&entry);
            let found = met(&query, &text, true);
            if let Some(quality) = meets(&query, &entry) {
                prop_assert!(found.is_some_and(|found| found <= quality), "{typed} in {text}: {found:?}, {quality:?}");
                let is_typo = matches!(quality, Quality::Typo | Quality::TypoBeginning);
                prop_assert!(is_typo || met(&query, &text, false).is_some());
            }
        }
    }
}
