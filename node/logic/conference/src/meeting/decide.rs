//! Who gets a place, keeps it, loses it, and what they may do with it.

use super::{
    AWAY_MS, Entry, Guesses, Invitation, MeetingRights, Participant, ParticipantId, Person, Reaction, Runs,
    SecretHash,
};
use super::{End, Standing, StatePatch, Via, chat::check_inside, counts_there, terms::screens_with};
use crate::{
    AWAY_CALLS_LEVEL, Admission, CALLS_LEVEL, CONFERENCES_LEVEL, Called, Conference, Decision, Effect, Gate,
    KeptOut, Knock, Party, RIGHTS_LEVEL, Role, View, Visitor, Way, ZONES_LEVEL, admit,
    admit::room_for,
    decide::{forbidden, remove},
    registrant::taken_over,
};
use plenary_access::{
    Moment, Outcome, Refusal, Topic,
    rules::{check_text, exists, not_found},
};
use plenary_model::{Cid, NodeId, Right, Timestamp, limits};
use std::net::IpAddr;

/// Everything one decision about a meeting works with.
pub(crate) struct Meetings<'a, V> {
    pub(crate) view: &'a V,
    pub(crate) at: Moment,
    /// Where the person comes from for whom this is asked.
    pub(crate) from: Option<IpAddr>,
}

