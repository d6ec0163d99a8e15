//! What operators see of the gates of conferences: whom this node asked the rules to let in, and who was not.
//!
//! No conference, person or address is in it: each label is one of a few words, whatever strangers send.

use crate::server::Server;
use plenary_access::{Outcome, Refusal};
use plenary_conference::{Change, Command, Person, Via};
use plenary_rest_api::backend::{Applied, WriteError};
use plenary_telemetry::{
    Metrics,
    prometheus::metrics::{counter::Counter, family::Family, gauge::Gauge},
};
use std::sync::atomic::AtomicI64;

/// The codes of the rules ([`plenary_conference::KeptOut::code`]) that are counted each by itself; any other is `other`.
const REASONS: [&str; 26] = [
    "answered-elsewhere",
    "devices-full",
    "forbidden",
    "guests-full",
    "link-not-valid",
    "locked",
    "not-begun",
    "network-full",
    "not-registered",
    "partner-full",
    "pin-needed",
    "registration-closed",
    "registration-full",
    "registration-not-open",
    "removed",
    "removed-from-meeting",
    "server-full",
    "too-many-pins",
    "uninvited",
    "waiting",
    "way-closed",
    "wrong-pin",
    "zone-guests",
    "zone-method",
    "zone-off",
    "zone-right",
];

type Labels = [(&'static str, &'static str); 2];

/// Counted since this node began.
#[derive(Debug, Default)]
pub(crate) struct GateFigures {
    refusals: Family<Labels, Counter>,
    waiting: Gauge<i64, AtomicI64>,
}

impl GateFigures {
    pub(crate) fn register(&self, metrics: &Metrics) {
        metrics.register(|registry| {
            registry.register(
                "gate_refusals",
                "Who was not let into a conference, by the way and the reason",
                self.refusals.clone(),
            );
            registry.register(
                "gate_waiting",
                "People of this node who wait to be let in",
                self.waiting.clone(),
            );
        });
    }

    /// How many people wait who came by this node.
    pub(crate) fn wait(&self, many: usize) {
        self.waiting.set(i64::try_from(many).unwrap_or(i64::MAX));
    }

    fn count(&self, way: &'static str, reason: &'static str) {
        self.refusals
            .get_or_create(&[("way", way), ("reason", reason)])
            .inc();
    }
}

/// Proposes, and counts who is not let in by it.
pub(crate) async fn propose(server: &Server, command: Command) -> Result<Applied, WriteError> {
    let way = way_of(&command.change);
    server.all_know(command.change.level())?;
    let is_widened = matches!(command.change, Change::Widen { .. });
    let answer = if is_widened && server.lessee.needs().is_some() {
        server.widen(command).await
    } else {
        server.propose_command(&command).await
    };
    let reason = match &answer {
        Ok(applied) => kept_out(&applied.outcome),
        Err(WriteError::Refused(why)) => refused(why),
        Err(_) => None,
    };
    if let (Some(way), Some(reason)) = (way, reason) {
        server.gate.count(way, reason);
    }
    answer
}

/// By which way somebody wants to come in; `None` for all other changes.
fn way_of(change: &Change) -> Option<&'static str> {
    match change {
        Change::Enter { via: Via::Whip, .. } => Some("publish"),
        Change::Enter { person, .. } => Some(match person {
            Person::Account(_) => "browser",
            Person::Guest(_) => "guest",
            Person::Federated(_) => "partner",
        }),
        Change::Watch { .. } => Some("watch"),
        Change::GuestEnter { .. } => Some("guest"),
        Change::Register(_) => Some("register"),
        _ => None,
    }
}

fn kept_out(outcome: &Outcome) -> Option<&'static str> {
    match outcome {
        Outcome::KeptOut { code, .. } => Some(known(code)),
        _ => None,
    }
}

fn refused(why: &Refusal) -> Option<&'static str> {
    match why {
        Refusal::KeptOut { code, .. } => Some(known(code)),
        Refusal::Forbidden { .. } => Some("forbidden"),
        Refusal::Full(_) => Some("full"),
        _ => None,
    }
}

fn known(code: &str) -> &'static str {
    let found = REASONS.iter().find(|reason| **reason == code);
    found.copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_conference::KeptOut;

    #[test]
    fn each_reason_is_counted_by_a_word_of_its_own_and_strange_ones_by_one() {
        let told = [
            (KeptOut::Locked, "locked"),
            (KeptOut::WrongPin { left: 3 }, "wrong-pin"),
            (KeptOut::TooManyPinsOfGuests { minutes: 2 }, "too-many-pins"),
            (KeptOut::WatcherRemoved, "removed"),
            (KeptOut::Guest, "forbidden"),
            (KeptOut::ZoneGuests, "zone-guests"),
            (KeptOut::GuestsFull, "guests-full"),
            (KeptOut::Full(50), "full"),
            (KeptOut::PartnerFull(5), "partner-full"),
        ];
        for (why, reason) in told {
            assert_eq!(refused(&why.into()), Some(reason), "{why:?}");
        }
        assert_eq!(known("guest-4711@192.0.2.7"), "other");
        assert_eq!(refused(&Refusal::Conflict("busy".into())), None);
        let wrong = KeptOut::WrongPin { left: 3 };
        let outcome = Outcome::KeptOut {
            code: wrong.code().into(),
            reason: wrong.to_string(),
            left: Some(3),
        };
        assert_eq!(kept_out(&outcome), Some("wrong-pin"));
    }

    #[test]
    fn refusals_and_who_waits_are_shown_without_names() {
        let metrics = Metrics::new("test", "1");
        let figures = GateFigures::default();
        figures.register(&metrics);
        figures.count("guest", "network-full");
        figures.count("guest", "network-full");
        figures.wait(3);
        let text = metrics.render().expect("renders");
        let line = "plenary_gate_refusals_total{way=\"guest\",reason=\"network-full\"} 2";
        assert!(text.contains(line), "{text}");
        assert!(text.contains("plenary_gate_waiting 3"), "{text}");
    }
}
