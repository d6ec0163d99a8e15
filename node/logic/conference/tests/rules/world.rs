//! Conferences in memory: what the rules see of them, and their effects carried out as the store does.

pub(crate) use crate::strangers::*;
use plenary_access::{
    AdminRole, DocumentHead, EventDraft, Moment, Notice, Outcome, Refusal, TokenHash, Topic, rules::Asker,
};
use plenary_conference::*;
use plenary_model::{Cid, GroupId, NodeId, Revision, Right, Rights, Timestamp, UserName};
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

pub(crate) fn say(cid: &str, id: u64, text: &str) -> Change {
    Change::Say {
        cid: name(cid),
        participant: ParticipantId(id),
        text: text.into(),
    }
}

#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct World {
    pub(crate) now: u64,
    pub(crate) level: u32,
    pub(crate) conferences: BTreeMap<Cid, Conference>,
    pub(crate) accounts: BTreeMap<UserName, Account>,
    pub(crate) starts: BTreeMap<NodeId, u64>,
    pub(crate) runs: BTreeMap<Cid, Run>,
    pub(crate) participants: BTreeMap<(Cid, ParticipantId), Participant>,
    pub(crate) lines: BTreeMap<(Cid, u64), Line>,
    pub(crate) guests: BTreeMap<GuestId, Guest>,
    pub(crate) registrants: BTreeMap<GuestId, Registrant>,
    pub(crate) attempts: BTreeMap<(Cid, String), Attempts>,
    pub(crate) operators: BTreeSet<UserName>,
    pub(crate) screenless: BTreeSet<Person>,
    pub(crate) calls: BTreeMap<Cid, Call>,
    pub(crate) past: BTreeMap<RunId, PastRun>,
    pub(crate) visits: BTreeMap<(RunId, ParticipantId, Timestamp), Visit>,
    pub(crate) templates: BTreeMap<TemplateId, Template>,
    pub(crate) online: BTreeSet<UserName>,
    /// By what they are called, and who is in them.
    pub(crate) groups: BTreeMap<GroupId, (UserName, BTreeSet<UserName>)>,
    /// What people without an account agree to.
    pub(crate) documents: Vec<DocumentHead>,
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
    pub(crate) more_registrants: u64,
    pub(crate) more_templates: u64,
}

/// What a refusal must leave as it is.
type Stored = (
    BTreeMap<Cid, Conference>,
    BTreeMap<Cid, Call>,
    BTreeMap<Cid, Run>,
    BTreeMap<(Cid, ParticipantId), Participant>,
    BTreeMap<(Cid, u64), Line>,
    BTreeMap<GuestId, Guest>,
    BTreeMap<GuestId, Registrant>,
    BTreeMap<TemplateId, Template>,
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
            }
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
            Effect::AddLine { line, forget_until } => {
                self.lines
                    .retain(|(of, id), _| *of != line.cid || *id > forget_until);
                self.lines.insert((line.cid.clone(), line.id), line);
            }
            Effect::RemoveLines(cid) => self.lines.retain(|(of, _), _| *of != cid),
            Effect::PutGuest(guest) => {
                self.guests.insert(guest.id.clone(), guest);
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
            Effect::ForgetGuests { until } => self.guests.retain(|_, guest| guest.expires_at > until),
            of_calls_and_history => self.put_history(of_calls_and_history),
        }
    }

    fn put_history(&mut self, effect: Effect) {
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
            other => unreachable!("{other:?} is carried out above"),
        }
    }

    fn rings(&self, which: impl Fn(&Call, &Ring) -> bool) -> Vec<Call> {
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
            self.lines.clone(),
            self.guests.clone(),
            self.registrants.clone(),
            self.templates.clone(),
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
            }
        }
        let mut decision = follow(self, self.at(), facts);
        tell_presence(self, None, &mut decision);
        settle_rings(self, self.at(), std::slice::from_mut(&mut decision));
        keep_history(self, self.at(), std::slice::from_mut(&mut decision));
        self.carry_out(decision);
    }

    pub(crate) fn room(&self, cid: &str) -> &Conference {
        self.conferences.get(&name::<Cid>(cid)).expect("there")
    }
}

impl View for World {
    fn conference(&self, cid: &Cid) -> Option<Conference> {
        self.conferences.get(cid).cloned()
    }
    fn conference_called(&self, id: &Cid) -> Option<Conference> {
        let mut all = self.conferences.values();
        all.find(|conference| conference.id() == id).cloned()
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
        self.accounts.contains_key(user)
    }
    fn is_called(&self, name: &Cid) -> bool {
        self.called.contains(name) || self.accounts.keys().any(|user| user.as_str() == name.as_str())
    }
    fn owners_choose_ids(&self) -> bool {
        !self.ids_by_administrators
    }
    fn unused_since(&self, before: Timestamp, scheduled: bool) -> Vec<Conference> {
        let all = self.conferences.values();
        let old = all.filter(|conference| {
            let run = self.runs.get(&conference.cid);
            let is_used =
                run.is_some_and(|run| run.is_on() || run.started_at >= before || run.left_at >= Some(before));
            !conference.call
                && conference.next.is_none()
                && conference.launch.schedule().is_some() == scheduled
                && conference.updated_at < before
                && !is_used
        });
        old.take(SWEEP).cloned().collect()
    }
    fn naming(&self, user: &UserName) -> Vec<Conference> {
        let all = self.conferences.values();
        all.filter(|conference| conference.settings.named().any(|named| named == user))
            .cloned()
            .collect()
    }
}

