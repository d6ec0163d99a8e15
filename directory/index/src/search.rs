//! Looking for entries in one segment.

use crate::{
    dictionary::{DIGITS, DOMAIN, ID, READING},
    segment::{Number, Segment, ServerNumber},
};
use plenary_people::{
    Closeness, Quality, Query,
    fold::Word,
    limits,
    phone::{self, Phone},
    query::{INSIDE, TYPO, place, typos},
};
use std::{cell::RefCell, ops::Range};

/// How far a search goes. Each goes on where the one before did not find enough: what it finds besides comes after that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Depth {
    /// Words and their beginnings.
    Words,
    /// And letters from inside of words.
    Letters,
    /// And words but for a typo.
    Typos,
    /// And letters from inside of IDs and email addresses. There are more of those than of all names, so it takes longest.
    Ids,
}

impl Depth {
    /// What comes after it, with so much found.
    pub(crate) fn next(self, found: usize, wanted: usize) -> Option<Self> {
        match self {
            _ if found >= wanted => None,
            Self::Words => Some(Self::Letters),
            Self::Letters => Some(Self::Typos),
            Self::Typos if found == 0 => Some(Self::Ids),
            Self::Typos | Self::Ids => None,
        }
    }
}

/// Among which entries is looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    All,
    /// Of the server of who asks.
    Own,
    Others,
}

/// Who asks, as far as it matters in each segment.
pub(crate) struct Ask<'a> {
    pub(crate) query: &'a Query,
    /// For each server, whether its entries may be seen.
    pub(crate) seen: &'a [bool],
    pub(crate) whose: Whose,
    pub(crate) server: Option<ServerNumber>,
    pub(crate) groups: &'a [String],
    /// Hashes of IDs.
    pub(crate) recent: &'a [u64],
    pub(crate) limit: usize,
}

/// An entry that was found, in the order of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) place: u8,
    /// All that is met worse than as whole words; the smaller the better.
    pub(crate) sum: u8,
    pub(crate) number: Number,
    pub(crate) worst: Quality,
    pub(crate) closeness: Closeness,
}

/// Entries that meet a word in one way.
struct Source {
    span: Range<usize>,
    quality: Quality,
}

/// Qualities by their number.
const QUALITIES: [Quality; 9] = [
    Quality::Whole,
    Quality::WholeReading,
    Quality::Beginning,
    Quality::BeginningReading,
    Quality::WholeAbout,
    Quality::BeginningAbout,
    Quality::Inside,
    Quality::Typo,
    Quality::TypoBeginning,
];

/// Not met.
const NOT: u8 = u8::MAX;

/// How well entries meet what was looked for, by their numbers. Between searches nothing is met.
#[derive(Default)]
struct Scratch {
    /// By all words until now: the worst, and the sum.
    worst: Vec<u8>,
    sum: Vec<u8>,
    /// By one word.
    word: Vec<u8>,
}

thread_local! {
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

/// The first entries that meet a query, in order, each once.
pub(crate) fn search(
    segment: &Segment,
    ask: &Ask<'_>,
    depth: Depth,
    is_deleted: impl Fn(Number) -> bool,
) -> Vec<Found> {
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.resize(segment.len());
        let mut top = Top::new(ask.limit);
        let mut words: Vec<Vec<Source>> = Vec::new();
        for word in &ask.query.words {
            words.push(sources(segment, &word.plain, &word.readings, depth));
        }
        if let Some(domain) = &ask.query.domain {
            words.push(of_domain(segment, domain));
        }
        let met = scratch.meet(segment, words);
        rank(segment, ask, scratch, met, &is_deleted, &mut top);
        if let Some(phone) = &ask.query.phone {
            let met = scratch.meet(segment, vec![of_phone(segment, phone, depth)]);
            rank(segment, ask, scratch, met, &is_deleted, &mut top);
        }
        top.into_sorted()
    })
}

