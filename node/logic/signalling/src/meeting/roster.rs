//! What clients were told of a roster, and what is new.

use super::{Participant, ParticipantId, Roster};
use std::collections::BTreeMap;

/// The roster as it was told last to all of a meeting on this node.
#[derive(Debug, Default)]
pub struct Known(BTreeMap<ParticipantId, Participant>);

impl Known {
    /// Takes the roster as it is now; gives what is to be told, if anything.
    pub fn update(&mut self, now: Vec<Participant>) -> Option<Roster> {
        let now: BTreeMap<_, _> = now.into_iter().map(|one| (one.id, one)).collect();
        let changed = now.values().filter(|one| self.0.get(&one.id) != Some(one));
        let gone = self.0.keys().filter(|id| !now.contains_key(id));
        let roster = Roster {
            participants: changed.cloned().collect(),
            gone: gone.copied().collect(),
        };
        self.0 = now;
        (roster != Roster::default()).then_some(roster)
    }

    /// Somebody as they were told last.
    pub fn get(&self, id: ParticipantId) -> Option<&Participant> {
        self.0.get(&id)
    }

    pub fn contains(&self, id: ParticipantId) -> bool {
        self.0.contains_key(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Role, Via},
        *,
    };

    fn person(id: u64, muted: bool) -> Participant {
        Participant {
            id: ParticipantId(id),
            name: format!("Person {id}"),
            user: None,
            guest: true,
            via: Via::Browser,
            node: "node-1".into(),
            muted,
            camera: false,
            content: false,
            hand: None,
            reaction: None,
            joined_at: 0,
            away: false,
            role: Role::default(),
            waiting: false,
            podium: None,
            pinned: false,
            remark: false,
            hushed: false,
            dimmed: false,
            asked: None,
        }
    }

    #[test]
    fn only_what_changed_is_told() {
        let mut known = Known::default();
        let all = vec![person(1, false), person(2, false)];
        let told = known.update(all.clone()).expect("two are new");
        assert_eq!((told.participants.len(), told.gone.len()), (2, 0));
        assert_eq!(known.update(all), None);
        let told = known
            .update(vec![person(2, true), person(3, false)])
            .expect("news");
        assert_eq!(told.participants, [person(2, true), person(3, false)]);
        assert_eq!(told.gone, [ParticipantId(1)]);
    }
}
