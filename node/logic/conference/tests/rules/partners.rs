//! People of partners' servers whom conferences name: what they may, and what their servers are told.

use crate::{
    gate::{act, settings},
    world::*,
};
use plenary_access::{Outcome, rules::Asker};
use plenary_conference::*;
use plenary_model::{ServerName, Timestamp, UserId, limits};
use plenary_schedule::Occurrence;
use proptest::{prelude::*, sample::select};
use std::collections::BTreeMap;

const OSLO: &str = "oslo.example.net";
const PARIS: &str = "paris.example.com";

fn abroad(user: &str) -> UserId {
    name(&format!("{user}@{OSLO}"))
}

fn them(user: &str) -> Person {
    Person::Federated(abroad(user))
}

/// Names these of Oslo, and nobody else.
fn naming(moderators: &[&str], invited: &[&str]) -> SettingsPatch {
    let of = |users: &[&str]| users.iter().map(|user| abroad(user)).collect();
    SettingsPatch {
        moderators: Some(Vec::new()),
        moderators_abroad: of(moderators),
        invited: Some(Vec::new()),
        invited_abroad: of(invited),
        ..SettingsPatch::default()
    }
}

fn name_them(world: &mut World, moderators: &[&str], invited: &[&str]) {
    let change = update("open", settings(naming(moderators, invited)));
    assert_eq!(
        change.level() >= OUTBOX_LEVEL,
        !moderators.is_empty() || !invited.is_empty()
    );
    world.run(&user("alice"), &change).expect("hers");
}

/// What waits for Oslo: who, and what they are; `None`: they are named no more.
fn waiting(world: &World) -> Vec<(String, Option<bool>)> {
    let all = world.messages.values();
    all.map(|message| {
        let moderator = message.bidding.as_ref().map(|told| told.moderator);
        (message.user.name.to_string(), moderator)
    })
    .collect()
}

/// The messages that wait, as they cross.
fn under_way(world: &World) -> Vec<Delivery> {
    let all = world.messages.values();
    all.map(|message| Delivery {
        cid: message.cid.clone(),
        user: message.user.name.clone(),
        revision: message.revision.0,
        bidding: message.bidding.clone(),
    })
    .collect()
}

/// They were taken, or given up.
fn settle(world: &mut World, given_up: Option<&str>) {
    let all = world.messages.values();
    let settled = all.map(|message| Settled {
        cid: message.cid.clone(),
        user: message.user.clone(),
        revision: message.revision,
        given_up: given_up.map(Into::into),
    });
    let change = Change::SettleMessages {
        settled: settled.collect(),
    };
    world.ok(&change);
}

/// Oslo, with these accounts.
fn oslo(users: &[&str]) -> World {
    let mut world = World::new();
    world.accounts = users
        .iter()
        .map(|user| {
            let account = Account {
                active: true,
                display_name: user.to_uppercase(),
            };
            (name(user), account)
        })
        .collect();
    world
}

fn tell(oslo: &mut World, deliveries: Vec<Delivery>) -> BTreeMap<u32, String> {
    let change = Change::TakeDeliveries {
        server: name(PARIS),
        deliveries,
    };
    match oslo.ok(&change) {
        Outcome::Heard { refused } => refused,
        other => panic!("{other:?}"),
    }
}

fn invited_there(oslo: &World) -> Vec<(String, bool)> {
    let all = oslo.told.values();
    let open = all.filter_map(|one| Some((one.user.to_string(), one.bidding.as_ref()?.moderator)));
    open.collect()
}

#[test]
fn who_is_invited_from_elsewhere_comes_in_where_others_do_not() {
    let mut world = World::with_rooms();
    name_them(&mut world, &[], &["demo2"]);
    let mut strict = naming(&[], &["demo2"]);
    strict.uninvited = Some(false);
    strict.waiting_room = Some(Put::To(WaitingRoom::UninvitedElsewhere));
    world
        .run(&user("alice"), &update("open", settings(strict)))
        .expect("hers");
    world.ok(&enter("open", 1, them("demo2")));
    assert!(world.place("open", 1).standing.waiting.is_none());
    assert_eq!(world.refused(&enter("open", 2, them("demo3"))), "uninvited");
    // Whoever has the same name on another server is somebody else.
    let other = Person::Federated(name("demo2@bergen.example.net"));
    assert_eq!(world.refused(&enter("open", 2, other)), "uninvited");
}

