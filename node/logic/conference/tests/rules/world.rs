//! Conferences in memory: what the rules see of them, and their effects carried out as the store does.

use plenary_access::{AdminRole, EventDraft, Moment, Notice, Outcome, Refusal, rules::Asker};
use plenary_conference::*;
use plenary_model::{Cid, Revision, Right, Rights, Timestamp, UserName};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    str::FromStr,
};

pub(crate) fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a good name")
}

/// Somebody whose groups allow to create conferences.
pub(crate) fn user(id: &str) -> Asker {
    Asker {
        user: Some(name(id)),
        admin: AdminRole::None,
        rights: Rights([Right::CreateConferences].into()),
    }
}

/// Somebody whose groups allow nothing.
pub(crate) fn powerless(id: &str, admin: AdminRole) -> Asker {
    Asker {
        admin,
        rights: Rights::default(),
        ..user(id)
    }
}

pub(crate) fn root() -> Asker {
    powerless("root", AdminRole::Full)
}

pub(crate) fn system() -> Asker {
    Asker { user: None, ..root() }
}

pub(crate) fn room(cid: &str) -> NewConference {
    NewConference {
        cid: name(cid),
        name: format!("Room {cid}"),
        description: String::new(),
        owner: None,
        access: Access::Internal,
    }
}

pub(crate) fn create(cid: &str) -> Change {
    Change::Create(room(cid))
}

pub(crate) fn update(cid: &str, patch: Patch) -> Change {
    Change::Update {
        cid: name(cid),
        expect: None,
        patch,
    }
}

pub(crate) fn rename(cid: &str, text: &str) -> Change {
    let patch = Patch {
        name: Some(text.into()),
        ..Patch::default()
    };
    update(cid, patch)
}

pub(crate) fn delete(cid: &str) -> Change {
    Change::Delete {
        cid: name(cid),
        expect: None,
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) conferences: BTreeMap<Cid, Conference>,
    pub(crate) accounts: BTreeSet<UserName>,
    pub(crate) events: Vec<EventDraft>,
    pub(crate) notices: Vec<Notice>,
    /// Counted beside those that are there.
    pub(crate) more: u64,
    pub(crate) more_owned: u64,
}

impl World {
    /// A server with the accounts `root`, `alice` and `bob`.
    pub(crate) fn new() -> Self {
        Self {
            accounts: ["root", "alice", "bob"].map(name).into(),
            ..Self::default()
        }
    }

    pub(crate) fn run(&mut self, asker: &Asker, change: &Change) -> Result<Outcome, Refusal> {
        self.now += 1;
        let at = Moment {
            now: Timestamp(self.now),
            revision: Revision(self.now),
        };
        let decision = decide_for(self, asker, at, change)?;
        Ok(self.carry_out(decision))
    }

    pub(crate) fn carry_out(&mut self, decision: Decision) -> Outcome {
        for effect in decision.effects {
            match effect {
                Effect::Put(conference) => {
                    self.conferences.insert(conference.cid.clone(), conference);
                }
                Effect::Remove(cid) => {
                    self.conferences.remove(&cid);
                }
            }
        }
        self.events.extend(decision.events);
        self.notices.extend(decision.notices);
        decision.outcome
    }

    #[track_caller]
    pub(crate) fn refuses(&mut self, asker: &Asker, change: &Change) -> Refusal {
        let before = self.conferences.clone();
        let refusal = self.run(asker, change).expect_err("must be refused");
        assert_eq!(self.conferences, before);
        refusal
    }

    pub(crate) fn room(&self, cid: &str) -> &Conference {
        self.conferences.get(&name::<Cid>(cid)).expect("there")
    }
}

impl View for World {
    fn conference(&self, cid: &Cid) -> Option<Conference> {
        self.conferences.get(cid).cloned()
    }
    fn conferences(&self) -> u64 {
        self.conferences.len() as u64 + self.more
    }
    fn owned(&self, owner: &UserName) -> u64 {
        self.owned_by(owner).len() as u64 + self.more_owned
    }
    fn owned_by(&self, owner: &UserName) -> Vec<Conference> {
        let all = self.conferences.values();
        all.filter(|conference| conference.owner == *owner)
            .cloned()
            .collect()
    }
    fn is_account(&self, user: &UserName) -> bool {
        self.accounts.contains(user)
    }
}
