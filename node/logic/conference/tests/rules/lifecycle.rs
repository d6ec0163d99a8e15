use crate::world::*;
use plenary_access::{FieldChange, Outcome, Topic};
use plenary_conference::*;
use plenary_model::{Revision, Timestamp};

#[test]
fn a_cid_is_there_once_and_free_again_after_deletion() {
    let mut world = World::new();
    world.run(&user("alice"), &create("review")).expect("good");
    for asker in [user("alice"), user("bob"), root()] {
        assert_eq!(world.refuses(&asker, &create("Review")).code(), "exists");
    }
    world.run(&user("alice"), &delete("review")).expect("good");
    world.run(&user("bob"), &create("review")).expect("good");
    assert_eq!(world.room("review").owner, name("bob"));
}

#[test]
fn a_change_of_what_was_changed_meanwhile_is_stale() {
    let mut world = World::new();
    let made = world.run(&user("alice"), &create("review")).expect("good");
    let Outcome::Revision(first) = made else {
        panic!("{made:?}")
    };
    world.run(&root(), &rename("review", "Other")).expect("good");
    let now = world.room("review").revision;
    let changes = |expect| {
        let (cid, expect) = (name("review"), Some(expect));
        let update = Change::Update {
            cid,
            expect,
            patch: Patch::default(),
        };
        let delete = Change::Delete {
            cid: name("review"),
            expect,
        };
        [update, delete]
    };
    for old in changes(first).into_iter().chain(changes(Revision(99))) {
        assert_eq!(world.refuses(&user("alice"), &old).code(), "stale");
    }
    let [update, _] = changes(now);
    world.run(&user("alice"), &update).expect("as it is now");
    let [_, delete] = changes(world.room("review").revision);
    world.run(&user("alice"), &delete).expect("as it is now");
}

#[test]
fn events_tell_what_was_and_what_is() {
    let mut world = World::new();
    world.run(&user("alice"), &create("review")).expect("good");
    let patch = Patch {
        description: Some(" Every week ".into()),
        access: Some(Access::Public),
        ..Patch::default()
    };
    world.run(&user("alice"), &update("review", patch)).expect("good");
    world.run(&root(), &delete("review")).expect("good");
    let field = |field: &str, before: Option<&str>, after: Option<&str>| FieldChange {
        field: field.into(),
        before: before.map(|text| format!("{text:?}")),
        after: after.map(|text| format!("{text:?}")),
    };
    let expected = [
        (
            "created",
            vec![
                field("name", None, Some("Room review")),
                field("owner", None, Some("alice")),
                field("access", None, Some("internal")),
            ],
        ),
        (
            "changed",
            vec![
                field("description", None, Some("Every week")),
                field("access", Some("internal"), Some("public")),
            ],
        ),
        (
            "deleted",
            vec![
                field("name", Some("Room review"), None),
                field("description", Some("Every week"), None),
                field("owner", Some("alice"), None),
                field("access", Some("public"), None),
            ],
        ),
    ];
    assert_eq!(world.events.len(), expected.len());
    for (event, (description, changes)) in world.events.iter().zip(expected) {
        assert_eq!(
            (event.object_kind, event.object.as_str()),
            ("conference", "review")
        );
        assert_eq!(
            (event.description.as_str(), &event.changes),
            (description, &changes)
        );
    }
    let told = world.notices.iter();
    let told = told.filter(|notice| notice.topic == Topic::Conferences && notice.object == "review");
    assert_eq!(told.count(), 3);
}

#[test]
fn times_tell_when_it_was_made_and_changed_last() {
    let mut world = World::new();
    world.run(&user("alice"), &create("review")).expect("good");
    world
        .run(&user("alice"), &rename("review", "Other"))
        .expect("good");
    let room = world.room("review");
    assert_eq!((room.created_at, room.updated_at), (Timestamp(1), Timestamp(2)));
}

#[test]
fn the_rooms_of_an_account_go_with_it() {
    let mut world = World::new();
    for (owner, cid) in [("alice", "one"), ("bob", "other"), ("alice", "two")] {
        world.run(&user(owner), &create(cid)).expect("good");
    }
    world.events.clear();
    world.follow(&[Fact::AccountRemoved(&name("alice"))]);
    let left: Vec<_> = world.conferences.keys().map(ToString::to_string).collect();
    assert_eq!(left, ["other"]);
    let told: Vec<_> = world.events.iter().map(|event| event.object.as_str()).collect();
    assert_eq!(told, ["one", "two"]);
}

#[test]
fn a_conference_whose_owner_is_disabled_goes_on_and_a_new_owner_takes_it_over() {
    let mut world = World::with_rooms();
    let moderators = SettingsPatch {
        moderators: Some(vec![name("bob")]),
        ..SettingsPatch::default()
    };
    let patch = Patch {
        settings: moderators,
        ..Patch::default()
    };
    world.run(&user("alice"), &update("open", patch)).expect("hers");
    world.ok(&enter("open", 1, account("alice")));
    world.ok(&enter("open", 2, account("bob")));
    world.follow(&[Fact::AccountDisabled(&name("alice"))]);
    assert_eq!(world.inside("open"), [2], "the meeting goes on without her");
    assert_eq!(world.room("open").owner, name("alice"), "hers when she is back");
    assert_eq!(
        world.room("open").role_of(world.place("open", 2)),
        Role::Moderator
    );
    let give = Patch {
        owner: Some(name("root")),
        ..Patch::default()
    };
    let by_bob = world.refuses(&user("bob"), &update("open", give.clone()));
    assert_eq!(by_bob.code(), "forbidden");
    world
        .run(&root(), &update("open", give))
        .expect("an administrator");
    world.ok(&enter("open", 3, account("root")));
    assert_eq!(world.room("open").role_of(world.place("open", 3)), Role::Owner);
    world.follow(&[Fact::AccountRemoved(&name("alice"))]);
    assert_eq!(world.inside("open"), [2, 3], "it is not hers any more");
    assert!(
        !world.conferences.contains_key(&name("inside")),
        "this one still was"
    );
    world.follow(&[Fact::AccountRemoved(&name("root"))]);
    assert!(world.participants.is_empty(), "all are out with the conference");
}
