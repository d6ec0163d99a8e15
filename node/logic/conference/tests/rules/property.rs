//! Whatever people, nodes and the clock do, in whatever order.

use crate::{soundness::check, world::*};
use plenary_conference::*;
use plenary_model::{Cid, NodeId, Timestamp};
use proptest::{prelude::*, sample::select};

#[derive(Debug, Clone)]
enum Step {
    Change(Box<Change>),
    Start(u64, u64),
    Disable(&'static str),
    Remove(&'static str),
    /// An account of that name is made, or may sign in again.
    Come(&'static str),
    /// Another account owns it from now on.
    HandOver(&'static str, &'static str),
    Access(&'static str, Access),
    Settings(&'static str, Box<SettingsPatch>),
    Operator(&'static str),
    Launch(&'static str, Option<u64>),
    Begin(&'static str),
    Delete(&'static str),
    /// Gets another ID.
    Rename(&'static str, &'static str),
    Create(&'static str),
    Call(&'static str, Box<Change>),
    Template(&'static str, Box<Change>),
    DeclineRing(&'static str),
    /// What is told between this server and a partner's.
    Away(Box<Change>),
    DeleteOld(u64),
    Wait(u64),
}

fn cid() -> impl Strategy<Value = &'static str> {
    select(vec![
        "open", "inside", "open", "inside", "open", "inside", "call-1", "call-2",
    ])
}

fn id() -> impl Strategy<Value = &'static str> {
    select(vec!["open", "inside", "other", "more"])
}

fn call() -> impl Strategy<Value = Step> {
    let rooms = || select(vec!["open", "inside", "call-1"]);
    (
        people(),
        people(),
        select(vec!["call-1", "call-2"]),
        rooms(),
        0u8..23,
    )
        .prop_map(|(by, to, cid, room, what)| {
            let change = match what {
                6 => crate::rings::call(room, &[to]),
                7 => crate::rings::call(room, &["alice", "bob", "root"]),
                8 => Change::Call {
                    cid: name(room),
                    by: Some(ParticipantId(1)),
                    whom: Whom::Invited,
                },
                9 => return Step::DeclineRing(to),
                10 => crate::group_calls::dial(cid),
                11 | 12 => Change::CallOff {
                    cid: name(room),
                    by: (what == 12).then_some(ParticipantId(1)),
                    users: (what == 11).then(|| vec![name(to)]),
                },
                13 => crate::away_calls::dial(cid, "demo2@oslo.example.net"),
                14..=22 => return Step::Away(Box::new(away(cid, to, what))),
                0 => Change::Decline { cid: name(cid) },
                1 => Change::Widen { cid: name(cid) },
                _ => crate::calls::dial(cid, to),
            };
            Step::Call(by, Box::new(change))
        })
}

fn away(cid: &str, to: &str, what: u8) -> Change {
    use crate::away_calls::{came, ends, left, receive, rings_at};
    let demo2 = "demo2@oslo.example.net";
    match what {
        14 => rings_at(cid, demo2),
        15 => Change::PartnerSaid {
            cid: name(cid),
            said: PartnerSaid::Over(How::Declined),
        },
        16 | 17 => receive(if to == "bob" { "in-1" } else { "in-2" }, demo2, to, None),
        18 => receive("in-3", demo2, to, Some("Review")),
        19 | 20 => came(to, 1),
        21 => left(to, 1),
        _ => ends("in-1", "oslo.example.net", How::Cancelled),
    }
}

fn template() -> impl Strategy<Value = Step> {
    let title = select(vec!["Weekly", "weekly", "Webinar"]);
    (people(), title, settings(), 0usize..4, 0u8..5, any::<bool>()).prop_map(
        |(by, title, settings, which, what, for_all)| {
            // The IDs are revisions: found by their place once it is carried out.
            let id = TemplateId(which as u64);
            let change = match what {
                0 => Change::DeleteTemplate { id, expect: None },
                1 => {
                    let patch = TemplatePatch {
                        name: Some(title.into()),
                        for_all: Some(for_all),
                        settings,
                        ..TemplatePatch::default()
                    };
                    crate::templates::change(id, patch)
                }
                _ => Change::CreateTemplate(NewTemplate {
                    for_all,
                    settings,
                    access: Access::Public,
                    ..crate::templates::template(title)
                }),
            };
            Step::Template(by, Box::new(change))
        },
    )
}

/// Lines that answer and mention, and what becomes of them.
fn chat() -> impl Strategy<Value = Change> {
    let whom = prop::collection::vec((0u64..12).prop_map(ParticipantId), 0..3);
    let text = select(vec!["@ALICE and @BOB", "@Guest 1 said so", "Hello"]);
    (cid(), 0u64..12, 1u64..6, whom, text, 0u8..5).prop_map(|(cid, by, line, mentions, text, what)| {
        let (cid, participant, text) = (name(cid), ParticipantId(by), text.to_owned());
        match what {
            0 => Change::DeleteLine {
                cid,
                by: (participant.0 > 1).then_some(participant),
                line,
            },
            1 | 2 => Change::EditLine {
                cid,
                participant,
                line,
                text,
                mentions,
            },
            _ => Change::Say {
                cid,
                participant,
                text,
                reply_to: (what == 3).then_some(line),
                mentions,
                key: (what == 4).then(|| format!("k-{line}")),
            },
        }
    })
}

fn person() -> impl Strategy<Value = Person> {
    prop_oneof![
        select(vec!["alice", "bob", "root"]).prop_map(account),
        (0u8..5).prop_map(|number| Person::Guest(guest_id(number))),
        Just(Person::Federated("demo2@oslo.example.net".parse().expect("good"))),
    ]
}

fn entry() -> impl Strategy<Value = Change> {
    (cid(), 0u64..12, person(), 1u64..3, 10u64..14).prop_map(|(cid, id, person, number, start)| {
        let mut change = enter(cid, id, person);
        if let Change::Enter { node, epoch, .. } = &mut change {
            (*node, *epoch) = (NodeId(number), start);
        }
        change
    })
}

fn act() -> impl Strategy<Value = Act> {
    let of = (0u64..12).prop_map(ParticipantId);
    (0usize..40, of).prop_map(|(which, id)| match which {
        0 => Act::AdmitAll,
        1 => Act::SendBack(id),
        2 => Act::Remove(id),
        3 => Act::Mute(id),
        4 => Act::MuteAll,
        5 => Act::StopCamera(id),
        6 => Act::AskToUnmute(id),
        7 => Act::MakeModerator(id),
        8 => Act::UnmakeModerator(id),
        9 => Act::LowerHand(id),
        10 | 11 => Act::GivePodium(id),
        12 => Act::TakePodium(id),
        13 => Act::Pin(id),
        14 => Act::Unpin(id),
        15 => Act::GiveRemark(id),
        16 => Act::Lock,
        17 => Act::Unlock,
        18 => Act::End,
        19 => Act::Start,
        20 => Act::Extend(5),
        21 => Act::SetLayout(Layout {
            arrangement: if id.0 % 2 == 0 {
                Arrangement::Content
            } else {
                Arrangement::Speaker
            },
            pinned: None,
            locked: true,
            slots: vec![Slot::Speaker, Slot::Person(id), Slot::Automatic],
            shuffle_s: Some(10),
            names_hidden: false,
            kept: None,
        }),
        22 => Act::ClearLayout,
        23 | 24 => Act::InviteToPodium(id),
        25 => Act::SetLayoutOf(id, Layout::default()),
        26 => Act::ClearLayoutOf(id),
        27 => Act::StopContent(id),
        28 => Act::SetPin(Some(Pin("4711".into()))),
        29 => Act::SetPin(None),
        30 => Act::SetWaitingRoom(Some(WaitingRoom::All)),
        31 => Act::SetWaitingRoom(None),
        32 | 33 => Act::HandLecture(id),
        34 | 35 => Act::RemoveWatcher(ParticipantId(100 + id.0 % 4)),
        36 => Act::LetBack(id),
        37 => Act::LetBack(ParticipantId(100 + id.0 % 4)),
        38 => Act::Remove(id),
        _ => Act::Admit(id),
    })
}

fn registration() -> impl Strategy<Value = Box<Registration>> {
    let closes = select(vec![Closes::ByHand, Closes::AtStart]);
    (any::<bool>(), any::<bool>(), prop::option::of(1u32..4), closes).prop_map(
        |(on, others, limit, closes)| {
            Box::new(Registration {
                on,
                others,
                limit,
                closes,
                ..Registration::default()
            })
        },
    )
}

fn guest_rights() -> impl Strategy<Value = GuestRights> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(chat, audio, video)| GuestRights {
        chat,
        audio,
        video,
    })
}

fn settings() -> impl Strategy<Value = SettingsPatch> {
    let modes = select(vec![
        Mode::AllOnScreen,
        Mode::Smart,
        Mode::RoleBased,
        Mode::Lecture,
    ]);
    let rooms = select(vec![
        Put::Nothing,
        Put::To(WaitingRoom::All),
        Put::To(WaitingRoom::Uninvited),
        Put::To(WaitingRoom::Guests),
    ]);
    let pins = select(vec![Put::Nothing, Put::Nothing, Put::To(Pin("4711".into()))]);
    let named = || {
        prop::option::of(select(vec![
            vec![],
            vec![name("bob")],
            vec![name("bob"), name("root")],
        ]))
    };
    (
        prop::option::of(modes),
        prop::option::of(1u8..4),
        prop::option::of(rooms),
        prop::option::of(pins),
        named(),
        named(),
        prop::option::of(any::<bool>()),
        prop::option::of(registration()),
        prop::option::of(guest_rights()),
        prop::option::of(select(vec![
            vec![],
            vec![name("bob")],
            vec![name("bob"), name("root")],
            vec![name("demo2@oslo.example.net"), name("alice")],
        ])),
        (prop::option::of(any::<bool>()), limit(), limit()),
    )
        .prop_map(
            |(
                mode,
                podium_places,
                waiting_room,
                pin,
                moderators,
                invited,
                uninvited,
                registration,
                guests,
                lecturers,
                (begins_locked, participant_limit, guest_limit),
            )| SettingsPatch {
                participant_limit,
                guest_limit,
                lecturers,
                begins_locked,
                registration,
                guests,
                mode,
                podium_places,
                waiting_room,
                pin,
                moderators,
                invited,
                uninvited,
                ..SettingsPatch::default()
            },
        )
}

/// Of people or guests.
fn limit() -> impl Strategy<Value = Option<Put<u32>>> {
    prop::option::of(select(vec![Put::Nothing, Put::To(1), Put::To(2), Put::To(3)]))
}

fn people() -> impl Strategy<Value = &'static str> {
    select(vec!["alice", "bob", "root"])
}

fn watch() -> impl Strategy<Value = Change> {
    (cid(), 100u64..104, people(), 1u64..3, 10u64..14).prop_map(|(cid, id, user, node, epoch)| {
        Change::Watch {
            cid: name(cid),
            watcher: ParticipantId(id),
            user: name(user),
            node: NodeId(node),
            epoch,
        }
    })
}

/// As somebody whose account is there.
fn run_by(world: &mut World, by: &str, change: &Change) {
    if world.accounts.contains_key(&name(by)) {
        drop(world.run(&user(by), change));
    }
}

fn step() -> impl Strategy<Value = Step> {
    let place = || (cid(), 0u64..12, 0u64..3);
    let said = || any::<Option<bool>>();
    let patch = (said(), said(), said(), said()).prop_map(|(muted, hand, content, invitation)| StatePatch {
        muted,
        hand,
        content,
        invitation,
        ..StatePatch::default()
    });
    let change = prop_oneof![
        6 => entry(),
        3 => (cid(), 0u64..12, 0u64..12).prop_map(|(cid, id, number)| resume(cid, id, secret(number))),
        3 => place().prop_map(|(cid, id, moves)| leave(cid, id, moves)),
        3 => (place(), patch).prop_map(|((cid, id, moves), patch)| set(cid, id, moves, patch)),
        2 => place().prop_map(|(cid, id, _)| say(cid, id, "Hello")),
        5 => chat(),
        3 => (cid(), 0u8..3, 0u64..9, any::<Option<u8>>())
            .prop_map(|(cid, id, token, before)| guest_enter(cid, id, token, before.map(|n| u64::from(n % 9)))),
        2 => (cid(), 0u8..3, 0u64..9, prop::option::of(0u64..9), 0u64..9)
            .prop_map(|(cid, id, token, by, next)| come_back(cid, id, token, by, next)),
        1 => (cid(), 0u64..9).prop_map(|(cid, key)| Change::ForgetGuest { cid: name(cid), key: token(key) }),
        3 => (cid(), 0u64..12, act()).prop_map(|(cid, by, act)| Change::Act {
            cid: name(cid),
            by: Some(ParticipantId(by)),
            act,
        }),
        2 => (cid(), prop::collection::vec((0u64..12, 0u64..5_000), 0..4)).prop_map(|(cid, heard)| Change::Spoke {
            cid: name(cid),
            heard: heard
                .into_iter()
                .map(|(id, ago)| Heard { participant: ParticipantId(id), ago_ms: ago / 1_000 * 1_000 })
                .collect(),
        }),
        2 => (cid(), 0u8..5).prop_map(|(cid, id)| register(cid, id)),
        3 => (cid(), 0u8..5, 0u64..5, 0u64..9)
            .prop_map(|(cid, id, secret, token)| come_by(cid, link(id, secret), token)),
        1 => (cid(), 0u8..5).prop_map(|(cid, id)| Change::RemoveRegistrant {
            cid: name(cid),
            registrant: guest_id(id),
        }),
        3 => watch(),
        1 => (cid(), 100u64..104).prop_map(|(cid, id)| Change::Unwatch {
            cid: name(cid),
            watcher: ParticipantId(id),
        }),
        1 => Just(Change::Sweep),
    ];
    prop_oneof![
        20 => change.prop_map(|change| Step::Change(Box::new(change))),
        2 => (1u64..3, 10u64..14).prop_map(|(node, start)| Step::Start(node, start * u64::from(start != 10))),
        1 => people().prop_map(Step::Disable),
        1 => people().prop_map(Step::Remove),
        3 => people().prop_map(Step::Come),
        2 => (cid(), people()).prop_map(|(cid, to)| Step::HandOver(cid, to)),
        1 => (cid(), select(vec![Access::Public, Access::Internal])).prop_map(|(cid, to)| Step::Access(cid, to)),
        2 => (cid(), settings()).prop_map(|(cid, patch)| Step::Settings(cid, Box::new(patch))),
        1 => select(vec!["alice", "bob"]).prop_map(Step::Operator),
        1 => (cid(), prop::option::of(1u64..200_000)).prop_map(|(cid, after)| Step::Launch(cid, after)),
        2 => cid().prop_map(Step::Begin),
        1 => cid().prop_map(Step::Delete),
        1 => (cid(), id()).prop_map(|(cid, id)| Step::Rename(cid, id)),
        1 => id().prop_map(Step::Create),
        3 => call(),
        3 => template(),
        1 => (1u64..200_000).prop_map(Step::DeleteOld),
        2 => (1u64..100_000).prop_map(Step::Wait),
    ]
}

fn run_template(world: &mut World, by: &str, change: &Change) {
    let mut change = change.clone();
    if let Change::UpdateTemplate { id, .. } | Change::DeleteTemplate { id, .. } = &mut change {
        let nth = world.templates.keys().nth(id.0 as usize);
        *id = nth.copied().unwrap_or(*id);
    }
    let asker = if by == "root" { root() } else { user(by) };
    if world.accounts.contains_key(&name(by)) {
        drop(world.run(&asker, &change));
    }
}

fn run(world: &mut World, step: &Step) {
    match step {
        // Refused or not: what holds is checked after it.
        Step::Change(change) => drop(world.run(&system(), change)),
        Step::Start(node, start) => world.follow(&[Fact::NodeStands {
            node: NodeId(*node),
            start: *start,
        }]),
        Step::Disable(user) if world.accounts.contains_key(&name(user)) => {
            world.follow(&[Fact::AccountDisabled(&name(user))]);
        }
        Step::Disable(_) => {}
        Step::Remove(user) => world.follow(&[Fact::AccountRemoved(&name(user))]),
        Step::Come(user) => {
            let account = Account {
                active: true,
                display_name: user.to_uppercase(),
            };
            world.accounts.insert(name(user), account);
        }
        Step::HandOver(cid, to) => {
            let patch = Patch {
                owner: Some(name(to)),
                ..Patch::default()
            };
            // An administrator who is none of those.
            let chief = powerless("chief", plenary_access::AdminRole::Full);
            let given = world.run(&chief, &update(cid, patch));
            if given.is_ok() {
                assert_eq!(world.room(cid).owner, name(to));
            }
        }
        Step::Access(cid, access) => {
            let patch = Patch {
                access: Some(*access),
                ..Patch::default()
            };
            drop(world.run(&system(), &update(cid, patch)));
        }
        Step::Settings(cid, settings) => {
            let patch = Patch {
                settings: (**settings).clone(),
                ..Patch::default()
            };
            drop(world.run(&system(), &update(cid, patch)));
        }
        Step::Operator(user) => {
            if !world.operators.remove(&name(user)) {
                world.operators.insert(name(user));
            }
        }
        Step::Launch(cid, after) => {
            let plan = match after {
                None => Plan {
                    launch: Launch::VirtualRoom,
                    next: None,
                },
                Some(after) => crate::schedules::plan_in(world.now, *after, Some(1)),
            };
            let patch = Patch {
                plan: Some(plan),
                ..Patch::default()
            };
            drop(world.run(&system(), &update(cid, patch)));
        }
        Step::Begin(cid) => {
            let due = world.conferences.get(&name(cid)).and_then(|room| room.next);
            if let Some(due) = due {
                drop(world.run(&system(), &crate::schedules::begin(cid, due.start.0)));
            }
        }
        Step::Delete(cid) => {
            if world.run(&system(), &delete(cid)).is_ok() && !cid.starts_with("call") {
                run_by(world, "alice", &create(cid));
            }
        }
        Step::Rename(cid, id) => run_by(world, "alice", &crate::ids::chosen(cid, id)),
        Step::Create(id) => run_by(world, "alice", &create(id)),
        Step::Call(by, change) => run_by(world, by, change),
        Step::Template(by, change) => run_template(world, by, change),
        Step::Away(change) => drop(world.run(&system(), change)),
        Step::DeclineRing(who) => {
            let at_them =
                |call: &&Call| call.ring.is_some() && call.rings() && call.callee == name::<Party>(who);
            let ring = world.calls.values().find(at_them).map(|call| call.cid.clone());
            if let Some(cid) = ring {
                world.run(&user(who), &Change::Decline { cid }).expect("it rings");
            }
        }
        Step::DeleteOld(ago) => {
            let before = Some(plenary_model::Timestamp(world.now.saturating_sub(*ago)));
            let change = Change::DeleteOld {
                past: before,
                unused: before,
            };
            drop(world.run(&system(), &change));
            for cid in ["open", "inside"] {
                run_by(world, "alice", &create(cid));
            }
        }
        Step::Wait(ms) => world.now += ms,
    }
}

/// What begins locked is so for whoever would be the first.
fn check_begins(before: &World, after: &World) -> Result<(), TestCaseError> {
    for (cid, run) in after.runs.iter().filter(|(_, run)| run.is_on()) {
        let went_on = before.runs.get(cid).is_some_and(Run::is_on);
        let conference = before.conferences.get(cid);
        let locks = conference.is_some_and(|conference| conference.settings.begins_locked);
        if went_on || !locks {
            continue;
        }
        prop_assert!(run.locked_at.is_some(), "it begins locked");
        for place in after.participants.values().filter(|place| place.cid == *cid) {
            prop_assert!(
                after.conferences[cid].role_of(place) > Role::Participant,
                "and nobody else is the first"
            );
        }
    }
    Ok(())
}

/// Since when somebody asks a person to come, by the settings and by calls into the run that goes on.
fn asked_at(world: &World, cid: &Cid, person: &Person) -> Option<Timestamp> {
    let settings = &world.conferences[cid].settings;
    let began = world.runs[cid].started_at;
    let into = |call: &&Call| {
        let rings = call.ring.as_ref().is_some_and(|ring| ring.cid == *cid);
        rings && call.began_at >= began && call.callee.person() == *person
    };
    let called = world.calls.values().filter(into).map(|call| call.began_at).max();
    let named = match person {
        Person::Account(user) => settings.invited.get(user).max(settings.moderators.get(user)),
        Person::Federated(user) => {
            let (invited, moderates) = (&settings.invited_abroad, &settings.moderators_abroad);
            invited.get(user).max(moderates.get(user))
        }
        Person::Guest(_) => None,
    };
    called.max(named.copied())
}

/// Who was removed from a run does not come back into it, by no way, unless somebody asked them to since, or let them back.
fn check_stays_out(before: &World, step: &Step, after: &World) -> Result<(), TestCaseError> {
    let shut_out = |cid: &Cid, person: &Person, at: Timestamp| {
        let is_owner = matches!(person, Person::Account(user) if before.conferences[cid].owner == *user);
        // Within one step nobody asks and comes.
        !is_owner && asked_at(before, cid, person).is_none_or(|asked| asked <= at)
    };
    let is_new = |place: &&Participant| !before.participants.contains_key(&(place.cid.clone(), place.id));
    for one in before.removed.values() {
        let programs_only = one.via != Via::Browser;
        if !shut_out(&one.cid, &one.person, one.at) {
            continue;
        }
        let mut comers = after.participants.values().filter(is_new);
        let came = comers.any(|place| {
            let way_is_shut = !programs_only || place.via != Via::Browser;
            place.cid == one.cid && place.person == one.person && way_is_shut
        });
        prop_assert!(!came, "{one:?} is out, and stays so: {step:?}");
    }
    for one in before.watchers.values() {
        let Some(at) = one.removed_at else { continue };
        let person = Person::Account(one.user.clone());
        let new = |other: &&Watcher| !before.watchers.contains_key(&(other.cid.clone(), other.id));
        let mut comers = after.watchers.values().filter(new);
        let came = comers.any(|other| other.cid == one.cid && other.user == one.user);
        prop_assert!(
            !(came && shut_out(&one.cid, &person, at)),
            "a program of {one:?} is out: {step:?}"
        );
    }
    Ok(())
}

/// Nobody comes into what is full, and what is full of guests takes no more of them; those who are needed inside do.
fn check_limits(before: &World, step: &Step, after: &World) -> Result<(), TestCaseError> {
    let Step::Change(change) = step else { return Ok(()) };
    let Change::Enter { cid, person, .. } = &**change else {
        return Ok(());
    };
    let inside = |world: &World| {
        let places = world.participants.values().filter(|place| place.cid == *cid);
        let guests = places
            .clone()
            .filter(|place| matches!(place.person, Person::Guest(_)));
        (places.count(), guests.count())
    };
    let ((people, guests), (after_people, after_guests)) = (inside(before), inside(after));
    let Some(conference) = before.conferences.get(cid) else {
        return Ok(());
    };
    let is_trusted = person
        .visitor(
            before.is_operator(match person {
                Person::Account(user) => user,
                _ => &conference.owner,
            }) && matches!(person, Person::Account(_)),
        )
        .role(conference)
        > Role::Participant;
    if let Some(most) = conference.settings.participant_limit
        && people >= most as usize
        && !is_trusted
    {
        prop_assert!(
            after_people <= people,
            "{most} are in, and it takes no more: {step:?}"
        );
    }
    if let Some(most) = conference.settings.guest_limit
        && guests >= most as usize
    {
        prop_assert!(after_guests <= guests, "{most} guests are in: {step:?}");
    }
    Ok(())
}

/// What a step may change and what not.
fn check_change(before: &World, step: &Step, after: &World) -> Result<(), TestCaseError> {
    for (cid, conference) in &after.conferences {
        let stays = before
            .conferences
            .get(cid)
            .filter(|was| was.created_at == conference.created_at);
        let given = stays.is_some_and(|was| was.owner != conference.owner);
        let hands_over = matches!(step, Step::HandOver(of, _) if name::<Cid>(of) == *cid);
        prop_assert!(
            !given || hands_over,
            "nobody else gives a conference away: {step:?}"
        );
    }
    check_begins(before, after)?;
    check_stays_out(before, step, after)?;
    check_limits(before, step, after)?;
    let comes = |world: &World, cid: &Cid| {
        let inside = world.participants.keys().filter(|(of, _)| of == cid).count();
        inside
            + world
                .watchers
                .values()
                .filter(|one| one.cid == *cid && one.watches())
                .count()
    };
    if let Step::Change(change) = step
        && let Change::Watch { cid, .. } = &**change
    {
        prop_assert_eq!(
            &before.participants,
            &after.participants,
            "who watches changes nothing"
        );
        prop_assert_eq!(&before.runs, &after.runs);
        prop_assert_eq!(&before.visits, &after.visits);
        let grew = comes(after, cid) > comes(before, cid);
        let came = after
            .watchers
            .iter()
            .filter(|(key, _)| !before.watchers.contains_key(*key));
        prop_assert!(came.count() == usize::from(grew), "a program comes by itself");
    }
    Ok(())
}

/// The level that nodes must have for a step; the server lets nothing into the log that some do not know.
fn level_of(step: &Step) -> u32 {
    let of_settings = |settings: &SettingsPatch| {
        let patch = Patch {
            settings: settings.clone(),
            ..Patch::default()
        };
        update("open", patch).level()
    };
    match step {
        Step::Change(change) | Step::Call(_, change) | Step::Template(_, change) | Step::Away(change) => {
            change.level()
        }
        Step::Settings(_, settings) => of_settings(settings),
        Step::Launch(..) | Step::Begin(_) => SCHEDULES_LEVEL,
        Step::Rename(..) => IDS_LEVEL,
        Step::DeleteOld(_) => HISTORY_LEVEL,
        _ => 0,
    }
}

proptest! {
    // 256 stories of 60 steps on average: more than 15,000 steps.
    #![proptest_config(ProptestConfig::with_cases(256))]
    #[test]
    fn places_runs_and_guests_stay_sound(steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::with_rooms();
        world.online.insert(name("root"));
        let members = ["alice", "bob", "root"].map(name).into();
        world.groups.insert(name("g-desk"), (name("desk"), members));
        for step in &steps {
            let before = world.clone();
            run(&mut world, step);
            check(&world)?;
            check_change(&before, step, &world)?;
        }
    }

    /// Nodes of before decided by the rules of before; what they left is sound by those of now, and stays so.
    #[test]
    fn logs_of_older_levels_leave_it_sound_too(
        level in select(OLDER.to_vec()),
        old in prop::collection::vec(step(), 1..60),
        new in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::with_rooms();
        (world.level, world.oldest) = (level, level);
        world.online.insert(name("root"));
        for step in old.iter().filter(|step| level_of(step) <= level) {
            run(&mut world, step);
            check(&world)?;
        }
        world.level = NEWEST_LEVEL;
        for step in &new {
            let before = world.clone();
            run(&mut world, step);
            check(&world)?;
            check_change(&before, step, &world)?;
        }
    }
}

/// The last of each before rules changed that decide who is where.
const OLDER: [u32; 8] = [
    CALLERS_LEVEL - 1,
    REMOVALS_LEVEL - 1,
    OWNERS_LEVEL - 1,
    TERMS_LEVEL - 1,
    LECTURES_LEVEL - 1,
    DOORS_LEVEL - 1,
    WATCHERS_LEVEL - 1,
    OUTBOX_LEVEL - 1,
];