impl Scratch {
    fn resize(&mut self, entries: usize) {
        if self.word.len() < entries {
            self.worst.resize(entries, NOT);
            self.sum.resize(entries, 0);
            self.word.resize(entries, NOT);
        }
    }

    /// Says which entries meet all words; how well stands in `worst` and `sum` until [`Self::forget`].
    fn meet(&mut self, segment: &Segment, mut words: Vec<Vec<Source>>) -> Vec<Number> {
        // The rarest first: all that follow look only at what it found.
        words.sort_by_cached_key(|sources| sources.iter().map(|source| source.span.len()).sum::<usize>());
        let mut met: Vec<Number> = Vec::new();
        for (at, sources) in words.iter().enumerate() {
            let first = at == 0;
            let mut by_word = Vec::new();
            for source in sources {
                let own = source.quality as u8;
                let about = source.quality.about() as u8;
                for (number, is_about) in segment.postings(source.span.clone()) {
                    let entry = number as usize;
                    if !first && self.worst[entry] == NOT {
                        continue;
                    }
                    let quality = if is_about { about } else { own };
                    let before = &mut self.word[entry];
                    if *before == NOT {
                        by_word.push(number);
                    }
                    *before = (*before).min(quality);
                }
            }
            if first {
                for number in &by_word {
                    let entry = *number as usize;
                    self.worst[entry] = std::mem::replace(&mut self.word[entry], NOT);
                    self.sum[entry] = self.worst[entry];
                }
            } else {
                for number in met {
                    let entry = number as usize;
                    match self.word[entry] {
                        NOT => self.worst[entry] = NOT,
                        quality => {
                            self.worst[entry] = self.worst[entry].max(quality);
                            self.sum[entry] += quality;
                        }
                    }
                }
            }
            if !first {
                for number in &by_word {
                    self.word[*number as usize] = NOT;
                }
            }
            met = by_word;
            if met.is_empty() {
                break;
            }
        }
        met
    }
}

/// Puts what may be seen into its place. Forgets how well it was met.
fn rank(
    segment: &Segment,
    ask: &Ask<'_>,
    scratch: &mut Scratch,
    met: Vec<Number>,
    is_deleted: &impl Fn(Number) -> bool,
    top: &mut Top,
) {
    let mut offer = |number: Number, worst: u8, sum: u8, closeness: Closeness| {
        let worst = QUALITIES[usize::from(worst)];
        top.offer(Found {
            place: place(worst, closeness),
            sum,
            number,
            worst,
            closeness,
        });
    };
    let is_seen = |server: ServerNumber| {
        let is_wanted = match ask.whose {
            Whose::All => true,
            Whose::Own => Some(server) == ask.server,
            Whose::Others => Some(server) != ask.server,
        };
        is_wanted && ask.seen.get(server as usize).is_some_and(|seen| *seen)
    };
    if !met.is_empty() {
        for number in ask.recent.iter().flat_map(|hash| segment.by_hash(*hash)) {
            let entry = number as usize;
            let worst = std::mem::replace(&mut scratch.worst[entry], NOT);
            if worst != NOT && is_seen(segment.server(number)) && !is_deleted(number) {
                offer(number, worst, scratch.sum[entry], Closeness::Recent);
            }
        }
    }
    let groups = ask
        .server
        .map(|server| segment.groups_of(server, ask.groups))
        .unwrap_or_default();
    for number in met {
        let entry = number as usize;
        let worst = std::mem::replace(&mut scratch.worst[entry], NOT);
        let server = segment.server(number);
        if worst == NOT || !is_seen(server) || is_deleted(number) {
            continue;
        }
        let closeness = match Some(server) == ask.server {
            true if segment.is_in(number, &groups) => Closeness::Group,
            true => Closeness::Server,
            false => Closeness::Enterprise,
        };
        offer(number, worst, scratch.sum[entry], closeness);
    }
}

