//! Conferences in memory: what the rules see of them, and their effects carried out as the store does.

pub(crate) use crate::strangers::*;
use plenary_access::{
    AdminRole, DocumentHead, EventDraft, Moment, Notice, Outcome, PartnerTerms, Refusal, TokenHash, Topic,
    rules::Asker,
};
use plenary_conference::*;
use plenary_model::{Cid, GroupId, NodeId, Revision, Right, Rights, ServerName, Timestamp, UserId, UserName};
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Debug,
    str::FromStr,
};

pub(crate) fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a good name")
}

/// Somebody whose groups allow to create conferences and to make calls.
pub(crate) fn user(id: &str) -> Asker {
    Asker {
        user: Some(name(id)),
        admin: AdminRole::None,
        rights: Rights([Right::CreateConferences, Right::MakeCalls].into()),
        withheld: Rights::default(),
        from: None,
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
        or_else: None,
        name: format!("Room {cid}"),
        description: String::new(),
        owner: None,
        access: Access::Internal,
        settings: SettingsPatch::default(),
        plan: None,
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

pub(crate) fn secret(number: u64) -> SecretHash {
    let mut hash = [0; 32];
    hash[..8].copy_from_slice(&number.to_be_bytes());
    SecretHash(hash)
}

pub(crate) fn token(number: u64) -> TokenHash {
    TokenHash(secret(number).0)
}

pub(crate) fn account(id: &str) -> Person {
    Person::Account(name(id))
}

pub(crate) fn guest_id(number: u8) -> GuestId {
    GuestId::of_random([number; 16])
}

/// `person` enters with the ID `id`, whose secret is its number, on node 1.
pub(crate) fn enter(cid: &str, id: u64, person: Person) -> Change {
    Change::Enter {
        cid: name(cid),
        participant: ParticipantId(id),
        person,
        name: None,
        via: Via::Browser,
        node: NodeId(1),
        epoch: 11,
        secret: secret(id),
        muted: false,
        camera: true,
        pin: None,
        screenless_at_home: false,
    }
}

/// The place is taken up on node 2.
pub(crate) fn resume(cid: &str, id: u64, hash: SecretHash) -> Change {
    Change::Resume {
        cid: name(cid),
        participant: ParticipantId(id),
        secret: hash,
        node: NodeId(2),
        epoch: 12,
    }
}

pub(crate) fn leave(cid: &str, id: u64, moves: u64) -> Change {
    Change::Leave {
        cid: name(cid),
        participant: ParticipantId(id),
        moves,
    }
}

pub(crate) fn set(cid: &str, id: u64, moves: u64, patch: StatePatch) -> Change {
    Change::Set {
        cid: name(cid),
        participant: ParticipantId(id),
        moves,
        patch,
    }
}

pub(crate) fn hand(up: bool) -> StatePatch {
    StatePatch {
        hand: Some(up),
        ..StatePatch::default()
    }
}

pub(crate) fn content(shown: bool) -> StatePatch {
    StatePatch {
        content: Some(shown),
        ..StatePatch::default()
    }
}

pub(crate) fn say(cid: &str, id: u64, text: &str) -> Change {
    Change::Say {
        cid: name(cid),
        participant: ParticipantId(id),
        text: text.into(),
        reply_to: None,
        mentions: Vec::new(),
        key: None,
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) level: u32,
    /// The lowest that it was.
    pub(crate) oldest: u32,
    pub(crate) conferences: BTreeMap<Cid, Conference>,
    pub(crate) accounts: BTreeMap<UserName, Account>,
    pub(crate) starts: BTreeMap<NodeId, u64>,
    pub(crate) runs: BTreeMap<Cid, Run>,
    pub(crate) participants: BTreeMap<(Cid, ParticipantId), Participant>,
    pub(crate) watchers: BTreeMap<(Cid, ParticipantId), Watcher>,
    pub(crate) removed: BTreeMap<(Cid, ParticipantId), Removed>,
    pub(crate) lines: BTreeMap<(Cid, u64), Line>,
    pub(crate) guests: BTreeMap<GuestId, Guest>,
    pub(crate) registrants: BTreeMap<GuestId, Registrant>,
    pub(crate) attempts: BTreeMap<(Cid, String), Attempts>,
    pub(crate) operators: BTreeSet<UserName>,
    pub(crate) screenless: BTreeSet<Person>,
    /// Whose rights let them make no calls.
    pub(crate) callless: BTreeSet<UserName>,
    pub(crate) calls: BTreeMap<Cid, Call>,
    pub(crate) past: BTreeMap<RunId, PastRun>,
    pub(crate) visits: BTreeMap<(RunId, ParticipantId, Timestamp), Visit>,
    pub(crate) templates: BTreeMap<TemplateId, Template>,
    pub(crate) online: BTreeSet<UserName>,
    /// By what they are called, and who is in them.
    pub(crate) groups: BTreeMap<GroupId, (UserName, BTreeSet<UserName>)>,
    /// What people without an account agree to.
    pub(crate) documents: Vec<DocumentHead>,
    pub(crate) messages: BTreeMap<(Cid, UserId), Message>,
    pub(crate) told: BTreeMap<(ServerName, Cid, UserName), PartnerInvitation>,
    pub(crate) more_messages: u64,
    pub(crate) more_told: u64,
    pub(crate) events: Vec<EventDraft>,
    pub(crate) notices: Vec<Notice>,
    /// Counted beside those that are there.
    pub(crate) more: u64,
    pub(crate) more_owned: u64,
    /// Aliases.
    pub(crate) called: BTreeSet<Cid>,
    /// Owners do not choose IDs.
    pub(crate) ids_by_administrators: bool,
    pub(crate) more_guests: u64,
    pub(crate) more_stored_guests: u64,
    pub(crate) more_registrants: u64,
    pub(crate) more_templates: u64,
    pub(crate) terms: BTreeMap<ServerName, PartnerTerms>,
    /// The group "Federated users" may make no calls.
    pub(crate) federated_silent: bool,
    pub(crate) zones: plenary_access::Zones,
}

/// What a refusal must leave as it is.
type Stored = (
    BTreeMap<Cid, Conference>,
    BTreeMap<Cid, Call>,
    BTreeMap<Cid, Run>,
    BTreeMap<(Cid, ParticipantId), Participant>,
    BTreeMap<(Cid, ParticipantId), Watcher>,
    BTreeMap<(Cid, ParticipantId), Removed>,
    BTreeMap<(Cid, u64), Line>,
    BTreeMap<GuestId, Guest>,
    BTreeMap<GuestId, Registrant>,
    BTreeMap<TemplateId, Template>,
    BTreeMap<(Cid, UserId), Message>,
);

impl World {
    /// A server with the accounts `root`, `alice` and `bob`, and the nodes 1 and 2 that run with the starts 11 and 12.
    pub(crate) fn new() -> Self {
        let account = |id: &str| {
            let account = Account {
                active: true,
                display_name: id.to_uppercase(),
            };
            (name(id), account)
        };
        Self {
            level: NEWEST_LEVEL,
            oldest: NEWEST_LEVEL,
            online: ["alice", "bob"].map(name).into(),
            accounts: ["root", "alice", "bob"].map(account).into(),
            starts: [(NodeId(1), 11), (NodeId(2), 12)].into(),
            ..Self::default()
        }
    }

    /// The same, with the public room `open` and the internal room `inside` of `alice`.
    pub(crate) fn with_rooms() -> Self {
        let mut world = Self::new();
        for (cid, access) in [("open", Access::Public), ("inside", Access::Internal)] {
            let new = NewConference { access, ..room(cid) };
            world.run(&user("alice"), &Change::Create(new)).expect("good");
        }
        world.events.clear();
        world.notices.clear();
        world
    }

    /// Does what the server itself does.
    #[track_caller]
    pub(crate) fn ok(&mut self, change: &Change) -> Outcome {
        self.run(&system(), change).expect("not refused")
    }

    #[track_caller]
    pub(crate) fn refused(&mut self, change: &Change) -> String {
        self.refuses(&system(), change).code().to_owned()
    }

    /// A participant who is there.
    #[track_caller]
    pub(crate) fn place(&self, cid: &str, id: u64) -> &Participant {
        let key = (name(cid), ParticipantId(id));
        self.participants.get(&key).expect("there")
    }

    /// IDs of those who are in a room.
    pub(crate) fn inside(&self, cid: &str) -> Vec<u64> {
        let all = self.participants.values();
        all.filter(|place| place.cid == name(cid))
            .map(|place| place.id.0)
            .collect()
    }

    /// Texts of the chat of a room.
    pub(crate) fn chat(&self, cid: &str) -> Vec<(u64, &str)> {
        let all = self.lines.values().filter(|line| line.cid == name(cid));
        all.map(|line| (line.id, line.text.as_str())).collect()
    }

    /// Rooms of which was told that somebody or something there has changed.
    pub(crate) fn told(&mut self) -> Vec<String> {
        let told = std::mem::take(&mut self.notices).into_iter();
        told.filter(|notice| notice.topic == Topic::Meetings)
            .map(|notice| notice.object)
            .collect()
    }

    pub(crate) fn at(&self) -> Moment {
        Moment {
            now: Timestamp(self.now),
            revision: Revision(self.now),
            level: self.level,
        }
    }

    pub(crate) fn run(&mut self, asker: &Asker, change: &Change) -> Result<Outcome, Refusal> {
        self.now += 1;
        let mut decision = decide_for(self, asker, self.at(), change)?;
        tell_presence(self, Some(change), &mut decision);
        settle_rings(self, self.at(), std::slice::from_mut(&mut decision));
        keep_history(self, self.at(), std::slice::from_mut(&mut decision));
        tell_partners(self, self.at(), std::slice::from_mut(&mut decision));
        Ok(self.carry_out(decision))
    }

    pub(crate) fn carry_out(&mut self, decision: Decision) -> Outcome {
        for effect in decision.effects {
            self.put(effect);
        }
        self.events.extend(decision.events);
        self.notices.extend(decision.notices);
        decision.outcome
    }

    fn put(&mut self, effect: Effect) {
        match effect {
            Effect::Put(conference) => {
                self.conferences.insert(conference.cid.clone(), conference);
            }
            Effect::Remove(cid) => {
                self.conferences.remove(&cid);
                self.runs.remove(&cid);
                self.participants.retain(|(of, _), _| *of != cid);
                self.lines.retain(|(of, _), _| *of != cid);
                self.guests.retain(|_, guest| guest.cid != cid);
                self.registrants.retain(|_, one| one.cid != cid);
                self.attempts.retain(|(of, _), _| *of != cid);
                self.watchers.retain(|(of, _), _| *of != cid);
                self.removed.retain(|(of, _), _| *of != cid);
            }
            Effect::PutWatcher(watcher) => {
                let key = (watcher.cid.clone(), watcher.id);
                self.watchers.insert(key, watcher);
            }
            Effect::RemoveWatcher { cid, id } => drop(self.watchers.remove(&(cid, id))),
            Effect::EndWatching { node, but } => self
                .watchers
                .retain(|_, one| !one.watches() || one.node != node || one.epoch == but),
            Effect::ForgetRemoved(cid) => {
                self.watchers.retain(|_, one| one.watches() || one.cid != cid);
                self.removed.retain(|(of, _), _| *of != cid);
            }
            Effect::PutRemoved(one) => drop(self.removed.insert((one.cid.clone(), one.id), one)),
            Effect::LetBack { cid, id } => drop(self.removed.remove(&(cid, id))),
            Effect::PutRun(run) => {
                self.runs.insert(run.cid.clone(), run);
            }
            Effect::PutParticipant(participant) => {
                let key = (participant.cid.clone(), participant.id);
                self.participants.insert(key, participant);
            }
            Effect::RemoveParticipant { cid, id } => {
                let removed = self.participants.remove(&(cid, id));
                assert!(removed.is_some(), "only who is there is removed");
            }
            Effect::RemoveAll(cid) => self.participants.retain(|(of, _), _| *of != cid),
            Effect::PutAttempts {
                cid,
                source,
                attempts,
            } => {
                if attempts.count == 0 {
                    self.attempts.remove(&(cid, source));
                } else {
                    self.attempts.insert((cid, source), attempts);
                }
            }
            Effect::ForgetAttempts { until } => self.attempts.retain(|_, of| of.last_at >= until),
            Effect::MarkAway { node, but, since } => {
                let on = self.participants.values_mut();
                for place in on.filter(|place| place.node == node && place.epoch != but && !place.away) {
                    place.away = true;
                    place.away_since = Some(since);
                }
            }
            Effect::PutGuest(guest) => {
                self.guests.insert(guest.id.clone(), guest);
            }
            Effect::RemoveGuest(id) => {
                let removed = self.guests.remove(&id);
                assert!(removed.is_some(), "only who is there is forgotten");
            }
            Effect::PutRegistrant(registrant) => {
                self.registrants.insert(registrant.id.clone(), registrant);
            }
            Effect::RemoveRegistrant(id) => {
                self.registrants.remove(&id);
                self.guests.remove(&id);
            }
            Effect::PutTemplate(template) => {
                self.templates.insert(template.id, template);
            }
            Effect::RemoveTemplate(id) => {
                let removed = self.templates.remove(&id);
                assert!(removed.is_some(), "only what is there is removed");
            }
            Effect::RemoveGuests(cid) => self.guests.retain(|_, guest| guest.cid != cid),
            Effect::ForgetGuests { until } => self.guests.retain(|_, guest| guest.forget_at() > until),
            of_others => self.put_line(of_others),
        }
    }

    pub(crate) fn put_history(&mut self, effect: Effect) {
        match effect {
            Effect::PutCall(call) => {
                self.calls.insert(call.cid.clone(), call);
            }
            Effect::ForgetCalls { caller, but } => {
                let own = self.calls.values().filter(|call| call.ring.is_none());
                let mut own: Vec<_> = own.filter(|call| call.caller == caller).collect();
                own.sort_by_key(|call| std::cmp::Reverse(call.began_at));
                let old: Vec<Cid> = own
                    .iter()
                    .skip(but as usize)
                    .map(|call| call.cid.clone())
                    .collect();
                self.calls.retain(|cid, _| !old.contains(cid));
            }
            Effect::RemoveCall(cid) => drop(self.calls.remove(&cid)),
            Effect::ForgetRings { callee, but } => {
                let own = self.calls.values().filter(|call| call.ring.is_some());
                let mut own: Vec<_> = own.filter(|call| call.callee == callee).collect();
                own.sort_by_key(|call| std::cmp::Reverse(call.began_at));
                let old: Vec<Cid> = own
                    .iter()
                    .skip(but as usize)
                    .map(|call| call.cid.clone())
                    .collect();
                self.calls.retain(|cid, _| !old.contains(cid));
            }
            Effect::ForgetAway { callee, but } => {
                let own = self.calls.values();
                let mut own: Vec<_> = own
                    .filter(|call| call.is_from_away() && call.callee == callee)
                    .collect();
                own.sort_by_key(|call| std::cmp::Reverse(call.began_at));
                let old: Vec<Cid> = own
                    .iter()
                    .skip(but as usize)
                    .map(|call| call.cid.clone())
                    .collect();
                self.calls.retain(|cid, _| !old.contains(cid));
            }
            Effect::RemoveCalls(user) => self.calls.retain(|_, call| !call.concerns(&user)),
            Effect::PutPastRun(run) => {
                self.past.insert(run.id, run);
            }
            Effect::PutVisit(visit) => {
                let key = (visit.run, visit.participant, visit.came_at);
                self.visits.insert(key, visit);
            }
            Effect::EndVisits { run, participant, at } => {
                let of = self.visits.values_mut().filter(|visit| visit.run == run);
                let of = of.filter(|visit| participant.is_none_or(|id| id == visit.participant));
                for visit in of.filter(|visit| visit.left_at.is_none()) {
                    visit.left_at = Some(at.max(visit.came_at));
                }
            }
            Effect::ForgetVisitor(user) => {
                for visit in self.visits.values_mut() {
                    if visit.person == Some(Person::Account(user.clone())) {
                        visit.person = None;
                    }
                }
            }
            Effect::ForgetHistory { runs, calls, .. } => {
                self.past
                    .retain(|_, run| run.ended.is_none_or(|ended| ended.at >= runs));
                let past = &self.past;
                self.visits.retain(|(run, ..), _| past.contains_key(run));
                self.calls
                    .retain(|_, call| call.is_open() || call.began_at >= calls);
            }
            Effect::PutMessage(message) => {
                let key = (message.cid.clone(), message.user.clone());
                self.messages.insert(key, message);
            }
            Effect::RemoveMessage { cid, user } => {
                let removed = self.messages.remove(&(cid, user));
                assert!(removed.is_some(), "only what waits is removed");
            }
            Effect::PutPartnerInvitation(one) => {
                let key = (one.server.clone(), one.cid.clone(), one.user.clone());
                self.told.insert(key, one);
            }
            Effect::ForgetPartnerInvitations { until } => {
                self.told
                    .retain(|_, one| one.forget_at().is_none_or(|at| at > until));
            }
            other => unreachable!("{other:?} is carried out above"),
        }
    }

    pub(crate) fn rings(&self, which: impl Fn(&Call, &Ring) -> bool) -> Vec<Call> {
        let all = self.calls.values();
        let found = all.filter(|call| call.ring.as_ref().is_some_and(|ring| which(call, ring)));
        found.cloned().collect()
    }

    fn stored(&self) -> Stored {
        (
            self.conferences.clone(),
            self.calls.clone(),
            self.runs.clone(),
            self.participants.clone(),
            self.watchers.clone(),
            self.removed.clone(),
            self.lines.clone(),
            self.guests.clone(),
            self.registrants.clone(),
            self.templates.clone(),
            self.messages.clone(),
        )
    }

    #[track_caller]
    pub(crate) fn refuses(&mut self, asker: &Asker, change: &Change) -> Refusal {
        let before = self.stored();
        let refusal = self.run(asker, change).expect_err("must be refused");
        assert!(self.stored() == before, "a refusal changes nothing");
        refusal
    }

    /// What another part of the server has decided.
    pub(crate) fn follow(&mut self, facts: &[Fact<'_>]) {
        self.now += 1;
        for fact in facts {
            match fact {
                Fact::AccountRemoved(user) => {
                    self.accounts.remove(*user);
                }
                Fact::AccountDisabled(user) => {
                    self.accounts.get_mut(*user).expect("there").active = false;
                }
                Fact::NodeStands { node, start } => {
                    self.starts.insert(*node, *start);
                }
                Fact::SeatLost(_)
                | Fact::GuestSeatLost(_)
                | Fact::Rights(..)
                | Fact::GuestsShare(_)
                | Fact::FederatedShare(_) => {}
                Fact::Zones(zones) => self.zones.clone_from(zones),
                Fact::Terms(server, terms) => {
                    self.terms.insert((*server).clone(), (*terms).clone());
                }
            }
        }
        let mut decision = follow(self, self.at(), facts);
        tell_presence(self, None, &mut decision);
        settle_rings(self, self.at(), std::slice::from_mut(&mut decision));
        keep_history(self, self.at(), std::slice::from_mut(&mut decision));
        tell_partners(self, self.at(), std::slice::from_mut(&mut decision));
        self.carry_out(decision);
    }

    pub(crate) fn room(&self, cid: &str) -> &Conference {
        self.conferences.get(&name::<Cid>(cid)).expect("there")
    }
}