impl RegistrationView for World {
    fn registrant(&self, id: &GuestId) -> Option<Registrant> {
        self.registrants.get(id).cloned()
    }
    fn registrants_in(&self, cid: &Cid) -> u64 {
        let all = self.registrants.values();
        all.filter(|one| one.cid == *cid).count() as u64 + self.more_registrants
    }
    fn registrants_from(&self, cid: &Cid, source: &str) -> u64 {
        let all = self.registrants.values();
        all.filter(|one| one.cid == *cid && one.source.as_deref() == Some(source))
            .count() as u64
            + self.more_registrants
    }
    fn registrants(&self) -> u64 {
        self.registrants.len() as u64 + self.more_registrants
    }
    fn documents(&self) -> Vec<DocumentHead> {
        self.documents.clone()
    }
}

impl TemplateView for World {
    fn template(&self, id: TemplateId) -> Option<Template> {
        self.templates.get(&id).cloned()
    }
    fn templates(&self) -> u64 {
        self.templates.len() as u64 + self.more_templates
    }
    fn templates_of(&self, owner: &UserName) -> Vec<Template> {
        let all = self.templates.values();
        all.filter(|template| template.owner == *owner).cloned().collect()
    }
    fn templates_naming(&self, user: &UserName) -> Vec<Template> {
        let all = self.templates.values();
        all.filter(|template| template.settings.named().any(|named| named == user))
            .cloned()
            .collect()
    }
}

