//! What somebody looks for, and how well an entry meets it.

use crate::{
    Entry,
    fold::{self, Word},
    limits,
    phone::{self, Phone},
};
use plenary_model::ParseError;

/// What somebody typed, taken apart. All of its words have to be met, in any order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    pub words: Vec<Word>,
    /// The beginning of a domain, of what was typed as `name@domain`.
    pub domain: Option<String>,
    /// The whole as a phone number, where it may be one. To meet it is as good as to meet all words.
    pub phone: Option<Phone>,
}

impl Query {
    /// Takes a text apart. Costs nothing much: what is longer than [`limits::QUERY`] characters, or has more than
    /// [`limits::QUERY_WORDS`] words, is refused. A text without letters and digits finds nothing.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        const WHAT: &str = "search text";
        // Counted only as far as it matters.
        if text.chars().nth(limits::QUERY).is_some() {
            let reason = format!("is too long; at most {} characters are searched", limits::QUERY);
            return Err(ParseError { what: WHAT, reason });
        }
        let (names, domain) = split_domain(text);
        let mut words: Vec<Word> = fold::words(&names).collect();
        // Typed twice, met once.
        let mut at = 0;
        while at < words.len() {
            let twice = words[..at].contains(&words[at]);
            if twice {
                words.remove(at);
            } else {
                at += 1;
            }
        }
        if words.len() > limits::QUERY_WORDS {
            let reason = format!(
                "has {} words; at most {} are searched",
                words.len(),
                limits::QUERY_WORDS
            );
            return Err(ParseError { what: WHAT, reason });
        }
        let phone = phone::is_like_a_phone(text).then(|| Phone::of(text)).flatten();
        Ok(Self { words, domain, phone })
    }

    /// Whether it finds nothing, whatever there is.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty() && self.domain.is_none()
    }
}

/// Takes the domain off the last `name@domain`; `@` alone is no domain.
fn split_domain(text: &str) -> (String, Option<String>) {
    let at = text.split_whitespace().find_map(|piece| {
        let (name, domain) = piece.split_once('@')?;
        (!name.is_empty() && domain.chars().any(char::is_alphanumeric)).then_some((piece, name, domain))
    });
    match at {
        Some((piece, name, domain)) => (text.replacen(piece, name, 1), Some(fold::fold(domain))),
        None => (text.into(), None),
    }
}

/// How well a word of a query is met; the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Quality {
    /// A whole word of a name, an ID, an alias, an email address or a phone number.
    Whole,
    /// The same, as it sounds.
    WholeReading,
    /// The beginning of such a word.
    Beginning,
    BeginningReading,
    /// A whole word of a job title, a department or a company.
    WholeAbout,
    BeginningAbout,
    /// Letters from the inside of a word.
    Inside,
    /// But for one typo.
    Typo,
    /// The beginning of a word but for one typo.
    TypoBeginning,
}

impl Quality {
    /// Where this is met in a field that is about somebody, not their name.
    pub fn about(self) -> Self {
        match self {
            Self::Whole | Self::WholeReading => Self::WholeAbout,
            Self::Beginning | Self::BeginningReading => Self::BeginningAbout,
            other => other,
        }
    }
}

/// How close somebody is to who asks; the closest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Closeness {
    /// They have talked recently.
    Recent,
    /// In one of the same groups of the same server.
    Group,
    /// Of the same server.
    Server,
    Enterprise,
}

/// Where an entry stands in the list; the smallest first. The worst-met word decides first, then closeness, with one turn:
/// of names that were typed in full, those of other servers come before those of this server that only begin so. Somebody
/// `Li` would never be found otherwise, behind all the `Lindas` of a large server.
pub fn place(worst: Quality, closeness: Closeness) -> u8 {
    use Closeness::{Enterprise, Group, Recent, Server};
    let near = closeness as u8;
    match worst {
        Quality::Whole | Quality::WholeReading => match closeness {
            Recent => 0,
            Group => 2,
            Server => 4,
            Enterprise => 5,
        },
        Quality::Beginning => match closeness {
            Recent => 1,
            Group => 3,
            Server => 6,
            Enterprise => 7,
        },
        Quality::BeginningReading => 8 + near,
        Quality::WholeAbout | Quality::BeginningAbout => 12 + near,
        Quality::Inside => 16 + near,
        Quality::Typo | Quality::TypoBeginning => 20 + near,
    }
}

