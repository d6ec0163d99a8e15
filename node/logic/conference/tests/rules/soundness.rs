//! What holds of conferences and of those who meet in them, whatever has happened.

use crate::world::*;
use plenary_conference::*;
use plenary_model::limits;
use proptest::{prelude::*, test_runner::TestCaseError};
use std::collections::{BTreeMap, BTreeSet};

fn check_podiums(world: &World) -> Result<(), TestCaseError> {
    let mut podiums: BTreeMap<_, usize> = BTreeMap::new();
    let places = world.participants.values();
    for place in places.filter(|place| place.standing.podium.is_some()) {
        prop_assert!(place.standing.invitation.is_none());
        *podiums.entry(&place.cid).or_default() += 1;
    }
    for (cid, count) in podiums {
        let places = world.conferences[cid].settings.places();
        prop_assert!(count <= places, "the podium is never above its limit");
    }
    Ok(())
}

/// Whatever an account, guest or partner's user is called: one of all that there are owns a conference.
fn check_owners(world: &World) -> Result<(), TestCaseError> {
    let mut people: Vec<Person> = world.accounts.keys().cloned().map(Person::Account).collect();
    people.extend((0..5).map(|number| Person::Guest(guest_id(number))));
    people.extend(
        ["alice", "bob", "root"].map(|user| Person::Federated(name(&format!("{user}@oslo.example.net")))),
    );
    for conference in world.conferences.values() {
        let owners: Vec<_> = people
            .iter()
            // Rights make nobody an owner.
            .filter(|one| one.visitor(true).role(conference) == Role::Owner)
            .collect();
        let owner = Person::Account(conference.owner.clone());
        prop_assert_eq!(owners, vec![&owner]);
    }
    Ok(())
}

/// Who watches by a program is no part of the meeting, and may be there.
fn check_watchers(world: &World) -> Result<(), TestCaseError> {
    for ((cid, id), one) in &world.watchers {
        prop_assert_eq!((cid, *id), (&one.cid, one.id));
        prop_assert!(world.conferences.contains_key(cid), "it goes with the conference");
        prop_assert!(
            !world.participants.contains_key(&(cid.clone(), *id)),
            "who watches has no place: no voice, no podium and no seat"
        );
        prop_assert!(world.accounts.contains_key(&one.user), "it goes with the account");
        if one.watches() {
            prop_assert!(world.accounts[&one.user].active);
            prop_assert!(world.starts.get(&one.node) == Some(&one.epoch) && one.epoch != 0);
        }
    }
    Ok(())
}

/// Who was removed is known for as long as the run goes on, and so is what was a call.
fn check_removed(world: &World) -> Result<(), TestCaseError> {
    let mut each: BTreeMap<_, usize> = BTreeMap::new();
    for ((cid, id), one) in &world.removed {
        prop_assert_eq!((cid, *id), (&one.cid, one.id));
        *each.entry(cid).or_default() += 1;
        let goes_on = world.runs.get(cid).is_some_and(Run::is_on);
        prop_assert!(goes_on, "it is forgotten with the run");
    }
    prop_assert!(each.values().all(|many| *many <= limits::REMOVED));
    for conference in world.conferences.values().filter(|one| one.ad_hoc) {
        let goes_on = world.runs.get(&conference.cid).is_some_and(Run::is_on);
        prop_assert!(goes_on && !conference.call, "what was a call goes with its run");
    }
    Ok(())
}

