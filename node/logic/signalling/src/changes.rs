//! Changes and presence on their way to one client: not too often, and never more than can be looked at.

use crate::{ServerBody, Topic};
use plenary_access::Presence;
use plenary_model::UserName;
use std::collections::{BTreeMap, VecDeque};

/// Most `changed` for a topic in any [`SECOND_MS`].
const CHANGED_PER_SECOND: usize = 4;
const SECOND_MS: u64 = 1_000;
/// Presence is told in batches so far apart.
const PRESENCE_EVERY_MS: u64 = 250;
/// Most in a batch. When more have come or gone, loading the address book again is less work than being told.
/// With this and the limits above, ten seconds without an acknowledgement fit into what is kept.
const PRESENCE_BATCH: usize = 16;

/// What is to be told of one topic.
#[derive(Debug, Default)]
struct Pace {
    /// When the last ones were told, oldest first; at most [`CHANGED_PER_SECOND`].
    told_ms: VecDeque<u64>,
    waiting: Option<(String, u64)>,
}

impl Pace {
    fn due_ms(&self) -> Option<u64> {
        self.waiting.as_ref()?;
        let full = self.told_ms.len() >= CHANGED_PER_SECOND;
        let oldest = self.told_ms.front().filter(|_| full);
        Some(oldest.map_or(0, |at| at.saturating_add(SECOND_MS)))
    }
}

/// Merges and paces what one client hears.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    paces: BTreeMap<Topic, Pace>,
    presence: BTreeMap<UserName, Presence>,
    /// Of people of other servers, by name and server.
    partners: BTreeMap<String, Option<Presence>>,
    presence_told_ms: Option<u64>,
    /// So many came or went that only the whole address book says it.
    presence_flood: bool,
    /// The highest index seen.
    index: u64,
}

impl Changes {
    pub(crate) fn changed(&mut self, topic: Topic, object: String, index: u64) {
        self.index = self.index.max(index);
        let waiting = &mut self.paces.entry(topic).or_default().waiting;
        match waiting {
            Some((merged, newest)) => {
                if *merged != object {
                    merged.clear();
                }
                *newest = index.max(*newest);
            }
            None => *waiting = Some((object, index)),
        }
    }

    pub(crate) fn presence(&mut self, user: UserName, presence: Presence) {
        if self.presence_flood {
            return;
        }
        self.presence.insert(user, presence);
        self.hold_back();
    }

    pub(crate) fn partner_presence(&mut self, user: String, presence: Option<Presence>) {
        if self.presence_flood {
            return;
        }
        self.partners.insert(user, presence);
        self.hold_back();
    }

    fn hold_back(&mut self) {
        if self.presence.len() + self.partners.len() > PRESENCE_BATCH {
            self.presence.clear();
            self.partners.clear();
            self.presence_flood = true;
        }
    }

    /// Forgets what is about topics that are no longer watched.
    pub(crate) fn retain(&mut self, watched: impl Fn(Topic) -> bool) {
        for (topic, pace) in &mut self.paces {
            if !watched(*topic) {
                pace.waiting = None;
            }
        }
        if !watched(Topic::Contacts) {
            self.presence.clear();
            self.partners.clear();
            self.presence_flood = false;
        }
    }

    fn presence_due_ms(&self) -> Option<u64> {
        if self.presence.is_empty() && self.partners.is_empty() && !self.presence_flood {
            return None;
        }
        Some(
            self.presence_told_ms
                .map_or(0, |at| at.saturating_add(PRESENCE_EVERY_MS)),
        )
    }

    /// When there is something to tell.
    pub(crate) fn due_ms(&self) -> Option<u64> {
        let paces = self.paces.values().filter_map(Pace::due_ms);
        paces.chain(self.presence_due_ms()).min()
    }