#[test]
fn a_moderator_of_a_partner_passes_what_moderators_pass_and_acts() {
    let mut world = World::with_rooms();
    let mut patch = naming(&["demo2"], &[]);
    patch.pin = Some(Put::To(Pin("4711".into())));
    patch.waiting_room = Some(Put::To(WaitingRoom::All));
    world
        .run(&user("alice"), &update("open", settings(patch)))
        .expect("hers");
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&act("open", 1, Act::Lock));
    world.ok(&enter("open", 2, them("demo2")));
    let place = world.place("open", 2);
    assert_eq!(world.room("open").role_of(place), Role::Moderator);
    assert!(!place.standing.operator && place.standing.waiting.is_none());
    world.ok(&act("open", 2, Act::Unlock));
    // At once, without the settings knowing anything of who is in.
    name_them(&mut world, &[], &["demo2"]);
    assert_eq!(
        world.room("open").role_of(world.place("open", 2)),
        Role::Participant
    );
    assert_eq!(world.refused(&act("open", 2, Act::Lock)), "forbidden");
}

#[test]
fn an_account_of_this_server_is_known_however_it_is_written() {
    let mut world = World::with_rooms();
    let patch = SettingsPatch {
        moderators: Some(vec![name("root")]),
        moderators_abroad: vec![name(&format!("bob@{PARIS}")), abroad("demo2")],
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(patch)))
        .expect("hers");
    let set = &world.room("open").settings;
    let here: Vec<_> = set.moderators.keys().map(|user| user.as_str()).collect();
    assert_eq!(here, ["bob", "root"]);
    assert_eq!(set.moderators_abroad.len(), 1);
    let nobody = SettingsPatch {
        invited: Some(Vec::new()),
        invited_abroad: vec![name(&format!("nobody@{PARIS}"))],
        ..SettingsPatch::default()
    };
    let refusal = world.refuses(&user("alice"), &update("open", settings(nobody)));
    assert!(refusal.to_string().contains("there is no user"), "{refusal}");
}

#[test]
fn who_is_named_is_told_once_and_the_newest_counts() {
    let mut world = World::with_rooms();
    name_them(&mut world, &["demo2"], &["demo2", "demo3"]);
    assert_eq!(
        waiting(&world),
        [("demo2".into(), Some(true)), ("demo3".into(), Some(false))]
    );
    let first = world.messages.values().next().cloned().expect("waits");
    // What nobody of them sees is not told.
    let patch = SettingsPatch {
        muted_on_entry: Some(true),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(patch)))
        .expect("hers");
    assert_eq!(world.messages.values().next(), Some(&first));
    world
        .run(&user("alice"), &rename("open", "Review"))
        .expect("hers");
    name_them(&mut world, &[], &["demo2"]);
    assert_eq!(
        waiting(&world),
        [("demo2".into(), Some(false)), ("demo3".into(), None)]
    );
    let newest = world.messages.values().next().expect("waits");
    assert!(newest.revision > first.revision);
    let told = newest.bidding.as_ref().expect("invited");
    assert_eq!(
        (told.name.as_str(), told.owner_name.as_str()),
        ("Review", "ALICE")
    );
    // The old one was under way: that it arrived says nothing of the newer one.
    world.ok(&Change::SettleMessages {
        settled: vec![Settled {
            cid: first.cid,
            user: first.user,
            revision: first.revision,
            given_up: None,
        }],
    });
    assert_eq!(world.messages.len(), 2);
    settle(&mut world, None);
    assert!(world.messages.is_empty());
}

