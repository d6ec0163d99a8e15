//! What this node notes of partners: how it went when one was tried or came, and how they behave.

use crate::{Limits, Tried};
use plenary_federation::{Book, Pages, Seen, Shown, Step, Tried as Noted, Trouble, Usage};
use plenary_identity::{PartnerCertificate, PartnerRefusal};
use plenary_model::{ServerName, Timestamp};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Counted since the node started.
#[derive(Debug, Default)]
struct Counters {
    greeted: AtomicU64,
    refused: AtomicU64,
    too_fast: AtomicU64,
    slowed: AtomicU64,
    quarantines: AtomicU64,
    reached: AtomicU64,
    failed: AtomicU64,
    refusals: Refusals,
}

/// Refusals by the code that was answered.
#[derive(Debug, Default)]
struct Refusals([AtomicU64; REASONS.len()]);

/// All codes; the last one stands for whatever is none of them.
const REASONS: [&str; 20] = [
    "bad-request",
    "certificate-changed",
    "federation-off",
    "myself",
    "no-calls",
    "no-common-protocol",
    "no-conferences",
    "no-people",
    "not-allowed",
    "not-believed",
    "not-me",
    "quarantined",
    "too-fast",
    "too-many-calls",
    "too-many-names",
    "too-many-people",
    "too-many-watch",
    "too-slow",
    "unavailable",
    "other",
];

/// What was counted, and what is so now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Figures {
    /// Partners of whom something is known.
    pub partners: u64,
    /// Of them, those that are not answered for a while.
    pub quarantined: u64,
    /// Those who came and were answered.
    pub greeted: u64,
    /// Those who came and were not.
    pub refused: u64,
    /// Messages that came too fast.
    pub too_fast: u64,
    /// Times that a partner asked for more names than it may.
    pub slowed: u64,
    /// Quarantines that began.
    pub quarantines: u64,
    /// Attempts to reach a partner that went well.
    pub reached: u64,
    /// And those that did not.
    pub failed: u64,
}

/// The notes of one node; clones are of the same.
#[derive(Debug, Clone, Default)]
pub struct Ledger {
    book: Arc<Mutex<Book>>,
    counters: Arc<Counters>,
}

/// The time by this machine's clock.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A certificate as it is noted.
pub fn shown(certificate: &PartnerCertificate) -> Shown {
    let expires = certificate.expires.duration_since(UNIX_EPOCH).unwrap_or_default();
    Shown {
        subject: certificate.subject.clone(),
        issuer: certificate.issuer.clone(),
        expires: Timestamp(u64::try_from(expires.as_millis()).unwrap_or(u64::MAX)),
        fingerprint: certificate.fingerprint.clone(),
        names: certificate.names.clone(),
    }
}