    /// What is to be told now.
    pub(crate) fn take(&mut self, now_ms: u64) -> Vec<ServerBody> {
        let mut told = Vec::new();
        if self.presence_due_ms().is_some_and(|due| due <= now_ms) {
            self.presence_told_ms = Some(now_ms);
            let batch = std::mem::take(&mut self.presence);
            told.extend(
                batch
                    .into_iter()
                    .map(|(user, presence)| ServerBody::Presence { user, presence }),
            );
            let partners = std::mem::take(&mut self.partners).into_iter();
            told.extend(partners.map(|(user, presence)| ServerBody::PartnerPresence { user, presence }));
            if std::mem::take(&mut self.presence_flood) {
                self.changed(Topic::Contacts, String::new(), self.index);
            }
        }
        for (topic, pace) in &mut self.paces {
            if pace.due_ms().is_none_or(|due| due > now_ms) {
                continue;
            }
            if let Some((object, index)) = pace.waiting.take() {
                pace.told_ms.push_back(now_ms);
                if pace.told_ms.len() > CHANGED_PER_SECOND {
                    pace.told_ms.pop_front();
                }
                told.push(ServerBody::Changed {
                    topic: *topic,
                    object,
                    index,
                });
            }
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(changes: &mut Changes, now_ms: u64) -> Vec<(String, u64)> {
        let bodies = changes.take(now_ms).into_iter();
        let pairs = bodies.filter_map(|body| match body {
            ServerBody::Changed { object, index, .. } => Some((object, index)),
            _ => None,
        });
        pairs.collect()
    }

    #[test]
    fn four_changes_a_second_are_told_and_more_are_merged() {
        let mut changes = Changes::default();
        for n in 1..=6 {
            changes.changed(Topic::Users, format!("u{n}"), n);
            let expected = if n <= 4 {
                vec![(format!("u{n}"), n)]
            } else {
                vec![]
            };
            assert_eq!(told(&mut changes, n * 10), expected);
        }
        assert_eq!(changes.due_ms(), Some(1_010));
        assert_eq!(told(&mut changes, 1_009), []);
        assert_eq!(told(&mut changes, 1_010), [(String::new(), 6)]);
        assert_eq!(changes.due_ms(), None);
    }

    #[test]
    fn changes_of_one_object_keep_its_name_when_merged() {
        let mut changes = Changes::default();
        changes.changed(Topic::Users, "alice".into(), 4);
        changes.changed(Topic::Users, "alice".into(), 3);
        assert_eq!(told(&mut changes, 0), [("alice".into(), 4)]);
    }

    #[test]
    fn topics_do_not_wait_for_each_other() {
        let mut changes = Changes::default();
        for n in 0..9 {
            changes.changed(Topic::Users, n.to_string(), n);
            told(&mut changes, 0);
        }
        changes.changed(Topic::Groups, "g".into(), 10);
        assert_eq!(told(&mut changes, 1), [("g".into(), 10)]);
    }

    #[test]
    fn presence_is_told_in_batches_with_the_last_state_of_each() {
        let mut changes = Changes::default();
        let alice: UserName = "alice".parse().unwrap();
        changes.presence(alice.clone(), Presence::Online);
        assert_eq!(changes.take(0).len(), 1);
        changes.presence(alice.clone(), Presence::Offline);
        changes.presence(alice.clone(), Presence::Online);
        assert!(changes.take(249).is_empty());
        assert_eq!(changes.due_ms(), Some(250));
        assert_eq!(
            changes.take(250),
            [ServerBody::Presence {
                user: alice,
                presence: Presence::Online
            }]
        );
    }

    #[test]
    fn presence_of_people_of_other_servers_goes_the_same_way() {
        let mut changes = Changes::default();
        let demo = "demo2@oslo.example.net";
        changes.partner_presence(demo.into(), Some(Presence::Online));
        changes.partner_presence(demo.into(), None);
        assert_eq!(
            changes.take(0),
            [ServerBody::PartnerPresence {
                user: demo.into(),
                presence: None,
            }]
        );
        for n in 0..=PRESENCE_BATCH {
            changes.partner_presence(format!("u{n}@oslo.example.net"), Some(Presence::Online));
        }
        let told = changes.take(PRESENCE_EVERY_MS);
        assert!(
            matches!(
                told[..],
                [ServerBody::Changed {
                    topic: Topic::Contacts,
                    ..
                }]
            ),
            "{told:?}"
        );
    }

    #[test]
    fn a_flood_of_presence_asks_for_the_address_book_instead() {
        let mut changes = Changes::default();
        changes.changed(Topic::Users, "x".into(), 7);
        changes.take(0);
        for n in 0..100 {
            changes.presence(format!("user{n}").parse().unwrap(), Presence::Online);
        }
        let again = ServerBody::Changed {
            topic: Topic::Contacts,
            object: String::new(),
            index: 7,
        };
        assert_eq!(changes.take(0), [again]);
        assert_eq!(changes.due_ms(), None);
    }

    proptest! {
        #[test]
        fn never_more_than_four_in_a_second_and_the_last_index_is_always_told(
            steps in prop::collection::vec((0u64..400, 0u8..3), 1..100)
        ) {
            let mut changes = Changes::default();
            let (mut now, mut index, mut times, mut newest) = (0, 0, Vec::new(), 0);
            let mut take = |changes: &mut Changes, now| for (_, index) in told(changes, now) {
                times.push(now);
                newest = index;
            };
            for (pause, object) in steps {
                now += pause;
                index += 1;
                changes.changed(Topic::Events, object.to_string(), index);
                take(&mut changes, now);
            }
            if let Some(due) = changes.due_ms() {
                take(&mut changes, due.max(now));
            }
            prop_assert_eq!(newest, index);
            prop_assert_eq!(changes.due_ms(), None);
            for five in times.windows(5) {
                prop_assert!(five[4] - five[0] >= SECOND_MS, "{:?}", five);
            }
        }
    }
}