/// What must hold after every step.
pub(crate) fn check(world: &World) -> Result<(), TestCaseError> {
    let mut counts: BTreeMap<_, u64> = BTreeMap::new();
    let mut hands = BTreeSet::new();
    let mut each: BTreeMap<_, usize> = BTreeMap::new();
    for ((cid, id), place) in &world.participants {
        prop_assert_eq!((cid, *id), (&place.cid, place.id));
        *counts.entry(cid.clone()).or_default() += 1;
        *each.entry((cid, &place.person)).or_default() += 1;
        prop_assert_eq!(place.away, place.away_since.is_some());
        let runs = world.starts.get(&place.node) == Some(&place.epoch) && place.epoch != 0;
        prop_assert!(place.away || runs, "{:?}", place);
        prop_assert!(
            place.hand.is_none_or(|hand| hands.insert((cid, hand))),
            "no two hands are one"
        );
        let conference = world.conferences.get(cid).expect("the room is there");
        let guests_come = conference.access == Access::Public;
        prop_assert!(guests_come || !matches!(place.person, Person::Guest(_)));
        let (standing, flow) = (&place.standing, conference.flow_of(place));
        if standing.waiting.is_some() {
            prop_assert_eq!(flow, Flow::default(), "who waits neither sends nor receives");
            prop_assert!(standing.podium.is_none() && place.hand.is_none() && !standing.moderator);
            prop_assert!(standing.invitation.is_none() && place.layout.is_none());
            prop_assert!(
                world
                    .participants
                    .values()
                    .all(|other| !conference.may_see(place, other))
            );
        }
        let at_the_gate = place.person.visitor(false).role(conference);
        prop_assert_eq!(
            conference.role_of(place) == Role::Owner,
            at_the_gate == Role::Owner,
            "who owns it inside does so at the gate too"
        );
        prop_assert!(!standing.pinned || standing.podium.is_some());
        prop_assert!(!standing.stands_in || standing.podium.is_some());
        let lecture = conference.settings.mode == Mode::Lecture && standing.waiting.is_none();
        prop_assert!(
            !lecture || standing.listener || world.oldest < LECTURES_LEVEL,
            "only those on the podium lecture"
        );
        prop_assert!(!standing.hushed || !flow.voice);
        prop_assert!(!standing.dimmed || !flow.camera);
        prop_assert!(!standing.covered || !(flow.content || place.content));
        if let Person::Account(user) = &place.person {
            prop_assert!(world.accounts.get(user).is_some_and(|account| account.active));
        }
    }
    check_podiums(world)?;
    check_owners(world)?;
    check_watchers(world)?;
    check_removed(world)?;
    let mut ids = BTreeSet::new();
    for (key, conference) in &world.conferences {
        prop_assert_eq!(key, &conference.cid, "a key stays");
        prop_assert!(ids.insert(conference.id()), "no two are found by one ID");
        let named = conference.settings.named();
        let mut named = named.chain(conference.settings.in_layouts());
        prop_assert!(named.all(|user| world.accounts.contains_key(user)));
        let named: BTreeSet<_> = conference.settings.named().collect();
        let mut lecturers = conference.settings.lecturers.iter().filter_map(Party::here);
        prop_assert!(
            lecturers.all(|user| named.contains(user)),
            "each is invited, or moderates"
        );
        let abroad = conference.settings.named_abroad();
        let mut lecturers = conference.settings.lecturers.iter().filter_map(Party::there);
        prop_assert!(
            lecturers.all(|user| abroad.contains_key(user)),
            "those of partners too"
        );
    }
    // That no device is in two places is known by nodes alone: the story `one_device_is_in_one_place`.
    prop_assert!(each.values().all(|places| *places <= limits::PLACES_PER_PERSON));
    for (cid, run) in &world.runs {
        prop_assert_eq!(run.participants, counts.remove(cid).unwrap_or(0), "{}", cid);
        let lines = world.lines.keys().filter(|(of, _)| of == cid);
        prop_assert!(
            world.level >= LINES_LEVEL || run.is_on() || lines.count() == 0,
            "chat goes with the run, for as long as it is not kept"
        );
        let conference = &world.conferences[cid];
        prop_assert!(
            run.opened.is_none() || !conference.launch.is_virtual_room(),
            "a virtual room needs not be opened"
        );
        prop_assert!(run.is_on() || (run.locked_at.is_none() && run.layout.is_none()));
    }
    prop_assert!(counts.is_empty(), "whoever is in is counted");
    check_calls(world)?;
    check_registrants(world)?;
    check_templates(world)?;
    check_lines(world)?;
    for guest in world.guests.values() {
        let conference = world.conferences.get(&guest.cid).expect("the room is there");
        prop_assert_eq!(conference.access, Access::Public);
    }
    Ok(())
}

fn check_lines(world: &World) -> Result<(), TestCaseError> {
    let mut changes = BTreeSet::new();
    for line in world.lines.values() {
        let run = &world.runs[&line.cid];
        prop_assert!(line.id <= run.last_line && line.changed <= run.last_change);
        prop_assert!(
            changes.insert((&line.cid, line.changed)),
            "each change has a number of its own"
        );
        let details = &line.details;
        prop_assert_eq!(
            details.deleted.is_some(),
            line.text.is_empty(),
            "nothing of a deleted line is left"
        );
        prop_assert!(details.deleted.is_none() || details.mentions.is_empty());
        prop_assert!(
            details
                .reply_to
                .is_none_or(|other| (1..=run.last_line).contains(&other))
        );
        let named: BTreeSet<_> = details.mentions.iter().map(|one| &one.person).collect();
        prop_assert_eq!(named.len(), details.mentions.len());
        let stands = |one: &Mention| line.text.contains(&format!("@{}", one.name));
        prop_assert!(details.mentions.iter().all(stands));
    }
    Ok(())
}

