//! What a node knows of each partner from the last attempts, in both directions.

use crate::{Pages, Quarantine, QuarantineRules};
use plenary_access::NoPartner;
use plenary_model::{Fingerprint, ServerName, Timestamp};
use std::collections::BTreeMap;

/// Words of one trouble that are kept; partners choose some of them.
const WORDS: usize = 500;
/// A certificate that ends within this time is a matter for a person: partners renew with weeks to spare.
pub const EXPIRES_SOON_MS: u64 = 14 * 24 * 3_600_000;

/// What a certificate says that a partner showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    pub subject: String,
    pub issuer: String,
    pub expires: Timestamp,
    pub fingerprint: Fingerprint,
    /// The DNS names that it carries.
    pub names: Vec<String>,
}

/// Why two servers did not meet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// A sentence for administrators, at most 500 characters.
    pub words: String,
    /// The certificate is not what is pinned: an administrator has to confirm it, or to find out who answers there.
    pub is_change: bool,
}

/// How two servers met last, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: Timestamp,
    pub trouble: Option<Trouble>,
}

/// What is done together right now, and how much was sent since the node started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Usage {
    /// People of theirs in conferences and calls of this server.
    pub users: u64,
    /// In so many of those.
    pub conferences: u64,
    /// People of this server in conferences and calls of theirs.
    pub own_users: u64,
    pub received_bytes: u64,
    pub sent_bytes: u64,
    /// Links for media.
    pub links: u64,
    /// The longest round trip of those.
    pub link_ms: Option<u32>,
}

/// What is known of one partner.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seen {
    /// Where DNS led last, as a list for people.
    pub way: String,
    /// What it proved itself with last; or, where DNS leads, what was shown and refused.
    pub certificate: Option<Shown>,
    pub outgoing: Option<Attempt>,
    /// It came and proved who it is.
    pub incoming: Option<Attempt>,
    /// Where DNS leads this was shown instead of what is pinned, and nothing that is right since. Whoever comes here shows what
    /// they like: that changes nothing of it.
    pub changed: Option<Shown>,
    /// Somebody came who claimed to be it and did not prove it.
    pub claimed: Option<Attempt>,
    /// From the first words of the last connection to the answer.
    pub round_trip_ms: Option<u32>,
    /// When the two met last, whoever came.
    pub reached: Option<Timestamp>,
    /// Where its pages are, as it said last.
    pub pages: Vec<Pages>,
    pub quarantine: Quarantine,
    pub usage: Usage,
}

impl Seen {
    /// When something was last heard or tried.
    fn touched(&self) -> Timestamp {
        let at = |attempt: &Option<Attempt>| attempt.as_ref().map_or(Timestamp(0), |attempt| attempt.at);
        at(&self.outgoing).max(at(&self.incoming))
    }

    /// The last attempt in whichever direction.
    pub fn last(&self) -> Option<&Attempt> {
        let both = [&self.outgoing, &self.incoming].into_iter().flatten();
        both.max_by_key(|attempt| attempt.at)
    }

    /// Whether the certificate is to be confirmed: this server was led to another one, and to none that is right since.
    pub fn has_changed(&self) -> bool {
        self.changed.is_some()
    }

    /// What is to be confirmed, by what two nodes know: as long as the last who tried did not get past the certificate, what
    /// either was shown counts.
    fn changed_by(newer: &mut Self, older: &mut Self) -> Option<Shown> {
        let is_right = newer.outgoing.as_ref().is_some_and(|last| last.trouble.is_none());
        let newest = newer.changed.take();
        newest.or_else(|| older.changed.take().filter(|_| !is_right))
    }

    /// What two nodes know together: of each thing what is newer, and the sum of what is counted.
    pub fn and(self, other: Self) -> Self {
        let (mut newer, mut older) = match self.touched() >= other.touched() {
            true => (self, other),
            false => (other, self),
        };
        let at = |attempt: &Option<Attempt>| attempt.as_ref().map(|attempt| attempt.at);
        let tried_last = at(&newer.outgoing) >= at(&older.outgoing);
        let changed = match tried_last {
            true => Self::changed_by(&mut newer, &mut older),
            false => Self::changed_by(&mut older, &mut newer),
        };
        let (outgoing, way, round_trip_ms) = match tried_last {
            true => (newer.outgoing, newer.way, newer.round_trip_ms),
            false => (older.outgoing, older.way, older.round_trip_ms),
        };
        let pages = match newer.pages.is_empty() {
            true => older.pages,
            false => newer.pages,
        };
        Self {
            way,
            pages,
            certificate: newer.certificate.or(older.certificate),
            outgoing,
            incoming: match at(&newer.incoming) >= at(&older.incoming) {
                true => newer.incoming,
                false => older.incoming,
            },
            changed,
            claimed: match at(&newer.claimed) >= at(&older.claimed) {
                true => newer.claimed,
                false => older.claimed,
            },
            round_trip_ms,
            reached: newer.reached.max(older.reached),
            quarantine: newer.quarantine.or_longer(older.quarantine),
            usage: Usage {
                users: newer.usage.users + older.usage.users,
                conferences: newer.usage.conferences.max(older.usage.conferences),
                own_users: newer.usage.own_users + older.usage.own_users,
                received_bytes: newer.usage.received_bytes + older.usage.received_bytes,
                sent_bytes: newer.usage.sent_bytes + older.usage.sent_bytes,
                links: newer.usage.links + older.usage.links,
                link_ms: newer.usage.link_ms.max(older.usage.link_ms),
            },
        }
    }
}

