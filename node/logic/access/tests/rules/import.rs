use crate::world::*;
use plenary_access::*;
use plenary_model::{GroupId, limits};

fn row(line: u32, id: &str) -> ImportRow {
    ImportRow {
        line,
        id: name(id),
        patch: UserPatch::default(),
        group_names: None,
    }
}

fn in_groups(line: u32, id: &str, groups: &[&str]) -> ImportRow {
    ImportRow {
        group_names: Some(groups.iter().map(|group| (*group).to_owned()).collect()),
        ..row(line, id)
    }
}

fn with_email(line: u32, id: &str, email: &str) -> ImportRow {
    let mut row = row(line, id);
    row.patch.profile.email = Some(email.into());
    row
}

fn with_role(line: u32, id: &str, admin: AdminRole) -> ImportRow {
    let mut row = row(line, id);
    row.patch.admin = Some(admin);
    row
}

fn import(rows: Vec<ImportRow>) -> Change {
    let group_ids: Vec<GroupId> = (0..8).map(|at| name(&format!("g-new-{at}"))).collect();
    Change::ImportUsers { rows, group_ids }
}

/// Lines and fields that are wrong.
fn wrong(world: &mut World, rows: Vec<ImportRow>) -> Vec<(u32, String)> {
    match world.refused(by("root"), import(rows)) {
        Refusal::InvalidRows(errors) => errors
            .into_iter()
            .map(|error| (error.line, error.field))
            .collect(),
        other => panic!("not about rows: {other:?}"),
    }
}

fn at(errors: &[(u32, &str)]) -> Vec<(u32, String)> {
    errors
        .iter()
        .map(|(line, field)| (*line, (*field).to_owned()))
        .collect()
}

#[test]
fn rows_create_and_change_and_make_groups() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-sales", "Sales"));
    let mut bob = in_groups(2, "bob", &["SALES", "Paris"]);
    bob.patch.password = Some(hash("bob"));
    bob.patch.profile.first_name = Some("Bob".into());
    let outcome = world.ok(
        by("root"),
        import(vec![bob, in_groups(3, "alice", &["paris"]), row(4, "eye")]),
    );
    let expected = Outcome::Imported {
        created: 1,
        updated: 2,
        groups: 1,
    };
    assert_eq!(outcome, expected);
    world.check();
    let bob = world.user_of("bob");
    assert_eq!(bob.groups, names(&["g-sales", "g-new-0"]));
    assert_eq!(bob.profile.display_name, "bob");
    assert!(bob.has_password && bob.active);
    assert_eq!(world.user_of("alice").groups, names(&["g-new-0"]));
    assert!(
        world.passwords.contains_key(&name("alice")),
        "what is not given stays"
    );
    assert_eq!(world.group_of("g-new-0").name, "Paris");
}

#[test]
fn one_wrong_row_and_nothing_is_imported() {
    let mut world = World::founded();
    let mut bad = row(4, "dave");
    bad.patch.profile.first_name = Some("x".repeat(257));
    let mut limits = row(5, "erin");
    limits.patch.bandwidth = Some(Bandwidth {
        in_kbps: Some(1),
        out_kbps: None,
    });
    let rows = vec![
        in_groups(2, "bob", &["New"]),
        with_email(3, "carol", "nonsense"),
        bad,
        limits,
        row(6, "bob"),
    ];
    let errors = wrong(&mut world, rows);
    let expected = [
        (3, "email"),
        (4, "first_name"),
        (5, "bandwidth.in_kbps"),
        (6, "id"),
    ];
    assert_eq!(errors, at(&expected));
}

#[test]
fn emails_are_unique_within_the_file_and_beside_it() {
    let mut world = World::founded();
    world.ok(by("root"), import(vec![with_email(2, "alice", "a@example.com")]));
    let rows = vec![
        with_email(2, "bob", "B@example.com"),
        with_email(3, "carol", "b@EXAMPLE.com"),
        with_email(4, "dave", "A@example.com"),
        with_email(5, "alice", "a@example.com"),
    ];
    assert_eq!(wrong(&mut world, rows), at(&[(3, "email"), (4, "email")]));
}

