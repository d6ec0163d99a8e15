//! How conferences are set up, kept under names (CONF-16).

use crate::{registration::form, world::*};
use plenary_access::{AdminRole, Outcome, Refusal};
use plenary_conference::*;
use plenary_model::{Revision, Timestamp, UserName, limits};

pub(crate) fn template(title: &str) -> NewTemplate {
    NewTemplate {
        name: title.into(),
        for_all: false,
        description: String::new(),
        access: Access::Internal,
        settings: SettingsPatch::default(),
        launch: TemplateLaunch::VirtualRoom,
    }
}

pub(crate) fn keep(title: &str) -> Change {
    Change::CreateTemplate(template(title))
}

fn naming(title: &str, moderators: &[&str], invited: &[&str]) -> NewTemplate {
    let names = |names: &[&str]| Some(names.iter().map(|user| name(user)).collect());
    NewTemplate {
        settings: SettingsPatch {
            moderators: names(moderators),
            invited: names(invited),
            ..SettingsPatch::default()
        },
        ..template(title)
    }
}

fn made(world: &mut World, by: &plenary_access::rules::Asker, new: NewTemplate) -> TemplateId {
    match world.run(by, &Change::CreateTemplate(new)).expect("good") {
        Outcome::Revision(revision) => TemplateId(revision.0),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn change(id: TemplateId, patch: TemplatePatch) -> Change {
    Change::UpdateTemplate {
        id,
        expect: None,
        patch,
    }
}

fn renamed(id: TemplateId, title: &str) -> Change {
    let patch = TemplatePatch {
        name: Some(title.into()),
        ..TemplatePatch::default()
    };
    change(id, patch)
}

fn for_all(id: TemplateId, for_all: bool) -> Change {
    let patch = TemplatePatch {
        for_all: Some(for_all),
        ..TemplatePatch::default()
    };
    change(id, patch)
}

fn gone(id: TemplateId) -> Change {
    Change::DeleteTemplate { id, expect: None }
}

fn wrong(refusal: Refusal) -> String {
    match refusal {
        Refusal::Invalid { field, .. } => field,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_may_make_conferences_keeps_templates_that_are_theirs() {
    let mut world = World::new();
    let id = made(&mut world, &user("alice"), template(" Weekly  "));
    let kept = world.template(id).expect("there");
    assert_eq!(
        (kept.name.as_str(), kept.owner.as_str(), kept.for_all),
        ("Weekly", "alice", false)
    );
    assert_eq!(kept.revision, Revision(id.0), "the ID is the first revision");
    for asker in [
        powerless("bob", AdminRole::None),
        powerless("bob", AdminRole::Security),
    ] {
        assert_eq!(world.refuses(&asker, &keep("Mine")).code(), "forbidden");
    }
    assert_eq!(world.refuses(&system(), &keep("Nobody's")).code(), "forbidden");
    made(&mut world, &root(), template("Weekly"));
    world.run(&user("alice"), &renamed(id, "Other")).expect("hers");
    // What is one's own stays so, also without the right to make more.
    let alice = powerless("alice", AdminRole::None);
    world.run(&alice, &gone(id)).expect("hers");
    assert_eq!(world.refuses(&user("alice"), &gone(id)).code(), "not-found");
    let told: Vec<&str> = world
        .events
        .iter()
        .map(|event| event.description.as_str())
        .collect();
    assert_eq!(told, ["created", "created", "changed", "deleted"]);
}

#[test]
fn others_do_not_learn_that_a_template_is_there_and_administrators_change_it() {
    let mut world = World::new();
    let id = made(&mut world, &user("alice"), template("Weekly"));
    for change in [renamed(id, "Other"), gone(id), renamed(TemplateId(7), "Other")] {
        assert_eq!(world.refuses(&user("bob"), &change).code(), "not-found");
    }
    world.run(&root(), &renamed(id, "Other")).expect("full");
    let stale = Change::DeleteTemplate {
        id,
        expect: Some(Revision(id.0)),
    };
    assert_eq!(world.refuses(&user("alice"), &stale).code(), "stale");
}

#[test]
fn only_full_administrators_share_and_change_what_is_for_all() {
    let mut world = World::new();
    let id = made(&mut world, &user("alice"), template("Weekly"));
    assert_eq!(
        world.refuses(&user("alice"), &for_all(id, true)).code(),
        "forbidden"
    );
    let shared = NewTemplate {
        for_all: true,
        ..template("House")
    };
    let refusal = world.refuses(&user("alice"), &Change::CreateTemplate(shared.clone()));
    assert_eq!(refusal.code(), "forbidden");
    made(&mut world, &root(), shared);
    world.run(&root(), &for_all(id, true)).expect("full");
    for change in [renamed(id, "Other"), gone(id), for_all(id, false)] {
        for who in ["alice", "bob"] {
            assert_eq!(world.refuses(&user(who), &change).code(), "forbidden");
        }
    }
    world.run(&root(), &for_all(id, false)).expect("full");
    world.run(&user("alice"), &gone(id)).expect("hers again");
}

#[test]
fn a_template_for_all_has_no_pin() {
    let mut world = World::new();
    let secret = SettingsPatch {
        pin: Some(Put::To(Pin("4711".into()))),
        ..SettingsPatch::default()
    };
    let new = NewTemplate {
        settings: secret.clone(),
        ..template("Secret")
    };
    let id = made(&mut world, &user("alice"), new);
    assert_eq!(wrong(world.refuses(&root(), &for_all(id, true))), "pin");
    let open = TemplatePatch {
        for_all: Some(true),
        settings: SettingsPatch {
            pin: Some(Put::Nothing),
            ..SettingsPatch::default()
        },
        ..TemplatePatch::default()
    };
    world.run(&root(), &change(id, open)).expect("without it");
    let patch = TemplatePatch {
        settings: secret,
        ..TemplatePatch::default()
    };
    assert_eq!(wrong(world.refuses(&root(), &change(id, patch))), "pin");
    let told = format!("{:?}", world.events);
    assert!(!told.contains("4711"), "a PIN is never told");
}

#[test]
fn an_owner_has_each_name_once() {
    let mut world = World::new();
    let id = made(&mut world, &user("alice"), template("Weekly"));
    let other = made(&mut world, &user("alice"), template("Daily"));
    for change in [keep("Weekly"), keep(" WEEKLY "), renamed(other, "weekly")] {
        assert_eq!(world.refuses(&user("alice"), &change).code(), "exists");
    }
    world
        .run(&user("alice"), &renamed(id, "WEEKLY"))
        .expect("its own");
    made(&mut world, &user("bob"), template("Weekly"));
}

#[test]
fn names_texts_and_hours_have_bounds() {
    let mut world = World::new();
    let long = "x".repeat(limits::CONFERENCE_NAME + 1);
    for title in ["", "  ", long.as_str(), "a\nb"] {
        assert_eq!(wrong(world.refuses(&user("alice"), &keep(title))), "name");
    }
    let hours = |zone: &str, minutes| NewTemplate {
        launch: TemplateLaunch::Scheduled(Hours {
            time: name("09:30"),
            zone: zone.into(),
            duration_minutes: minutes,
            days: [plenary_schedule::Weekday::Monday].into(),
        }),
        ..template("Weekly")
    };
    for (new, field) in [
        (hours("", None), "schedule.zone"),
        (hours(&"z".repeat(65), None), "schedule.zone"),
        (hours("Europe/Paris", Some(0)), "schedule.duration_minutes"),
        (hours("Europe/Paris", Some(14_401)), "schedule.duration_minutes"),
        (naming("Weekly", &["nobody"], &[]), "moderators"),
        (naming("Weekly", &[], &["nobody"]), "invited"),
    ] {
        let refusal = world.refuses(&user("alice"), &Change::CreateTemplate(new));
        assert_eq!(wrong(refusal), field);
    }
    made(&mut world, &user("alice"), hours("Europe/Paris", Some(60)));
}

#[test]
fn no_more_templates_than_the_limits() {
    let mut world = World::new();
    for number in 0..limits::TEMPLATES_PER_USER {
        made(
            &mut world,
            &user("alice"),
            template(&format!("Template {number}")),
        );
    }
    assert_eq!(world.refuses(&user("alice"), &keep("More")).code(), "conflict");
    world.run(&user("bob"), &keep("More")).expect("his first");
    world.more_templates = limits::TEMPLATES as u64;
    assert_eq!(world.refuses(&user("bob"), &keep("One more")).code(), "conflict");
}

#[test]
fn forms_of_templates_have_no_dates() {
    let mut world = World::new();
    let dated = Registration {
        on: true,
        opens_at: Some(Timestamp(5)),
        closes: Closes::At(Timestamp(9)),
        closed: true,
        ..Registration::default()
    };
    let public = NewTemplate {
        access: Access::Public,
        settings: form(dated.clone()),
        ..template("Webinar")
    };
    let id = made(&mut world, &user("alice"), public.clone());
    let kept = world
        .template(id)
        .expect("there")
        .settings
        .registration
        .expect("asked");
    assert_eq!(
        (kept.opens_at, kept.closes, kept.closed),
        (None, Closes::ByHand, false)
    );
    let inside = NewTemplate {
        access: Access::Internal,
        ..public.clone()
    };
    let at_start = NewTemplate {
        settings: form(Registration {
            closes: Closes::AtStart,
            ..dated
        }),
        ..public
    };
    for (new, field) in [
        (inside, "settings.registration"),
        (at_start, "settings.registration.closes"),
    ] {
        let new = NewTemplate {
            name: "Other".into(),
            ..new
        };
        let refusal = world.refuses(&user("alice"), &Change::CreateTemplate(new));
        assert_eq!(wrong(refusal), field);
    }
}

#[test]
fn templates_go_with_their_owner_and_names_with_their_accounts() {
    let mut world = World::new();
    let hers = made(
        &mut world,
        &user("alice"),
        naming("Weekly", &["bob"], &["bob", "root"]),
    );
    let his = made(&mut world, &user("bob"), naming("Weekly", &["alice"], &[]));
    world.follow(&[Fact::AccountRemoved(&name("bob"))]);
    assert!(world.template(his).is_none());
    let left = world.template(hers).expect("hers stays");
    let named: Vec<&str> = left.settings.named().map(UserName::as_str).collect();
    assert_eq!(named, ["root"]);
    // So that nobody who is gone stands in the way of a conference that is made from it.
    let new = NewConference {
        settings: SettingsPatch {
            moderators: Some(left.settings.moderators.into_keys().collect()),
            invited: Some(left.settings.invited.into_keys().collect()),
            ..SettingsPatch::default()
        },
        ..room("review")
    };
    world.run(&user("alice"), &Change::Create(new)).expect("made");
}

#[test]
fn several_accounts_that_go_at_once_are_all_forgotten() {
    let mut world = World::new();
    let id = made(&mut world, &user("alice"), naming("Weekly", &["bob"], &["root"]));
    world.follow(&[
        Fact::AccountRemoved(&name("bob")),
        Fact::AccountRemoved(&name("root")),
    ]);
    assert_eq!(world.template(id).expect("there").settings.named().count(), 0);
}

#[test]
fn older_nodes_do_not_read_commands_of_templates() {
    for change in [
        keep("Weekly"),
        renamed(TemplateId(1), "Other"),
        gone(TemplateId(1)),
    ] {
        assert_eq!(change.level(), TEMPLATES_LEVEL);
    }
}