/// How a partner is, in one word for administrators; the first that holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartnerState {
    /// It misbehaved, and is not answered for a while.
    Quarantined,
    /// It shows another certificate than is pinned.
    CertificateChanged,
    /// The lists, the mode or the licence of this server do not let them meet.
    NotAllowed,
    /// The last attempt failed.
    Failing,
    /// The last attempt went well.
    Well,
    /// Nothing was tried since the nodes started.
    Untried,
}

impl PartnerState {
    pub fn of(allowed: Result<(), NoPartner>, seen: Option<&Seen>, now: Timestamp) -> Self {
        if seen.is_some_and(|seen| seen.quarantine.until(now).is_some()) {
            return Self::Quarantined;
        }
        if seen.is_some_and(Seen::has_changed) {
            return Self::CertificateChanged;
        }
        if allowed.is_err() {
            return Self::NotAllowed;
        }
        match seen.and_then(Seen::last) {
            None => Self::Untried,
            Some(Attempt { trouble: None, .. }) => Self::Well,
            Some(_) => Self::Failing,
        }
    }
}

/// What a node knows of partners. It holds at most [`Book::MOST`]; beyond, who was met longest ago is forgotten.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Book(BTreeMap<ServerName, Seen>);

impl Book {
    pub const MOST: usize = 1_000;

    pub fn of(&self, server: &ServerName) -> Option<&Seen> {
        self.0.get(server)
    }

    pub fn all(&self) -> &BTreeMap<ServerName, Seen> {
        &self.0
    }

    /// This server tried to reach `server`.
    pub fn tried(&mut self, server: &ServerName, now: Timestamp, tried: Tried) {
        let seen = self.entry(server);
        if let Some(way) = tried.way {
            seen.way = way;
        }
        let is_change = tried.trouble.as_ref().is_some_and(|trouble| trouble.is_change);
        if is_change {
            seen.changed.clone_from(&tried.certificate);
        } else if tried.trouble.is_none() || tried.certificate.is_some() {
            seen.changed = None;
        }
        if tried.certificate.is_some() {
            seen.certificate = tried.certificate;
        }
        if tried.trouble.is_none() {
            seen.reached = Some(now);
            seen.round_trip_ms = tried.round_trip_ms;
        }
        seen.outgoing = Some(attempt(now, tried.trouble));
    }

    /// Somebody came who is `server`: this certificate proved it.
    pub fn came(
        &mut self,
        server: &ServerName,
        now: Timestamp,
        certificate: Shown,
        trouble: Option<Trouble>,
    ) {
        let seen = self.entry(server);
        seen.certificate = Some(certificate);
        if trouble.is_none() {
            seen.reached = Some(now);
        }
        seen.incoming = Some(attempt(now, trouble));
    }

    /// Somebody came who claims to be `server` and does not prove it. Whoever that was, it says nothing of `server`: it is kept
    /// apart, and for its sake no other is forgotten.
    pub fn claimed(&mut self, server: &ServerName, now: Timestamp, trouble: Trouble) {
        if self.0.len() < Self::MOST || self.0.contains_key(server) {
            self.entry(server).claimed = Some(attempt(now, Some(trouble)));
        }
    }

    /// Something that `server` should not do. Gives until when it is not answered, if that begins or goes on.
    pub fn misbehaved(
        &mut self,
        server: &ServerName,
        now: Timestamp,
        rules: &QuarantineRules,
    ) -> Option<Timestamp> {
        self.entry(server).quarantine.fault(now, rules)
    }

    /// Until when `server` is not answered.
    pub fn quarantined(&self, server: &ServerName, now: Timestamp) -> Option<Timestamp> {
        self.of(server)?.quarantine.until(now)
    }

    /// An administrator believes that it is well again. Gives whether it was in quarantine.
    pub fn lift(&mut self, server: &ServerName, now: Timestamp) -> bool {
        let Some(seen) = self.0.get_mut(server) else {
            return false;
        };
        let was = seen.quarantine.until(now).is_some();
        seen.quarantine = Quarantine::default();
        was
    }