impl<V: View> Meetings<'_, V> {
    /// Who a person is at the gate, by the rights that they have now and that count there.
    pub(crate) fn visitor<'a>(&self, person: &'a Person, from: Option<IpAddr>) -> Visitor<'a> {
        let operator = match person {
            Person::Account(user) => {
                self.at.level >= CONFERENCES_LEVEL
                    && self.view.is_operator(user)
                    && counts_there(&self.view.zones(), person, from, Right::Operator)
            }
            Person::Guest(_) | Person::Federated(_) => false,
        };
        person.visitor(operator)
    }

    /// What a person may do in meetings by the rights that they have now.
    fn rights_now(&self, person: &Person, from: Option<IpAddr>) -> MeetingRights {
        MeetingRights {
            operator: matches!(
                self.visitor(person, from),
                Visitor::Account { operator: true, .. }
            ),
            // Nodes of before know nothing of it, and all must have the same.
            shares: self.at.level < RIGHTS_LEVEL
                || self.view.may_share(person)
                    && screens_with(self.view, self.at, person)
                    && counts_there(&self.view.zones(), person, from, Right::ShareScreen),
        }
    }

    pub(crate) fn enter(&self, entry: &Entry<'_>) -> Result<Decision, Refusal> {
        let conference = self.conference(entry.cid)?;
        let guesses = self.guesses(entry.cid, entry.person);
        let admitted = match self.gate(&conference, entry, &guesses) {
            Err(why) if !matches!(why, KeptOut::WrongPin { .. }) => return Err(why.into()),
            admitted => admitted,
        };
        let name = self.name_of(entry)?;
        self.check_start(entry.node, entry.epoch)?;
        let admission = match admitted {
            Ok(admission) => admission,
            Err(why) => return Ok(self.count_wrong_pin(entry.cid, guesses, why)),
        };
        if let Some(before) = self.own_place(entry.cid, entry.person) {
            return Ok(self.take_over(before, entry));
        }
        if self.view.participant(entry.cid, entry.participant).is_some() {
            return Err(exists("participant", entry.participant));
        }
        let mut decision = Decision::giving(Outcome::Entered { moves: 0 });
        let mut runs = Runs::new(self.view, self.at);
        self.make_place(&mut decision, &mut runs, &conference, entry)?;
        self.forget_wrong_pins(&mut decision, entry.cid, guesses);
        self.forget_removed(&mut decision, entry.cid, entry.person);
        if let (true, Some(who)) = (conference.call, Party::of(entry.person)) {
            self.answer(&mut decision, entry.cid, &who);
        }
        let mut participant = Participant {
            cid: entry.cid.clone(),
            id: entry.participant,
            person: entry.person.clone(),
            name,
            via: entry.via,
            node: entry.node,
            epoch: entry.epoch,
            secret: entry.secret,
            muted: entry.muted,
            camera: entry.camera,
            content: false,
            hand: None,
            reaction: None,
            joined_at: self.at.now,
            moves: 0,
            away: false,
            away_since: None,
            standing: Standing {
                screenless_at_home: entry.screenless_at_home,
                ..Standing::default()
            },
            layout: None,
            address: self.address_of(entry.person),
        };
        self.settle_in(&mut decision, &conference, &mut participant, admission);
        self.lock_at_start(&mut runs, &conference);
        self.take_kept_place(&mut runs, &conference, &participant);
        runs.add(&mut decision, participant);
        runs.finish(&mut decision);
        self.note_coming(&mut decision, entry.cid, entry.person);
        Ok(decision)
    }

    /// The one place that somebody has who has registered.
    fn own_place(&self, cid: &Cid, person: &Person) -> Option<Participant> {
        self.registrant_of(cid, person)?;
        self.view.places(cid, person).into_iter().next()
    }

    fn gate(
        &self,
        conference: &Conference,
        entry: &Entry<'_>,
        guesses: &Guesses,
    ) -> Result<Admission, KeptOut> {
        let run = self.view.run_of(entry.cid).filter(super::Run::is_on);
        let limited = conference.settings.guest_limit.is_some();
        let guests = if limited {
            self.view.places_of_guests(entry.cid).len()
        } else {
            0
        };
        let mut visitor = self.visitor(entry.person, self.from);
        if let (Some(run), Some(party)) = (&run, Party::of(entry.person))
            && let Visitor::Account { called_at, .. } | Visitor::Federated { called_at, .. } = &mut visitor
        {
            *called_at = self.called_at(run, &party);
        }
        let way = match entry.via {
            Via::Browser => Way::Browser,
            Via::Whip => Way::Publish,
        };
        self.check_removed(conference, entry.person, visitor, way)?;
        let lost = self
            .view
            .places(entry.cid, entry.person)
            .iter()
            .any(|place| place.away);
        let inside = run.as_ref().map_or(0, |run| run.participants) + self.view.watching(entry.cid);
        let gate = Gate {
            conference,
            run: run.as_ref(),
            inside: inside.saturating_sub(u64::from(lost)),
            guests: guests as u64,
            registered: self.view.registrants_in(entry.cid),
            partner_full: self.partner_full(entry.person),
        };
        let zones = self.view.zones();
        let knock = Knock {
            visitor,
            way,
            pin: entry.pin,
            attempts: guesses.own(),
            of_partner: guesses.of_partner(),
            of_guests: guesses.of_guests(),
            link: self.link_of(entry.cid, entry.person),
            zone: self.zone_of(&zones, entry.person),
            is_in: self.own_place(entry.cid, entry.person).is_some(),
            called: self.called(conference, entry),
            now: self.at.now,
        };
        admit(&gate, &knock)
    }

    /// What a call says of who comes into it.
    fn called(&self, conference: &Conference, entry: &Entry<'_>) -> Called {
        let person = entry.person;
        if !conference.call {
            return Called::Unsaid;
        }
        // Programs answer no calls.
        if entry.via == Via::Browser && self.is_answered_elsewhere(conference, person) {
            return Called::Elsewhere;
        }
        match person {
            Person::Federated(user) => self.call_gate(&conference.cid, user),
            Person::Account(user)
                if !conference.is_of(user) && self.is_lost_to_another(&conference.cid, user) =>
            {
                Called::Elsewhere
            }
            Person::Account(_) | Person::Guest(_) => Called::Unsaid,
        }
    }

    /// Who is called is in the call already, on a device that is there.
    fn is_answered_elsewhere(&self, conference: &Conference, person: &Person) -> bool {
        let is_caller = matches!(person, Person::Account(user) if *user == conference.owner);
        let places = self.view.places(&conference.cid, person);
        !is_caller && places.iter().any(|place| !place.away)
    }

    /// What the settings make of somebody who comes in.
    fn settle_in(
        &self,
        decision: &mut Decision,
        conference: &Conference,
        one: &mut Participant,
        admission: Admission,
    ) {
        one.standing = one.standing.by_rights(self.rights_now(&one.person, one.address));
        if admission == Admission::Waiting {
            one.standing.waiting = Some(self.at.now);
        }
        come_in_silence(conference, one);
        self.take_free_place(decision, conference, one, &mut 0);
    }

    /// The name that others see: the one that was given, else that of the account or guest.
    fn name_of(&self, entry: &Entry<'_>) -> Result<String, Refusal> {
        let own = match entry.person {
            Person::Account(user) => {
                let account = self.view.account(user).ok_or_else(|| not_found("user", user))?;
                if !account.active {
                    return Err(Refusal::AccountDisabled);
                }
                account.display_name
            }
            Person::Guest(id) => {
                let guest = self.view.guest(id);
                let guest = guest.filter(|guest| guest.cid == *entry.cid && guest.expires_at > self.at.now);
                guest.ok_or_else(|| not_found("guest", id))?.name
            }
            Person::Federated(user) => user.name.to_string(),
        };
        let Some(given) = entry.name else {
            return Ok(own);
        };
        check_text("name", given, 1, limits::PARTICIPANT_NAME)?;
        Ok(given.trim().to_owned())
    }

    /// Refuses words of a node's earlier start, and of a node that the server takes for lost.
    pub(super) fn check_start(&self, node: NodeId, epoch: u64) -> Result<(), Refusal> {
        if epoch != 0 && self.view.start_of(node) == Some(epoch) {
            return Ok(());
        }
        Err(Refusal::Conflict(
            "the server does not count this node as running; try again in a moment".into(),
        ))
    }

    /// Sees that there is room for one more; a place that the same person has lost goes first.
    fn make_place(
        &self,
        decision: &mut Decision,
        runs: &mut Runs<'_, V>,
        conference: &Conference,
        entry: &Entry<'_>,
    ) -> Result<(), Refusal> {
        let trusted = self.visitor(entry.person, self.from).role(conference) > Role::Participant;
        let most = room_for(conference, trusted);
        let own = self.view.places(entry.cid, entry.person);
        let has_many = own.len() >= limits::PLACES_PER_PERSON;
        let inside = runs.of(entry.cid).participants + self.view.watching(entry.cid);
        if !has_many && inside < most {
            return Ok(());
        }
        let lost = own.iter().filter(|place| place.away);
        if let Some(oldest) = lost.min_by_key(|place| (place.away_since, place.id)) {
            runs.remove(decision, entry.cid, oldest.id);
            return Ok(());
        }
        if has_many {
            return Err(Refusal::KeptOut {
                code: "devices-full".into(),
                reason: "you are in this meeting on eight devices already; leave it on one of them first"
                    .into(),
                minutes: None,
            });
        }
        Err(KeptOut::Full(most).into())
    }

    pub(crate) fn resume(
        &self,
        cid: &Cid,
        id: ParticipantId,
        secret: &SecretHash,
        node: NodeId,
        epoch: u64,
    ) -> Result<Decision, Refusal> {
        let before = self.participant(cid, id)?;
        if !before.secret.is(secret) {
            return Err(forbidden("the secret of this place"));
        }
        self.check_start(node, epoch)?;
        let moves = before.moves + 1;
        let mut decision = Decision::giving(Outcome::Entered { moves });
        let address = self.address_of(&before.person);
        let standing = before
            .standing
            .by_rights(self.rights_now(&before.person, address));
        let content = before.content && !(self.at.level >= ZONES_LEVEL && standing.screenless);
        let after = Participant {
            node,
            epoch,
            moves,
            content,
            away: false,
            away_since: None,
            standing,
            address,
            ..before
        };
        put(&mut decision, after);
        Ok(decision)
    }

    /// Gives the place up, unless it was taken up again since, or is gone already.
    pub(crate) fn leave(&self, cid: &Cid, id: ParticipantId, moves: u64) -> Decision {
        let mut decision = Decision::default();
        let found = self.view.participant(cid, id);
        if found.is_some_and(|participant| participant.moves == moves) {
            let mut runs = Runs::new(self.view, self.at);
            runs.remove(&mut decision, cid, id);
            runs.finish(&mut decision);
        }
        decision
    }

    pub(crate) fn set(
        &self,
        cid: &Cid,
        id: ParticipantId,
        moves: u64,
        patch: StatePatch,
    ) -> Result<Decision, Refusal> {
        let before = self.participant(cid, id)?;
        let mut decision = Decision::default();
        if before.moves != moves {
            return Ok(decision);
        }
        if patch.content == Some(true) && before.standing.screenless {
            self.zone_forbids_screen(&before)?;
            return Err(forbidden("the right to share your screen"));
        }
        let mut runs = Runs::new(self.view, self.at);
        let waits = before.standing.waiting.is_some();
        let (content, hand) = if waits {
            (None, None)
        } else {
            (patch.content, patch.hand)
        };
        let mut after = Participant {
            muted: patch.muted.unwrap_or(before.muted),
            camera: patch.camera.unwrap_or(before.camera),
            content: content.unwrap_or(before.content),
            standing: own_choice(before.standing, patch),
            hand: match (hand, before.hand) {
                (Some(true), None) => Some(self.next_hand(&mut runs, cid)),
                (Some(false), _) => None,
                (_, hand) => hand,
            },
            ..before.clone()
        };
        if let Some(accepts) = patch.invitation.filter(|_| !waits) {
            self.answer_invitation(&mut after, accepts)?;
        }
        if after.content && !before.content {
            self.come_by_content(&mut decision, &mut after);
        }
        if after != before {
            put(&mut decision, after);
            runs.finish(&mut decision);
        }
        Ok(decision)
    }

    /// The time of a hand that is raised now. Commands of one entry of the log have one time, but hands have an order.
    fn next_hand(&self, runs: &mut Runs<'_, V>, cid: &Cid) -> Timestamp {
        let run = runs.of(cid);
        run.last_hand = self.at.now.max(run.last_hand.plus_ms(1));
        run.last_hand
    }

    pub(crate) fn react(
        &self,
        cid: &Cid,
        id: ParticipantId,
        moves: u64,
        text: &str,
    ) -> Result<Decision, Refusal> {
        check_text("reaction", text, 1, limits::REACTION)?;
        let before = self.participant(cid, id)?;
        check_inside(&before)?;
        let mut decision = Decision::default();
        if before.moves == moves {
            let reaction = Reaction {
                text: text.trim().to_owned(),
                at: self.at.now,
            };
            let after = Participant {
                reaction: Some(reaction),
                ..before
            };
            put(&mut decision, after);
        }
        Ok(decision)
    }

    /// Frees the places of those who did not come back, and forgets guests whose tokens have ended.
    pub(crate) fn sweep(&self) -> Decision {
        let now = self.at.now;
        let mut decision = Decision::default();
        let mut runs = Runs::new(self.view, self.at);
        // First: whose place is freed below has none, whatever is said of them here.
        self.end_invitations(&mut decision);
        for (cid, id) in self.view.away_before(Timestamp(now.0.saturating_sub(AWAY_MS))) {
            runs.remove(&mut decision, &cid, id);
        }
        self.end_runs(&mut decision, &mut runs);
        if self.at.level >= CALLS_LEVEL {
            self.miss(&mut decision);
        }
        if self.at.level >= AWAY_CALLS_LEVEL {
            self.sweep_away(&mut decision);
        }
        runs.finish(&mut decision);
        if self.view.has_expired_guests(now) {
            decision.effect(Effect::ForgetGuests { until: now });
        }
        let until = Timestamp(now.0.saturating_sub(limits::PIN_WINDOW_MS));
        if self.view.has_attempts_before(until) {
            decision.effect(Effect::ForgetAttempts { until });
        }
        self.forget_invitations(&mut decision);
        decision
    }

    pub(crate) fn delete_old(&self, past: Option<Timestamp>, unused: Option<Timestamp>) -> Decision {
        let mut decision = Decision::default();
        for (before, scheduled) in [(past, true), (unused, false)] {
            let old = before.map(|before| self.view.unused_since(before, scheduled));
            for conference in old.into_iter().flatten() {
                remove(&mut decision, &conference);
            }
        }
        decision
    }

    /// Ends runs that are as long as they may be, and those whose last participant was alone for too long. A program
    /// that is left alone stays, whether somebody watches it or not.
    fn end_runs(&self, decision: &mut Decision, runs: &mut Runs<'_, V>) {
        if self.at.level < CONFERENCES_LEVEL {
            return;
        }
        for run in self.view.runs_to_end(self.at.now) {
            let due = runs.of(&run.cid).end().filter(|(at, _)| *at <= self.at.now);
            let Some((_, why)) = due else { continue };
            let left = self.view.everybody(&run.cid);
            let is_watched = !left.is_empty() && left.iter().all(|one| one.via == Via::Whip);
            if why == End::Alone && is_watched {
                runs.of(&run.cid).alone_since = None;
                continue;
            }
            runs.end(decision, &run.cid, why);
        }
    }

    /// The place goes on with another device, as it was left; what was on the device before hears that it did.
    fn take_over(&self, before: Participant, entry: &Entry<'_>) -> Decision {
        let moves = before.moves + 1;
        let mut decision = Decision::giving(taken_over(before.id, moves));
        let address = self.address_of(entry.person);
        let mut standing = before.standing;
        if self.at.level >= ZONES_LEVEL {
            standing = standing.by_rights(self.rights_now(entry.person, address));
        }
        let after = Participant {
            node: entry.node,
            epoch: entry.epoch,
            secret: entry.secret,
            muted: entry.muted || standing.hushed,
            camera: entry.camera && !standing.dimmed,
            content: false,
            moves,
            away: false,
            away_since: None,
            standing,
            address,
            ..before
        };
        put(&mut decision, after);
        decision
    }

    pub(crate) fn participant(&self, cid: &Cid, id: ParticipantId) -> Result<Participant, Refusal> {
        let found = self.view.participant(cid, id);
        found.ok_or_else(|| not_found("participant", id))
    }
}