impl MeetingView for World {
    fn account(&self, user: &UserName) -> Option<Account> {
        self.accounts.get(user).cloned()
    }
    fn start_of(&self, node: NodeId) -> Option<u64> {
        self.starts.get(&node).copied()
    }
    fn run_of(&self, cid: &Cid) -> Option<Run> {
        self.runs.get(cid).cloned()
    }
    fn participant(&self, cid: &Cid, id: ParticipantId) -> Option<Participant> {
        self.participants.get(&(cid.clone(), id)).cloned()
    }
    fn places(&self, cid: &Cid, person: &Person) -> Vec<Participant> {
        let all = self.participants.values();
        all.filter(|place| place.cid == *cid && place.person == *person)
            .cloned()
            .collect()
    }
    fn places_of(&self, person: &Person) -> Vec<(Cid, ParticipantId)> {
        let all = self.participants.iter();
        all.filter(|(_, place)| place.person == *person)
            .map(|(key, _)| key.clone())
            .collect()
    }
    fn is_operator(&self, user: &UserName) -> bool {
        self.operators.contains(user)
    }
    fn may_share(&self, person: &Person) -> bool {
        !self.screenless.contains(person)
    }
    fn guest_places(&self) -> Vec<(Cid, ParticipantId)> {
        let guests = self.guests.keys().map(|id| Person::Guest(id.clone()));
        let mut places: Vec<_> = guests.flat_map(|guest| self.places_of(&guest)).collect();
        places.sort();
        places
    }
    fn federated_places(&self) -> Vec<(Cid, ParticipantId)> {
        let all = self.participants.iter();
        all.filter(|(_, place)| matches!(place.person, Person::Federated(_)))
            .map(|(key, _)| key.clone())
            .collect()
    }
    fn everybody(&self, cid: &Cid) -> Vec<Participant> {
        let all = self.participants.values();
        all.filter(|place| place.cid == *cid).cloned().collect()
    }
    fn accounts_in(&self, cid: &Cid) -> Vec<UserName> {
        let all: BTreeSet<UserName> = self
            .everybody(cid)
            .into_iter()
            .filter_map(|place| match place.person {
                Person::Account(user) => Some(user),
                Person::Guest(_) | Person::Federated(_) => None,
            })
            .collect();
        all.into_iter().collect()
    }
    fn podium_of(&self, cid: &Cid) -> Vec<Participant> {
        let mut all = self.everybody(cid);
        all.retain(|place| place.standing.podium.is_some());
        all
    }
    fn runs_to_end(&self, now: Timestamp) -> Vec<Run> {
        let due = self
            .runs
            .values()
            .filter(|run| run.ends_at().is_some_and(|at| at <= now));
        due.take(SWEEP).cloned().collect()
    }
    fn attempts(&self, cid: &Cid, source: &str) -> Attempts {
        let key = (cid.clone(), source.to_owned());
        self.attempts.get(&key).copied().unwrap_or_default()
    }
    fn has_attempts_before(&self, until: Timestamp) -> bool {
        self.attempts.values().any(|of| of.last_at < until)
    }
    fn places_of_guests(&self, cid: &Cid) -> Vec<ParticipantId> {
        let all = self.participants.values();
        all.filter(|place| place.cid == *cid && matches!(place.person, Person::Guest(_)))
            .map(|place| place.id)
            .collect()
    }
    fn open_run(&self, cid: &Cid) -> Option<PastRun> {
        let mut all = self.past.values();
        all.find(|run| run.cid == *cid && run.ended.is_none()).cloned()
    }
    fn last_run(&self) -> RunId {
        self.past.keys().max().copied().unwrap_or(RunId(0))
    }
    fn call(&self, cid: &Cid) -> Option<Call> {
        self.calls.get(cid).cloned()
    }
    fn open_call_of(&self, user: &UserName) -> Option<Call> {
        let mut open = self
            .calls
            .values()
            .filter(|call| call.is_open() && call.ring.is_none() && call.concerns(user));
        let first = open.next().cloned();
        assert!(open.next().is_none(), "nobody has several calls at once");
        first
    }
    fn rang_since(&self, until: Timestamp) -> Vec<Call> {
        let rings = self
            .calls
            .values()
            .filter(|call| call.rings() && call.began_at < until);
        rings.take(SWEEP).cloned().collect()
    }
    fn callable_group(&self, id: &GroupId) -> Option<(UserName, String)> {
        let (call_id, _) = self.groups.get(id)?;
        Some((call_id.clone(), format!("Group {id}")))
    }
    fn members_there(&self, id: &GroupId) -> Vec<UserName> {
        let members = self.groups.get(id).map(|(_, members)| members.clone());
        let is_there = |user: &UserName| {
            let active = self.accounts.get(user).is_some_and(|account| account.active);
            active && self.online.contains(user)
        };
        members.unwrap_or_default().into_iter().filter(is_there).collect()
    }
    fn rings_into(&self, cid: &Cid) -> Vec<Call> {
        let mut rings = self.rings(|call, ring| call.is_open() && ring.cid == *cid);
        rings.sort_by(|one, other| one.callee.cmp(&other.callee));
        rings
    }
    fn rings_of(&self, cid: &Cid, user: &UserName, since: Timestamp) -> Vec<Call> {
        let mut rings =
            self.rings(|call, ring| ring.cid == *cid && call.callee == *user && call.began_at >= since);
        rings.sort_by_key(|call| std::cmp::Reverse((call.began_at, call.cid.clone())));
        rings.truncate(plenary_model::limits::RINGS_PER_RUN);
        rings
    }
    fn rings_at(&self, user: &UserName) -> usize {
        self.rings(|call, _| call.is_open() && call.callee == *user).len()
    }
    fn rings_by(&self, caller: &UserName) -> Vec<Call> {
        self.rings(|call, _| call.is_open() && call.caller == *caller)
    }
    fn is_online(&self, user: &UserName) -> bool {
        self.online.contains(user)
    }
    fn rooms_on_other_starts(&self, node: NodeId, start: u64) -> Vec<Cid> {
        let all = self.participants.values();
        let mut rooms: Vec<Cid> = all
            .filter(|place| place.node == node && place.epoch != start && !place.away)
            .map(|place| place.cid.clone())
            .collect();
        rooms.dedup();
        rooms
    }
    fn away_before(&self, until: Timestamp) -> Vec<(Cid, ParticipantId)> {
        let all = self.participants.iter();
        let mut found: Vec<_> = all
            .filter_map(|(key, place)| Some((place.away_since?, key.clone())))
            .filter(|(since, _)| *since < until)
            .collect();
        found.sort();
        found.into_iter().map(|(_, key)| key).take(SWEEP).collect()
    }
    fn invited_before(&self, until: Timestamp) -> Vec<(Cid, ParticipantId)> {
        let mut all: Vec<_> = self
            .participants
            .values()
            .filter_map(|place| Some((place.standing.invitation?, place)))
            .filter(|(invitation, _)| invitation.is_open() && invitation.at < until)
            .map(|(invitation, place)| (invitation.at, place.cid.clone(), place.id))
            .collect();
        all.sort();
        all.into_iter().map(|(_, cid, id)| (cid, id)).collect()
    }
    fn guest(&self, id: &GuestId) -> Option<Guest> {
        self.guests.get(id).cloned()
    }
    fn guest_with(&self, token: &TokenHash) -> Option<Guest> {
        self.guests.values().find(|guest| guest.token == *token).cloned()
    }
    fn guests_in(&self, cid: &Cid, now: Timestamp) -> u64 {
        let all = self.guests.values();
        all.filter(|guest| guest.cid == *cid && guest.expires_at > now)
            .count() as u64
    }
    fn guests(&self, now: Timestamp) -> u64 {
        let valid = self.guests.values().filter(|guest| guest.expires_at > now);
        valid.count() as u64 + self.more_guests
    }
    fn has_expired_guests(&self, now: Timestamp) -> bool {
        self.guests.values().any(|guest| guest.expires_at <= now)
    }
}