/// The best of what is offered.
struct Top {
    limit: usize,
    kept: Vec<Found>,
    /// The worst that is kept, once there is enough.
    bound: Option<Found>,
}

impl Top {
    fn new(limit: usize) -> Self {
        Self {
            limit,
            kept: Vec::new(),
            bound: None,
        }
    }

    fn offer(&mut self, found: Found) {
        if self.bound.is_some_and(|bound| found >= bound) {
            return;
        }
        self.kept.push(found);
        // Twice as many as are wanted, and some, since a phone number may find an entry again.
        if self.kept.len() > 4 * self.limit + 16 {
            self.cut();
            self.bound = self
                .kept
                .last()
                .copied()
                .filter(|_| self.kept.len() == self.limit);
        }
    }

    fn cut(&mut self) {
        self.kept.sort_unstable();
        let mut seen = std::collections::BTreeSet::new();
        self.kept.retain(|found| seen.insert(found.number));
        self.kept.truncate(self.limit);
    }

    fn into_sorted(mut self) -> Vec<Found> {
        self.cut();
        self.kept
    }
}

/// What meets a word.
fn sources(segment: &Segment, plain: &str, readings: &[String], depth: Depth) -> Vec<Source> {
    let mut sources = Sources::new(segment);
    let all = segment.dictionary.all();
    sources.beginning(all.clone(), plain, Quality::Whole, Quality::Beginning);
    let of_id = format!("{ID}{plain}");
    sources.beginning(all.clone(), &of_id, Quality::Whole, Quality::Beginning);
    let readings: Vec<String> = readings
        .iter()
        .map(|reading| format!("{READING}{reading}"))
        .collect();
    for reading in &readings {
        sources.beginning(
            all.clone(),
            reading,
            Quality::WholeReading,
            Quality::BeginningReading,
        );
    }
    let digits = format!("{DIGITS}{plain}");
    let is_number = plain.len() >= phone::DIGITS && plain.bytes().all(|byte| byte.is_ascii_digit());
    if is_number {
        sources.beginning(all.clone(), &digits, Quality::Whole, Quality::Beginning);
    }
    if depth >= Depth::Letters && plain.chars().count() >= INSIDE {
        let words = segment.dictionary.beginning(all.clone(), READING.as_bytes()).end..all.end;
        sources.containing(words, plain);
        let of_readings = segment.dictionary.beginning(all.clone(), READING.as_bytes());
        for reading in readings.iter().filter(|reading| reading.len() > INSIDE) {
            sources.containing(of_readings.clone(), &reading[READING.len()..]);
        }
        if is_number {
            sources.inside(DIGITS, plain);
        }
        if depth >= Depth::Ids {
            sources.inside(ID, plain);
        }
    }
    if depth >= Depth::Typos {
        sources.typos("", plain);
        for reading in &readings {
            sources.typos(READING, &reading[READING.len()..]);
        }
    }
    sources.found
}

fn of_domain(segment: &Segment, domain: &str) -> Vec<Source> {
    let mut sources = Sources::new(segment);
    let all = segment.dictionary.all();
    // It narrows what was found by name, and is as good when it is not typed to its end.
    sources.beginning(all, &format!("{DOMAIN}{domain}"), Quality::Whole, Quality::Whole);
    sources.found
}

fn of_phone(segment: &Segment, phone: &Phone, depth: Depth) -> Vec<Source> {
    let mut sources = Sources::new(segment);
    let all = segment.dictionary.all();
    let digits = format!("{DIGITS}{}", phone.digits);
    sources.beginning(all.clone(), &digits, Quality::Whole, Quality::Beginning);
    for national in phone.national() {
        sources.exactly(all.clone(), &format!("{DIGITS}{national}"), Quality::Whole);
    }
    if depth >= Depth::Letters {
        sources.inside(DIGITS, &phone.digits);
    }
    sources.found
}

struct Sources<'a> {
    segment: &'a Segment,
    found: Vec<Source>,
}