/// Microphone and camera of who comes in, as the conference wants it. Nobody could switch a program's sound on again: it has
/// no page that could be asked.
pub(super) fn come_in_silence(conference: &Conference, one: &mut Participant) {
    let settings = &conference.settings;
    if conference.role_of(one) > Role::Participant || one.via != Via::Browser {
        return;
    }
    if settings.muted_on_entry {
        (one.muted, one.standing.hushed) = (true, true);
    }
    if settings.camera_off_on_entry {
        (one.camera, one.standing.dimmed) = (false, true);
    }
}

/// What somebody's own switches make of what moderators did.
fn own_choice(before: Standing, patch: StatePatch) -> Standing {
    let mut after = before;
    if patch.muted == Some(false) {
        (after.hushed, after.asked) = (false, None);
    }
    if patch.camera == Some(true) {
        after.dimmed = false;
    }
    if patch.content == Some(true) {
        after.covered = false;
    }
    if patch.podium == Some(false) {
        (after.podium, after.pinned, after.stands_in, after.remark) = (None, false, false, false);
    }
    // Who asks for a place has not declined it any more.
    if patch.hand == Some(true) {
        after.invitation = after.invitation.filter(Invitation::is_open);
    }
    after
}

pub(super) fn put(decision: &mut Decision, participant: Participant) {
    decision
        .notice(Topic::Meetings, participant.cid.as_str())
        .effect(Effect::PutParticipant(participant));
}