#[test]
fn names_of_groups_are_compared_as_they_are_stored() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-sales", "Sales"));
    let rows = vec![
        in_groups(2, "bob", &[" Sales "]),
        in_groups(3, "carol", &["Lyon ", "lyon"]),
    ];
    let outcome = world.ok(by("root"), import(rows));
    assert!(matches!(outcome, Outcome::Imported { groups: 1, .. }));
    world.check();
    assert_eq!(world.user_of("bob").groups, names(&["g-sales"]));
}

#[test]
fn names_that_groups_cannot_have_are_told_by_line() {
    let mut world = World::founded();
    let long = "x".repeat(limits::GROUP_NAME + 1);
    let rows = vec![
        in_groups(2, "bob", &["Guests"]),
        in_groups(3, "carol", &["a\nb"]),
        in_groups(4, "dave", &[&long]),
        in_groups(5, "erin", &[" "]),
    ];
    let expected = [(2, "groups"), (3, "groups"), (4, "groups"), (5, "groups")];
    assert_eq!(wrong(&mut world, rows), at(&expected));
}

#[test]
fn an_account_is_in_so_many_groups_at_most() {
    let mut world = World::founded();
    let many: Vec<String> = (0..=limits::GROUPS_PER_USER).map(|at| format!("G{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let group_ids = (0..many.len()).map(|at| name(&format!("g-new-{at}"))).collect();
    let change = Change::ImportUsers {
        rows: vec![in_groups(2, "bob", &many)],
        group_ids,
    };
    assert!(matches!(
        world.refused(by("root"), change),
        Refusal::InvalidRows(_)
    ));
}

#[test]
fn new_groups_get_ids_that_nobody_has() {
    let mut world = World::founded();
    world.ok(by("root"), create_group("g-taken", "Taken"));
    let rows = || vec![in_groups(2, "bob", &["One", "Two"])];
    let ids = |ids: &[&str]| Change::ImportUsers {
        rows: rows(),
        group_ids: ids.iter().map(|id| name(id)).collect(),
    };
    for too_few in [
        ids(&["g-1"]),
        ids(&["g-1", "g-1"]),
        ids(&["g-taken", "guests", "g-1"]),
    ] {
        let refusal = world.refused(by("root"), too_few);
        assert!(matches!(refusal, Refusal::Conflict(_)));
    }
    world.ok(by("root"), ids(&["g-taken", "g-1", "g-1", "g-2"]));
    world.check();
}

#[test]
fn an_import_keeps_one_administrator() {
    let mut world = World::founded();
    let full = with_role(2, "second", AdminRole::Full);
    world.ok(by("root"), import(vec![full]));
    // Each of the two would leave the other one; both together leave nobody.
    let both = vec![
        with_role(2, "root", AdminRole::None),
        with_role(3, "second", AdminRole::Security),
    ];
    assert_eq!(wrong(&mut world, both), at(&[(2, "admin"), (3, "admin")]));
    // A role without an active account behind it counts for nothing.
    let mut asleep = with_role(4, "asleep", AdminRole::Full);
    asleep.patch.active = Some(false);
    world.ok(by("root"), import(vec![asleep]));
    let roles = || {
        vec![
            with_role(2, "root", AdminRole::None),
            with_role(3, "second", AdminRole::None),
        ]
    };
    let mut rows = roles();
    rows.push(with_role(4, "asleep", AdminRole::Full));
    assert_eq!(wrong(&mut world, rows), at(&[(2, "admin"), (3, "admin")]));
    let mut rows = roles();
    rows.push(with_role(4, "third", AdminRole::Full));
    world.ok(by("root"), import(rows));
    world.check();
}

#[test]
fn an_import_has_so_many_rows_at_most() {
    let mut world = World::founded();
    let rows = (0..=limits::IMPORT_ROWS)
        .map(|at| row(2 + at as u32, &format!("u{at}")))
        .collect();
    assert_eq!(world.bad_field(by("root"), import(rows)), "file");
}

#[test]
fn passwords_and_disabling_end_sessions() {
    let mut world = World::founded();
    world.sign_in("alice", "a").expect("good");
    world.sign_in("eye", "e").expect("good");
    let mut alice = row(2, "alice");
    alice.patch.active = Some(false);
    world.ok(by("root"), import(vec![alice, row(3, "eye")]));
    assert_eq!(world.sessions.keys().collect::<Vec<_>>(), ["e"]);
}