impl<'a> Sources<'a> {
    fn new(segment: &'a Segment) -> Self {
        Self {
            segment,
            found: Vec::new(),
        }
    }

    fn push(&mut self, terms: Range<usize>, quality: Quality) {
        if !terms.is_empty() {
            let span = self.segment.span(terms);
            self.found.push(Source { span, quality });
        }
    }

    fn beginning(&mut self, within: Range<usize>, text: &str, whole: Quality, beginning: Quality) {
        let dictionary = &self.segment.dictionary;
        let mut terms = dictionary.beginning(within, text.as_bytes());
        if !terms.is_empty() && dictionary.term(terms.start) == text.as_bytes() {
            self.push(terms.start..terms.start + 1, whole);
            terms.start += 1;
        }
        self.push(terms, beginning);
    }

    fn exactly(&mut self, within: Range<usize>, text: &str, quality: Quality) {
        let dictionary = &self.segment.dictionary;
        let terms = dictionary.beginning(within, text.as_bytes());
        if !terms.is_empty() && dictionary.term(terms.start) == text.as_bytes() {
            self.push(terms.start..terms.start + 1, quality);
        }
    }

    /// Inside of all terms with a mark.
    fn inside(&mut self, mark: &str, text: &str) {
        let dictionary = &self.segment.dictionary;
        self.containing(dictionary.beginning(dictionary.all(), mark.as_bytes()), text);
    }

    fn containing(&mut self, terms: Range<usize>, text: &str) {
        let mut found = Vec::new();
        self.segment
            .dictionary
            .containing(terms, text.as_bytes(), |term| found.push(term));
        for term in found {
            self.push(term..term + 1, Quality::Inside);
        }
    }

    fn mistyped(&mut self, within: Range<usize>, text: &str, long: bool) {
        if long {
            self.beginning(within, text, Quality::Typo, Quality::TypoBeginning);
        } else {
            self.exactly(within, text, Quality::Typo);
        }
    }

    fn typos(&mut self, mark: &str, text: &str) {
        if !(TYPO..=limits::TYPO_LETTERS).contains(&text.chars().count()) {
            return;
        }
        let word = format!("{mark}{text}");
        // Terms that begin as far as a typo left the word: the longer that is, the fewer are left to look through.
        let mut ranges = vec![(0, self.segment.dictionary.all())];
        for (at, c) in word.char_indices() {
            let end = at + c.len_utf8();
            let within = ranges.last().map(|(_, range)| range.clone()).unwrap_or_default();
            ranges.push((
                end,
                self.segment.dictionary.beginning(within, &word.as_bytes()[..end]),
            ));
        }
        let mut typed = String::new();
        typos(text, |other, long| {
            typed.clear();
            typed.push_str(mark);
            typed.push_str(other);
            let common = typed
                .bytes()
                .zip(word.bytes())
                .take_while(|(a, b)| a == b)
                .count();
            let near = ranges.iter().rev().find(|(length, _)| *length <= common);
            let within = near.map(|(_, range)| range.clone()).unwrap_or_default();
            self.mistyped(within, &typed, long);
            // What sounds as one letter may be torn apart by a typo: `shcehrbakov`.
            if mark.is_empty() && (other.len() < text.len() || is_exchange(other, text)) {
                for reading in Word::of(other).into_iter().flat_map(|word| word.readings) {
                    let all = self.segment.dictionary.all();
                    self.mistyped(all, &format!("{READING}{reading}"), long);
                }
            }
        });
    }
}

/// Whether two texts differ by the order of two letters beside each other.
fn is_exchange(a: &str, b: &str) -> bool {
    let mut other = a.chars().zip(b.chars()).filter(|(a, b)| a != b);
    match (other.next(), other.next(), other.next()) {
        (Some((a, b)), Some((c, d)), None) => a == d && b == c,
        _ => false,
    }
}