/// Fewest letters that are looked for inside of words.
pub const INSIDE: usize = 3;
/// Fewest letters of a word of which one may be wrong. In words of just so many it has to be a whole word.
pub const TYPO: usize = 4;

/// What an entry is found by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term<'a> {
    /// A word of a name or of what is about somebody, in its plain form.
    Plain(&'a str),
    Reading(&'a str),
    /// A word of an ID or an email address, in its plain form.
    Id(&'a str),
    /// Of a phone number, as [`Phone::digits`] has it, or of its extension.
    Digits(&'a str),
    Domain(&'a str),
}

/// How a text of an entry is taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sort {
    Name,
    Id,
    Domain,
    Phone,
    /// Job title, department, company.
    About,
}

/// All texts by which an entry is found, names first.
pub fn texts(entry: &Entry, mut say: impl FnMut(Sort, &str)) {
    let (first, last, display) = (&entry.first_name, &entry.last_name, &entry.display_name);
    let is_both = |a: &str, b: &str| {
        let rest = display.strip_prefix(a).and_then(|rest| rest.strip_prefix(' '));
        rest.is_some_and(|rest| rest == b)
    };
    if !is_both(first, last) && !is_both(last, first) {
        say(Sort::Name, display);
    }
    for text in [first, last].into_iter().chain(&entry.aliases) {
        say(Sort::Name, text);
    }
    say(Sort::Id, &entry.id.id);
    say(Sort::Domain, entry.id.server.as_str());
    let (name, domain) = entry.email.rsplit_once('@').unwrap_or((&entry.email, ""));
    if name != entry.id.id {
        say(Sort::Id, name);
    }
    if domain != entry.id.server.as_str() {
        say(Sort::Domain, domain);
    }
    for phone in &entry.phones {
        say(Sort::Phone, phone);
    }
    for text in [&entry.job_title, &entry.department, &entry.company] {
        say(Sort::About, text);
    }
}

/// All terms of a text; some come twice.
pub fn terms(sort: Sort, text: &str, mut say: impl FnMut(Term<'_>)) {
    match sort {
        Sort::Name | Sort::About => {
            for word in fold::index_words(text) {
                say(Term::Plain(&word.plain));
                word.readings
                    .iter()
                    .for_each(|reading| say(Term::Reading(reading)));
            }
        }
        Sort::Id => {
            for word in fold::index_words(text) {
                say(Term::Id(&word.plain));
                if !word.plain.is_ascii() {
                    word.readings
                        .iter()
                        .for_each(|reading| say(Term::Reading(reading)));
                }
            }
        }
        Sort::Domain if text.is_empty() => {}
        Sort::Domain => say(Term::Domain(&fold::fold(text))),
        Sort::Phone => {
            let Some(phone) = Phone::of(text) else { return };
            say(Term::Digits(&phone.digits));
            if let Some(extension) = &phone.extension {
                say(Term::Digits(extension));
            }
        }
    }
}

/// All texts that one typo makes of a word of [`TYPO`] to [`limits::TYPO_LETTERS`] letters: one letter left out, added, or another, or two that
/// stand beside each other exchanged. Letters are those of the word's script. In the flag: whether the text may be the beginning
/// of a longer word; that of which the last letter was left out may not, or every word would be found by its beginning.
pub fn typos(word: &str, mut say: impl FnMut(&str, bool)) {
    let letters: Vec<char> = word.chars().collect();
    if !(TYPO..=limits::TYPO_LETTERS).contains(&letters.len()) {
        return;
    }
    let long = letters.len() > TYPO;
    let cyrillic = letters.iter().any(|c| ('а'..='я').contains(c));
    let alphabet = if cyrillic { 'а'..='я' } else { 'a'..='z' };
    let mut text = String::with_capacity(word.len() + 4);
    let mut made = |parts: [&[char]; 3], long: bool| {
        text.clear();
        parts.into_iter().for_each(|part| text.extend(part));
        say(&text, long);
    };
    for at in 0..letters.len() {
        let (before, rest) = letters.split_at(at);
        let last = rest.len() == 1;
        made([before, &rest[1..], &[]], long && !last);
        if let [a, b, after @ ..] = rest
            && a != b
        {
            made([before, &[*b, *a], after], long);
        }
        for c in alphabet.clone() {
            made([before, &[c], rest], long);
            if c != rest[0] {
                made([before, &[c], &rest[1..]], long);
            }
        }
    }
    // A letter that is missing at the end is no typo but the beginning of a word.
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn queries_are_taken_apart() {
        let query = Query::parse("Jean-Pierre  MARTIN jean").expect("good");
        let plain: Vec<&str> = query.words.iter().map(|word| word.plain.as_str()).collect();
        assert_eq!(plain, ["jean", "pierre", "martin"]);
        assert_eq!(query.phone, None);
        let query = Query::parse("ivan.petrov@Paris.ex").expect("good");
        assert_eq!(query.words.len(), 2);
        assert_eq!(query.domain.as_deref(), Some("paris.ex"));
        assert_eq!(Query::parse("anna@").expect("good").domain, None);
        let query = Query::parse("01 23 45").expect("good");
        assert_eq!(query.phone.map(|phone| phone.digits).as_deref(), Some("12345"));
        assert!(Query::parse(" - ").expect("good").is_empty());
    }

    #[test]
    fn queries_have_bounds() {
        let long = Query::parse(&"x".repeat(limits::QUERY + 1)).expect_err("too long");
        assert_eq!(
            long.to_string(),
            "search text is too long; at most 128 characters are searched"
        );
        let many = Query::parse("a b c d e f g h i").expect_err("too many");
        assert_eq!(
            many.to_string(),
            "search text has 9 words; at most 8 are searched"
        );
    }

    #[test]
    fn places_follow_how_well_and_how_close() {
        use Closeness::{Enterprise, Group, Recent, Server};
        assert!(place(Quality::Beginning, Recent) < place(Quality::Whole, Group));
        assert!(place(Quality::Whole, Enterprise) < place(Quality::Beginning, Server));
        assert!(place(Quality::Beginning, Enterprise) < place(Quality::WholeAbout, Recent));
        assert!(place(Quality::BeginningAbout, Enterprise) < place(Quality::Inside, Recent));
        assert!(place(Quality::Inside, Enterprise) < place(Quality::Typo, Recent));
    }

    #[test]
    fn typos_are_made_of_words_that_people_type_and_of_no_longer_ones() {
        let made = |letters: usize| {
            let mut count = 0;
            typos(&"x".repeat(letters), |_, _| count += 1);
            count
        };
        assert!(made(limits::TYPO_LETTERS) > 1_000);
        assert_eq!((made(TYPO - 1), made(limits::TYPO_LETTERS + 1)), (0, 0));
    }

    proptest! {
        #[test]
        fn every_typo_of_a_word_leads_back_to_it(word in "[a-z]{5,10}", at in 0..10_usize, other in "[a-z]", kind in 0..4) {
            let mut typed: Vec<char> = word.chars().collect();
            let at = at % typed.len();
            let other = other.chars().next().unwrap_or('a');
            match kind {
                0 => typed[at] = other,
                1 => typed.insert(at, other),
                2 => { typed.remove(at); }
                _ => {
                    let next = (at + 1) % typed.len();
                    if next > at { typed.swap(at, next); }
                }
            }
            let typed: String = typed.into_iter().collect();
            let mut found = word.starts_with(&typed);
            typos(&typed, |text, long| found |= text == word || long && word.starts_with(text));
            prop_assert!(found, "{word} by {typed}");
        }
    }
}