fn check_registrants(world: &World) -> Result<(), TestCaseError> {
    for registrant in world.registrants.values() {
        prop_assert!(
            world.conferences.contains_key(&registrant.cid),
            "it goes with the conference"
        );
        let is_here = |guest: &Guest| guest.cid == registrant.cid;
        prop_assert!(world.guests.get(&registrant.id).is_none_or(is_here));
    }
    for (id, registrant) in &world.registrants {
        let person = Person::Guest(id.clone());
        let places = world.places(&registrant.cid, &person).len();
        prop_assert!(places <= 1, "nobody is in two places with one registration");
    }
    for place in world.participants.values() {
        let conference = &world.conferences[&place.cid];
        let (rights, flow) = (conference.rights_of(place), conference.flow_of(place));
        prop_assert!((rights.audio || !flow.voice) && (rights.video || !(flow.camera || flow.content)));
    }
    Ok(())
}

fn check_templates(world: &World) -> Result<(), TestCaseError> {
    let mut names = BTreeSet::new();
    for (id, template) in &world.templates {
        prop_assert_eq!(*id, template.id);
        prop_assert!(
            world.accounts.contains_key(&template.owner),
            "it goes with its owner"
        );
        let mut named = template.settings.named();
        prop_assert!(named.all(|user| world.accounts.contains_key(user)));
        prop_assert!(!template.for_all || template.settings.pin.is_none());
        let name = (&template.owner, plenary_access::fold(&template.name));
        prop_assert!(names.insert(name), "no owner has a name twice");
    }
    Ok(())
}

/// A call from a partner's server, which has its conference there.
fn check_from_away(world: &World, call: &Call) -> Result<(), TestCaseError> {
    prop_assert!(!world.conferences.contains_key(&call.cid));
    if let (None, false, Some(user)) = (&call.ring, call.is_for_whole_group(), call.callee.here()) {
        let found = world.open_call_of(user);
        prop_assert_eq!(found.as_ref(), Some(call), "nobody is in two calls");
    }
    Ok(())
}

fn check_calls(world: &World) -> Result<(), TestCaseError> {
    for conference in world.conferences.values().filter(|conference| conference.call) {
        prop_assert!(world.calls.get(&conference.cid).is_some_and(Call::is_open));
    }
    let mut each = BTreeSet::new();
    for call in world.calls.values().filter(|call| call.is_open()) {
        if call.is_from_away() && call.ring.as_ref().is_none_or(|ring| ring.by != Ringer::Group) {
            check_from_away(world, call)?;
            continue;
        }
        if let Some(ring) = &call.ring {
            let group_rings = world.calls.get(&ring.cid).is_some_and(Call::rings);
            let goes_on = world.runs.get(&ring.cid).is_some_and(Run::is_on);
            prop_assert!(
                if ring.by == Ringer::Group {
                    group_rings
                } else {
                    goes_on
                },
                "it goes on"
            );
            prop_assert!(each.insert((&ring.cid, &call.callee)), "nobody is rung twice");
            let person = call.callee.person();
            prop_assert!(world.places(&ring.cid, &person).is_empty(), "nor who is in");
            let is_known = call
                .callee
                .here()
                .is_none_or(|user| world.accounts.contains_key(user));
            prop_assert!(is_known);
            continue;
        }
        prop_assert!(
            world
                .conferences
                .get(&call.cid)
                .is_some_and(|conference| conference.call)
        );
        let of_group = call.is_for_whole_group();
        let both = [&call.caller, &call.callee];
        let both = both.into_iter().take(if of_group { 1 } else { 2 });
        for user in both.filter_map(Party::here) {
            let found = world.open_call_of(user);
            prop_assert_eq!(found.as_ref(), Some(call), "nobody is in two calls");
        }
        let own = |place: &Participant| match &place.person {
            Person::Account(user) => call.concerns(user),
            person => call.callee.person() == *person,
        };
        let mut inside = world.participants.values().filter(|place| place.cid == call.cid);
        prop_assert!(inside.all(own), "only the two are in it");
    }
    Ok(())
}