#[test]
fn when_a_conference_goes_its_invitations_do_whoever_deletes_it() {
    for way in 0..2 {
        let mut world = World::with_rooms();
        name_them(&mut world, &[], &["demo2"]);
        settle(&mut world, None);
        match way {
            0 => drop(world.run(&user("alice"), &delete("open")).expect("hers")),
            _ => world.follow(&[Fact::AccountRemoved(&name("alice"))]),
        }
        assert_eq!(waiting(&world), [("demo2".into(), None)], "{way}");
    }
}

#[test]
fn the_next_time_is_told_and_the_last_one_stays_until_it_is_over() {
    let mut world = World::with_rooms();
    let at = |start: u64| Occurrence {
        start: Timestamp(start),
        end: Some(Timestamp(start + 10)),
    };
    let room = world.conferences.get_mut(&name("open")).expect("there");
    room.launch = crate::schedules::plan_in(0, 100, None).launch;
    room.next = Some(at(100));
    name_them(&mut world, &[], &["demo2"]);
    let next = |world: &World| {
        let message = world.messages.values().next().expect("waits");
        message.bidding.as_ref().expect("invited").next
    };
    assert_eq!(next(&world), Some(at(100)));
    let begin = |start, next| Change::Begin {
        cid: name("open"),
        start: Timestamp(start),
        next,
    };
    world.now = 100;
    world.ok(&begin(100, Some(at(200))));
    assert_eq!(next(&world), Some(at(200)));
    settle(&mut world, None);
    world.now = 200;
    world.ok(&begin(200, None));
    assert!(world.messages.is_empty(), "it goes on as it was told");
}