    /// `server` has said where its pages are.
    pub fn says(&mut self, server: &ServerName, pages: Vec<Pages>) {
        self.entry(server).pages = pages;
    }

    /// What is done together now.
    pub fn uses(&mut self, server: &ServerName, usage: Usage) {
        self.entry(server).usage = usage;
    }

    fn entry(&mut self, server: &ServerName) -> &mut Seen {
        if self.0.len() >= Self::MOST && !self.0.contains_key(server) {
            let oldest = self.0.iter().min_by_key(|(_, seen)| seen.touched());
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                self.0.remove(&oldest);
            }
        }
        self.0.entry(server.clone()).or_default()
    }
}

/// What an attempt to reach a partner told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tried {
    /// `None` where it was not asked.
    pub way: Option<String>,
    pub certificate: Option<Shown>,
    pub round_trip_ms: Option<u32>,
    pub trouble: Option<Trouble>,
}

fn attempt(at: Timestamp, trouble: Option<Trouble>) -> Attempt {
    let trouble = trouble.map(|trouble| Trouble {
        words: trouble.words.chars().take(WORDS).collect(),
        ..trouble
    });
    Attempt { at, trouble }
}

/// Something about a partner that needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    CertificateChanged,
    CertificateExpires,
    Quarantined,
}

impl Concern {
    /// As problems of the server are called; never changes.
    pub fn code(self) -> &'static str {
        match self {
            Self::CertificateChanged => "partner-certificate-changed",
            Self::CertificateExpires => "partner-certificate-expires",
            Self::Quarantined => "partner-quarantined",
        }
    }
}

