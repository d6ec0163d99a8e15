//! What the rules see of conferences in memory.

use crate::world::*;
use plenary_access::{DocumentHead, PartnerTerms, TokenHash};
use plenary_conference::*;
use plenary_model::{Cid, GroupId, NodeId, ServerName, Timestamp, UserId, UserName};
use std::collections::BTreeSet;

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
    fn is_group_called(&self, name: &Cid) -> bool {
        let mut called = self.groups.values();
        called.any(|(call_id, _)| call_id.as_str() == name.as_str())
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
        all.filter(|conference| is_named(&conference.settings, user))
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
        all.filter(|template| is_named(&template.settings, user))
            .cloned()
            .collect()
    }
}

impl MeetingView for World {
    fn account(&self, user: &UserName) -> Option<Account> {
        self.accounts.get(user).cloned()
    }
    fn line(&self, cid: &Cid, id: u64) -> Option<Line> {
        self.lines.get(&(cid.clone(), id)).cloned()
    }
    fn line_by_key(&self, cid: &Cid, person: &Person, key: &str) -> Option<Line> {
        let mut of = self.lines.values().filter(|line| line.cid == *cid);
        let is_it =
            |line: &&Line| line.key.as_deref() == Some(key) && line.details.person.as_ref() == Some(person);
        of.find(is_it).cloned()
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
    fn may_call(&self, user: &UserName) -> bool {
        !self.callless.contains(user)
    }
    fn may_share(&self, person: &Person) -> bool {
        !self.screenless.contains(person)
    }
    fn zones(&self) -> plenary_access::Zones {
        self.zones.clone()
    }
    fn account_places(&self) -> Vec<(Cid, ParticipantId)> {
        let all = self.participants.iter();
        all.filter(|(_, place)| matches!(place.person, Person::Account(_)))
            .map(|(key, _)| key.clone())
            .collect()
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
    fn places_from(&self, server: &ServerName) -> Vec<(Cid, ParticipantId)> {
        let all = self.participants.iter();
        all.filter(|(_, place)| matches!(&place.person, Person::Federated(user) if user.server == *server))
            .map(|(key, _)| key.clone())
            .collect()
    }
    fn partner_terms(&self, server: &ServerName) -> PartnerTerms {
        self.terms.get(server).cloned().unwrap_or_default()
    }
    fn federated_call(&self) -> bool {
        !self.federated_silent
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
    fn watcher(&self, cid: &Cid, id: ParticipantId) -> Option<Watcher> {
        self.watchers.get(&(cid.clone(), id)).cloned()
    }
    fn watching(&self, cid: &Cid) -> u64 {
        let all = self.watchers.values();
        all.filter(|one| one.cid == *cid && one.watches()).count() as u64
    }
    fn watched_by(&self, user: &UserName) -> Vec<Watcher> {
        let all = self.watchers.values();
        all.filter(|one| one.user == *user).cloned().collect()
    }
    fn watched_on_other_starts(&self, node: NodeId, start: u64) -> Vec<Cid> {
        let all = self.watchers.values();
        let other = all.filter(|one| one.watches() && one.node == node && one.epoch != start);
        let cids: BTreeSet<_> = other.map(|one| one.cid.clone()).collect();
        cids.into_iter().collect()
    }
    fn removed(&self, cid: &Cid) -> Vec<Removed> {
        let mut all: Vec<_> = self
            .removed
            .values()
            .filter(|one| one.cid == *cid)
            .cloned()
            .collect();
        all.sort_by_key(|one| (one.at, one.id));
        all
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
    fn rings_of(&self, cid: &Cid, user: &Party, since: Timestamp) -> Vec<Call> {
        let mut rings =
            self.rings(|call, ring| ring.cid == *cid && call.callee == *user && call.began_at >= since);
        rings.sort_by_key(|call| std::cmp::Reverse((call.began_at, call.cid.clone())));
        rings.truncate(plenary_model::limits::RINGS_PER_RUN);
        rings
    }
    fn rings_at(&self, user: &UserName) -> usize {
        self.rings(|call, _| call.is_open() && call.callee == *user).len()
    }
    fn calls_from_away(&self, user: &UserName) -> Vec<Call> {
        let all = self.calls.values();
        all.filter(|call| call.is_open() && call.is_from_away() && call.callee == *user)
            .cloned()
            .collect()
    }
    fn answered_from_away(&self) -> Vec<Call> {
        let all = self.calls.values();
        all.filter(|call| call.is_open() && call.is_from_away() && call.answered_at.is_some())
            .cloned()
            .collect()
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
    fn guest_by_key(&self, key: &TokenHash) -> Option<Guest> {
        let mut all = self.guests.values();
        let is_by = |kept: &Keepsake| kept.key == *key || kept.before == Some(*key);
        all.find(|guest| guest.kept.as_ref().is_some_and(is_by)).cloned()
    }
    fn stored_guests(&self) -> u64 {
        self.guests.len() as u64 + self.more_stored_guests
    }
    fn oldest_kept_guest(&self, now: Timestamp) -> Option<GuestId> {
        let ended = self.guests.values().filter(|guest| guest.expires_at <= now);
        let kept = ended.filter_map(|guest| Some((guest.kept.as_ref()?.until, guest.id.clone())));
        kept.min().map(|(_, id)| id)
    }
    fn guests_in(&self, cid: &Cid, now: Timestamp) -> u64 {
        let all = self.guests.values();
        all.filter(|guest| guest.cid == *cid && guest.expires_at > now)
            .count() as u64
    }
    fn unregistered_in(&self, cid: &Cid, since: Timestamp) -> u64 {
        let own = self.guests.values().filter(|guest| guest.cid == *cid);
        let strangers = own.filter(|guest| !self.registrants.contains_key(&guest.id));
        let counts = |guest: &&Guest| {
            guest.created_at > since || !self.places(cid, &Person::Guest(guest.id.clone())).is_empty()
        };
        strangers.filter(counts).count() as u64
    }
    fn guests_from(&self, cid: &Cid, source: &str, now: Timestamp, most: u64) -> u64 {
        let own = self.guests.values().filter(|guest| guest.cid == *cid);
        let own = own.filter(|guest| guest.source.as_deref() == Some(source) && guest.expires_at > now);
        (own.count() as u64).min(most)
    }
    fn guests_about(&self, now: Timestamp) -> u64 {
        self.guests(now)
    }
    fn guests(&self, now: Timestamp) -> u64 {
        let valid = self.guests.values().filter(|guest| guest.expires_at > now);
        valid.count() as u64 + self.more_guests
    }
    fn has_expired_guests(&self, now: Timestamp) -> bool {
        self.guests.values().any(|guest| guest.forget_at() <= now)
    }
}

impl OutboxView for World {
    fn own_server(&self) -> Option<ServerName> {
        Some(name("paris.example.com"))
    }
    fn message(&self, cid: &Cid, user: &UserId) -> Option<Message> {
        self.messages.get(&(cid.clone(), user.clone())).cloned()
    }
    fn messages(&self) -> u64 {
        self.messages.len() as u64 + self.more_messages
    }
    fn messages_to(&self, server: &ServerName) -> u64 {
        let all = self.messages.keys();
        all.filter(|(_, user)| user.server == *server).count() as u64
    }
}

impl InboxView for World {
    fn partner_invitation(
        &self,
        server: &ServerName,
        cid: &Cid,
        user: &UserName,
    ) -> Option<PartnerInvitation> {
        let key = (server.clone(), cid.clone(), user.clone());
        self.told.get(&key).cloned()
    }
    fn partner_invitations_of(&self, user: &UserName) -> u64 {
        let all = self.told.values();
        all.filter(|one| one.user == *user && one.is_open()).count() as u64 + self.more_told
    }
    fn partner_invitations_from(&self, user: &UserName, server: &ServerName) -> u64 {
        let all = self.told.values();
        all.filter(|one| one.user == *user && one.server == *server && one.is_open())
            .count() as u64
    }
    fn partner_invitations_by(&self, server: &ServerName) -> u64 {
        self.told.values().filter(|one| one.server == *server).count() as u64
    }
    fn has_old_partner_invitations(&self, now: Timestamp) -> bool {
        let mut all = self.told.values();
        all.any(|one| one.forget_at().is_some_and(|at| at <= now))
    }
}

fn is_named(settings: &Settings, user: &UserName) -> bool {
    settings.in_layouts().contains(user) || settings.named().any(|named| named == user)
}