#[test]
fn what_is_given_up_is_told_to_administrators_once_for_all() {
    let mut world = World::with_rooms();
    let many: Vec<String> = (0..12).map(|number| format!("demo{number:02}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    name_them(&mut world, &[], &many);
    world.events.clear();
    settle(&mut world, Some("there is no such user"));
    let [event] = world.events.as_slice() else {
        panic!("{:?}", world.events)
    };
    assert_eq!((event.object.as_str(), event.success), (OSLO, false));
    let text = &event.description;
    assert!(
        text.contains("no such user") && text.contains("demo00 (open)"),
        "{text}"
    );
    assert!(text.ends_with("and 2 more"), "{text}");
    assert!(world.messages.is_empty());
}

#[test]
fn no_more_waits_than_may() {
    let mut world = World::with_rooms();
    world.more_messages = limits::MESSAGES as u64;
    let change = update("open", settings(naming(&[], &["demo2"])));
    let refusal = world.refuses(&user("alice"), &change);
    assert!(refusal.to_string().contains(OSLO), "{refusal}");
    // People of this server are invited as ever.
    let patch = SettingsPatch {
        invited: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    world
        .run(&user("alice"), &update("open", settings(patch)))
        .expect("hers");
}

#[test]
fn nobody_but_the_server_itself_tells_and_settles() {
    let mut world = World::with_rooms();
    for change in [
        Change::SettleMessages { settled: Vec::new() },
        Change::TakeDeliveries {
            server: name(PARIS),
            deliveries: Vec::new(),
        },
    ] {
        assert_eq!(world.refuses(&root(), &change).code(), "forbidden");
    }
}

fn delivery(user: &str, revision: u64, invited: bool) -> Delivery {
    let bidding = Bidding {
        id: name("review"),
        name: "Review".into(),
        owner: name("alice"),
        owner_name: "Alice".into(),
        moderator: false,
        opening: Opening::VirtualRoom,
        next: None,
    };
    Delivery {
        cid: name("review"),
        user: name(user),
        revision,
        bidding: invited.then_some(bidding),
    }
}

#[test]
fn what_is_told_again_or_too_late_changes_nothing() {
    let mut oslo = oslo(&["demo2"]);
    assert!(tell(&mut oslo, vec![delivery("demo2", 5, true)]).is_empty());
    let notices = oslo.notices.len();
    let told = oslo.told.clone();
    tell(
        &mut oslo,
        vec![delivery("demo2", 5, true), delivery("demo2", 4, false)],
    );
    assert_eq!((oslo.told.clone(), oslo.notices.len()), (told, notices));
    tell(&mut oslo, vec![delivery("demo2", 9, false)]);
    tell(&mut oslo, vec![delivery("demo2", 7, true)]);
    assert!(invited_there(&oslo).is_empty(), "the withdrawal was newer");
    tell(&mut oslo, vec![delivery("demo2", 11, true)]);
    assert_eq!(invited_there(&oslo).len(), 1);
}

#[test]
fn who_is_not_known_and_who_is_disabled_are_the_same() {
    let mut oslo = oslo(&["demo2", "gone"]);
    oslo.accounts.get_mut(&name("gone")).expect("there").active = false;
    let refused = tell(
        &mut oslo,
        vec![
            delivery("demo2", 1, true),
            delivery("gone", 1, true),
            delivery("nobody", 1, true),
            delivery("nobody", 2, false),
        ],
    );
    let unknown = "unknown-user".to_owned();
    assert_eq!(refused, [(1, unknown.clone()), (2, unknown)].into());
    assert_eq!(oslo.told.len(), 1);
}

#[test]
fn a_user_is_invited_by_partners_so_often_and_no_more() {
    let mut oslo = oslo(&["demo2"]);
    oslo.more_told = limits::INVITATIONS_PER_USER as u64 - 1;
    let one = delivery("demo2", 1, true);
    let another = Delivery {
        cid: name("other"),
        ..one.clone()
    };
    let refused = tell(&mut oslo, vec![one, another]);
    assert_eq!(refused, [(1, "too-many".to_owned())].into());
}

#[test]
fn no_partner_fills_all_places_of_a_user() {
    let mut oslo = oslo(&["demo2"]);
    let many = |at: usize| Delivery {
        cid: name(&format!("c{at}")),
        ..delivery("demo2", 1, true)
    };
    let most = limits::INVITATIONS_PER_USER_AND_PARTNER;
    let refused = tell(&mut oslo, (0..=most).map(many).collect());
    assert_eq!(refused, [(most as u32, "too-many".to_owned())].into());
    let other = Change::TakeDeliveries {
        server: name("rome.example.org"),
        deliveries: vec![many(0)],
    };
    let Outcome::Heard { refused } = oslo.ok(&other) else {
        panic!("it is heard");
    };
    assert!(refused.is_empty(), "there is a place for others: {refused:?}");
}

#[test]
fn who_declines_is_not_told_of_it_any_more_until_it_is_withdrawn() {
    let mut oslo = oslo(&["demo2", "demo3"]);
    let is_open = |oslo: &World| oslo.told.values().any(PartnerInvitation::is_open);
    let decline = Change::DeclineInvitation {
        server: name(PARIS),
        cid: name("review"),
    };
    tell(&mut oslo, vec![delivery("demo2", 1, true)]);
    let refusal = oslo.refuses(&user("demo3"), &decline);
    assert_eq!(refusal.code(), "not-found", "it is somebody else's");
    oslo.run(&user("demo2"), &decline).expect("theirs");
    assert!(!is_open(&oslo));
    assert_eq!(oslo.refuses(&user("demo2"), &decline).code(), "not-found");
    tell(&mut oslo, vec![delivery("demo2", 2, true)]);
    assert!(!is_open(&oslo), "it has changed, and they do not want it");
    tell(&mut oslo, vec![delivery("demo2", 5, false)]);
    tell(&mut oslo, vec![delivery("demo2", 6, true)]);
    assert!(is_open(&oslo), "they are invited anew");
}

#[test]
fn what_is_over_and_what_was_withdrawn_long_ago_is_forgotten() {
    const HOUR: u64 = 3_600_000;
    let mut oslo = oslo(&["demo2"]);
    let mut planned = delivery("demo2", 1, true);
    if let Some(told) = &mut planned.bidding {
        told.opening = Opening::Scheduled;
        told.next = Some(Occurrence {
            start: Timestamp(HOUR),
            end: Some(Timestamp(2 * HOUR)),
        });
    }
    tell(&mut oslo, vec![planned]);
    oslo.now = 25 * HOUR;
    oslo.ok(&Change::Sweep);
    assert_eq!(oslo.told.len(), 1);
    oslo.now = 26 * HOUR;
    oslo.ok(&Change::Sweep);
    assert!(oslo.told.is_empty());
    tell(&mut oslo, vec![delivery("demo2", 3, true)]);
    tell(&mut oslo, vec![delivery("demo2", 4, false)]);
    oslo.now += 95 * HOUR;
    oslo.ok(&Change::Sweep);
    assert_eq!(oslo.told.len(), 1, "something older may still come");
    oslo.now += HOUR;
    oslo.ok(&Change::Sweep);
    assert!(oslo.told.is_empty());
}

#[derive(Debug, Clone)]
enum Step {
    Name(Vec<&'static str>, Vec<&'static str>),
    Rename(&'static str),
    Delete,
    Create,
    /// Some messages set out, and are not heard of yet.
    Send,
    /// One that set out arrives, a second time perhaps, and perhaps it is not known that it did.
    Arrive(usize, bool),
}

fn step() -> impl Strategy<Value = Step> {
    let people = || proptest::sample::subsequence(vec!["demo1", "demo2", "demo3"], 0..=3);
    prop_oneof![
        4 => (people(), people()).prop_map(|(moderators, invited)| Step::Name(moderators, invited)),
        1 => select(vec!["Review", "Retro"]).prop_map(Step::Rename),
        1 => Just(Step::Delete),
        2 => Just(Step::Create),
        4 => Just(Step::Send),
        8 => (any::<usize>(), any::<bool>()).prop_map(|(which, known)| Step::Arrive(which, known)),
    ]
}

fn take(paris: &mut World, oslo: &mut World, sent: &Delivery, known: bool) {
    tell(oslo, vec![sent.clone()]);
    if known {
        paris.ok(&Change::SettleMessages {
            settled: vec![Settled {
                cid: sent.cid.clone(),
                user: abroad(sent.user.as_str()),
                revision: plenary_model::Revision(sent.revision),
                given_up: None,
            }],
        });
    }
}

proptest! {
    /// However messages are repeated, reordered and lost, in the end the partner knows what is.
    #[test]
    fn in_the_end_the_partner_knows_who_is_named(steps in prop::collection::vec(step(), 1..40)) {
        let alice: Asker = user("alice");
        let (mut paris, mut oslo) = (World::with_rooms(), oslo(&["demo1", "demo2", "demo3"]));
        let mut sent: Vec<Delivery> = Vec::new();
        for step in steps {
            match step {
                Step::Name(moderators, invited) => {
                    let change = update("open", settings(naming(&moderators, &invited)));
                    paris.run(&alice, &change).ok();
                }
                Step::Rename(text) => drop(paris.run(&alice, &rename("open", text))),
                Step::Delete => drop(paris.run(&alice, &delete("open"))),
                Step::Create => drop(paris.run(&alice, &create("open"))),
                Step::Send => sent.extend(under_way(&paris)),
                Step::Arrive(which, known) => {
                    if let Some(one) = (!sent.is_empty()).then(|| sent[which % sent.len()].clone()) {
                        take(&mut paris, &mut oslo, &one, known);
                    }
                }
            }
        }
        for one in under_way(&paris).into_iter().chain(sent) {
            take(&mut paris, &mut oslo, &one, true);
        }
        prop_assert!(paris.messages.is_empty());
        let room = paris.conferences.get(&name("open"));
        let mut named: BTreeMap<String, bool> = BTreeMap::new();
        if let Some(room) = room {
            named.extend(room.settings.invited_abroad.keys().map(|user| (user.name.to_string(), false)));
            named.extend(room.settings.moderators_abroad.keys().map(|user| (user.name.to_string(), true)));
        }
        prop_assert_eq!(invited_there(&oslo).into_iter().collect::<BTreeMap<_, _>>(), named);
        let server: ServerName = name(PARIS);
        for told in oslo.told.values().filter_map(|one| one.bidding.as_ref()) {
            prop_assert_eq!(Some(&told.name), room.map(|room| &room.name));
        }
        prop_assert!(oslo.told.keys().all(|(of, ..)| *of == server));
    }
}