/// What needs a person about `seen`. A certificate that was refused is not told to end as well.
pub fn concerns(seen: &Seen, now: Timestamp) -> Vec<Concern> {
    let mut found = Vec::new();
    if seen.has_changed() {
        found.push(Concern::CertificateChanged);
    } else if let Some(shown) = &seen.certificate
        && shown.expires.0 < now.0.saturating_add(EXPIRES_SOON_MS)
    {
        found.push(Concern::CertificateExpires);
    }
    if seen.quarantine.until(now).is_some() {
        found.push(Concern::Quarantined);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3_600_000;
    const NOW: Timestamp = Timestamp(1_700_000_000_000);

    fn server(number: usize) -> ServerName {
        format!("s{number}.example.net").parse().expect("a name")
    }

    fn later(ms: u64) -> Timestamp {
        Timestamp(NOW.0 + ms)
    }

    fn shown(days: u64) -> Shown {
        Shown {
            subject: "CN=s1.example.net".into(),
            issuer: "CN=Authority".into(),
            expires: later(days * DAY),
            fingerprint: Fingerprint::of([7; 32]),
            names: vec!["s1.example.net".into()],
        }
    }

    fn trouble(words: &str, is_change: bool) -> Option<Trouble> {
        Some(Trouble {
            words: words.into(),
            is_change,
        })
    }

    fn went(trouble: Option<Trouble>) -> Tried {
        Tried {
            way: Some("node-1.example.net:4307".into()),
            certificate: Some(shown(90)),
            round_trip_ms: Some(7),
            trouble,
        }
    }

    #[test]
    fn the_last_attempt_says_how_a_partner_is() {
        let mut book = Book::default();
        let one = server(1);
        let state = |book: &Book| PartnerState::of(Ok(()), book.of(&one), later(10));
        assert_eq!(state(&book), PartnerState::Untried);
        book.tried(&one, NOW, went(None));
        assert_eq!(state(&book), PartnerState::Well);
        book.tried(&one, later(1), went(trouble("no answer", false)));
        assert_eq!(state(&book), PartnerState::Failing);
        let seen = book.of(&one).expect("noted");
        assert_eq!((seen.reached, seen.round_trip_ms), (Some(NOW), Some(7)));
        book.came(&one, later(2), shown(90), None);
        assert_eq!(state(&book), PartnerState::Well, "it came since");
        let off = PartnerState::of(Err(NoPartner::Off), book.of(&one), later(10));
        assert_eq!(off, PartnerState::NotAllowed);
    }

    #[test]
    fn another_certificate_is_told_until_it_is_right_again() {
        let mut book = Book::default();
        let one = server(1);
        book.tried(&one, NOW, went(trouble("changed", true)));
        let silent = Tried {
            certificate: None,
            ..went(trouble("no answer", false))
        };
        book.tried(&one, later(1), silent);
        book.came(&one, later(2), shown(80), None);
        let seen = book.of(&one).expect("noted");
        assert_eq!(concerns(seen, NOW), [Concern::CertificateChanged]);
        assert_eq!(seen.changed, Some(shown(90)), "what it showed where DNS leads");
        let state = PartnerState::of(Err(NoPartner::Off), Some(seen), NOW);
        assert_eq!(state, PartnerState::CertificateChanged);
        book.tried(&one, later(3), went(None));
        assert!(concerns(book.of(&one).expect("noted"), NOW).is_empty());
    }

    #[test]
    fn who_claims_to_be_a_partner_changes_nothing_of_it() {
        let mut book = Book::default();
        let one = server(1);
        book.tried(&one, NOW, went(None));
        let before = book.of(&one).expect("noted").clone();
        let claim = trouble("another certificate", true).expect("some");
        book.claimed(&one, later(1), claim.clone());
        let seen = book.of(&one).expect("noted");
        assert_eq!(seen.claimed.as_ref().map(|claimed| claimed.at), Some(later(1)));
        let but_for_it = Seen {
            claimed: None,
            ..seen.clone()
        };
        assert_eq!(but_for_it, before);
        assert!(concerns(seen, NOW).is_empty());
        let state = PartnerState::of(Ok(()), Some(seen), NOW);
        assert_eq!(state, PartnerState::Well);
        for number in 0..Book::MOST {
            book.tried(&server(number), later(2), went(None));
        }
        book.claimed(&server(Book::MOST), later(3), claim);
        assert!(book.of(&server(Book::MOST)).is_none() && book.of(&one).is_some());
    }

    #[test]
    fn nodes_know_together_that_a_certificate_is_to_be_confirmed_until_one_finds_it_right() {
        let (mut first, mut second) = (Book::default(), Book::default());
        let one = server(1);
        first.tried(&one, NOW, went(trouble("changed", true)));
        let both = |first: &Book, second: &Book| {
            let [first, second] = [first, second].map(|book| book.of(&one).expect("noted").clone());
            let both = first.clone().and(second.clone());
            assert_eq!(both, second.and(first));
            both.changed
        };
        second.tried(&one, later(1), went(trouble("no answer", false)));
        assert_eq!(both(&first, &second), Some(shown(90)));
        second.tried(&one, later(2), went(None));
        assert_eq!(both(&first, &second), None);
    }

    #[test]
    fn a_certificate_that_ends_within_two_weeks_is_a_matter_for_a_person() {
        let seen = |days| Seen {
            certificate: Some(shown(days)),
            ..Seen::default()
        };
        assert_eq!(concerns(&seen(13), NOW), [Concern::CertificateExpires]);
        assert_eq!(concerns(&seen(0), later(DAY)), [Concern::CertificateExpires]);
        assert!(concerns(&seen(15), NOW).is_empty());
    }

    #[test]
    fn nodes_know_together_what_is_newest() {
        let (mut first, mut second) = (Book::default(), Book::default());
        let one = server(1);
        first.tried(&one, NOW, went(trouble("no answer", false)));
        first.uses(
            &one,
            Usage {
                users: 2,
                conferences: 1,
                own_users: 4,
                sent_bytes: 10,
                ..Usage::default()
            },
        );
        first.says(&one, Pages::all_of(&one, ["https://s1.example.net:8443"]));
        second.came(&one, later(5), shown(90), None);
        second.uses(
            &one,
            Usage {
                users: 3,
                conferences: 1,
                own_users: 1,
                sent_bytes: 5,
                ..Usage::default()
            },
        );
        let (a, b) = (first.of(&one).expect("noted"), second.of(&one).expect("noted"));
        let both = a.clone().and(b.clone());
        assert_eq!(both, b.clone().and(a.clone()));
        assert_eq!(
            (both.usage.users, both.usage.conferences, both.usage.sent_bytes),
            (5, 1, 15)
        );
        assert_eq!(both.usage.own_users, 5, "each node knows those at its own");
        assert_eq!(both.way, "node-1.example.net:4307");
        assert_eq!(
            both.pages, a.pages,
            "a node to which it has not said it changes nothing"
        );
        assert_eq!(both.certificate, Some(shown(90)));
        assert_eq!(
            (both.reached, both.last().map(|last| last.at)),
            (Some(later(5)), Some(later(5)))
        );
        assert_eq!(
            PartnerState::of(Ok(()), Some(&both), later(6)),
            PartnerState::Well
        );
    }

    #[test]
    fn who_was_met_longest_ago_is_forgotten_first_and_words_have_an_end() {
        let mut book = Book::default();
        for number in 0..=Book::MOST {
            let words = "w".repeat(10_000);
            book.came(
                &server(number),
                later(number as u64),
                shown(90),
                trouble(&words, false),
            );
        }
        assert_eq!(book.all().len(), Book::MOST);
        assert!(book.of(&server(0)).is_none());
        let seen = book.of(&server(1)).expect("kept");
        let words = seen.incoming.as_ref().and_then(|one| one.trouble.as_ref());
        assert_eq!(words.map(|trouble| trouble.words.len()), Some(WORDS));
    }
}