fn one_more(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl Ledger {
    /// What is known of one.
    pub fn of(&self, server: &ServerName) -> Option<Seen> {
        self.lock().of(server).cloned()
    }

    /// What is known of all.
    pub fn all(&self) -> BTreeMap<ServerName, Seen> {
        self.lock().all().clone()
    }

    /// This node tried to reach `server`. That the own lists do not allow it says nothing of the other.
    pub(crate) fn tried(&self, server: &ServerName, tried: &Tried) {
        let steps = tried.trial.steps();
        let Some(last) = steps
            .last()
            .filter(|last| last.step != Step::Policy || last.is_good)
        else {
            return;
        };
        let of = |step| steps.iter().find(|done| done.step == step);
        let is_good = tried.trial.is_good();
        one_more(if is_good {
            &self.counters.reached
        } else {
            &self.counters.failed
        });
        let noted = Noted {
            way: of(Step::Srv)
                .filter(|done| done.is_good)
                .map(|done| done.detail.clone()),
            certificate: tried.certificate.as_ref().map(shown),
            round_trip_ms: of(Step::Answer).map(|done| done.took_ms),
            trouble: (!is_good).then(|| Trouble {
                words: last.detail.clone(),
                is_change: tried.is_change,
            }),
        };
        let mut book = self.lock();
        book.tried(server, now(), noted);
        if let Some(pages) = tried.pages.clone() {
            book.says(server, pages);
        }
    }

    /// `server` came, proved who it is, and was answered, or not for this reason.
    pub(crate) fn came(
        &self,
        server: &ServerName,
        certificate: &PartnerCertificate,
        refused: Option<String>,
    ) {
        let counter = if refused.is_some() {
            &self.counters.refused
        } else {
            &self.counters.greeted
        };
        one_more(counter);
        let trouble = refused.map(|words| Trouble {
            words,
            is_change: false,
        });
        self.lock().came(server, now(), shown(certificate), trouble);
    }

    /// `server`, which came and is answered, has said where its pages are.
    pub(crate) fn says(&self, server: &ServerName, pages: Vec<Pages>) {
        self.lock().says(server, pages);
    }

    /// Somebody came who claims to be `server` and does not prove it. Only of a partner of whom something is pinned this is
    /// noted, else strangers could fill the notes with names. What they showed is not kept: nobody is to confirm it.
    pub(crate) fn claimed(&self, server: &ServerName, why: &PartnerRefusal) {
        one_more(&self.counters.refused);
        if !why.is_change() {
            return;
        }
        let trouble = Trouble {
            words: why.to_string(),
            is_change: true,
        };
        self.lock().claimed(server, now(), trouble);
    }

    /// `server` did what it should not. Gives until when it is not answered, if that begins or goes on.
    pub(crate) fn misbehaved(&self, server: &ServerName, limits: &Limits) -> Option<Timestamp> {
        let (mut book, now) = (self.lock(), now());
        let was = book.quarantined(server, now);
        let until = book.misbehaved(server, now, &limits.quarantine)?;
        if was.is_none() {
            one_more(&self.counters.quarantines);
            tracing::warn!(%server, minutes = (until.0 - now.0) / 60_000, "a partner misbehaves and is not answered for a while");
        }
        Some(until)
    }

    /// Somebody came whom the lists do not admit.
    pub(crate) fn turned_away(&self) {
        one_more(&self.counters.refused);
    }

    /// Something was refused with this code.
    pub(crate) fn refuses(&self, code: &str) {
        let known = REASONS.iter().position(|reason| *reason == code);
        let counter = self.counters.refusals.0.get(known.unwrap_or(REASONS.len() - 1));
        counter.into_iter().for_each(one_more);
    }

    /// What was refused since the node started, by code, those of which there were none, too.
    pub fn refusals(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counted = self.counters.refusals.0.iter();
        let counted = counted.map(|counter| counter.load(Ordering::Relaxed));
        REASONS.into_iter().zip(counted)
    }

    pub(crate) fn too_fast(&self) {
        one_more(&self.counters.too_fast);
    }

    /// A partner asks for more names than it may, and waits.
    pub(crate) fn slowed(&self) {
        one_more(&self.counters.slowed);
    }

    /// Until when `server` is not answered.
    pub fn quarantined(&self, server: &ServerName) -> Option<Timestamp> {
        self.lock().quarantined(server, now())
    }

    /// An administrator ends the quarantine of `server`. Gives whether there was one.
    pub fn lift(&self, server: &ServerName) -> bool {
        self.lock().lift(server, now())
    }

    /// What is done with `server` on this node now, and how much was sent.
    pub fn uses(&self, server: &ServerName, usage: Usage) {
        self.lock().uses(server, usage);
    }

    /// What there is to measure.
    pub fn figures(&self) -> Figures {
        let (partners, quarantined) = {
            let (book, now) = (self.lock(), now());
            let all = book.all();
            let quarantined = all.values().filter(|seen| seen.quarantine.until(now).is_some());
            (all.len() as u64, quarantined.count() as u64)
        };
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        Figures {
            partners,
            quarantined,
            greeted: read(&counters.greeted),
            refused: read(&counters.refused),
            too_fast: read(&counters.too_fast),
            slowed: read(&counters.slowed),
            quarantines: read(&counters.quarantines),
            reached: read(&counters.reached),
            failed: read(&counters.failed),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Book> {
        // The book is whole after every operation, so a panic elsewhere does not spoil it.
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
