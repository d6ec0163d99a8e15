//! Templates of conferences: kept, found, forgotten (CONF-16).

use crate::home::*;
use plenary_access::Outcome;
use plenary_conference::{
    Access, Change, NewTemplate, SettingsPatch, TemplateId, TemplateLaunch, TemplatePart, TemplatePatch,
    TemplateQuery,
};
use plenary_store::queries;

fn template(title: &str, moderators: &[&str]) -> NewTemplate {
    NewTemplate {
        name: title.into(),
        for_all: false,
        description: format!("As {title}"),
        access: Access::Internal,
        settings: SettingsPatch {
            moderators: Some(moderators.iter().map(|user| name(user)).collect()),
            ..SettingsPatch::default()
        },
        launch: TemplateLaunch::ByHand,
    }
}

fn made(home: &mut Home, by_user: &str, new: NewTemplate) -> TemplateId {
    match home.ok(by(by_user), Change::CreateTemplate(new)) {
        Outcome::Revision(revision) => TemplateId(revision.0),
        other => panic!("{other:?}"),
    }
}

/// Root is an administrator; Alice has two templates, one of which names Bob, and Root's is for all.
fn home() -> (Home, TemplateId) {
    let mut home = Home::with_users([new_user("alice"), new_user("bob")]);
    let hers = made(&mut home, "alice", template("Weekly", &["bob"]));
    made(&mut home, "alice", template("Écoute", &[]));
    let shared = NewTemplate {
        for_all: true,
        ..template("House", &[])
    };
    made(&mut home, "root", shared);
    (home, hers)
}

fn found(home: &Home, part: TemplatePart, text: &str) -> String {
    let query = TemplateQuery {
        list: search(text),
        part,
    };
    let page = queries::templates(&home.db, &query).expect("reads");
    assert_eq!(page.total, page.items.len() as u64);
    let names: Vec<&str> = page.items.iter().map(|found| found.name.as_str()).collect();
    names.join(" ")
}

fn snapshots_carry_them(home: &Home) {
    let copy = home.copied();
    assert_eq!(copy.digest(), home.digest());
    let all = |home: &Home| found(home, TemplatePart::All, "");
    assert_eq!(all(&copy), all(home));
}

#[test]
fn templates_are_listed_by_whose_they_are_and_found_by_words() {
    let (mut home, hers) = home();
    let usable = |who: &str| TemplatePart::Usable(name(who));
    assert_eq!(found(&home, usable("alice"), ""), "Écoute House Weekly");
    assert_eq!(found(&home, usable("bob"), ""), "House");
    assert_eq!(
        found(&home, TemplatePart::Own(name("alice")), ""),
        "Écoute Weekly"
    );
    assert_eq!(found(&home, TemplatePart::ForAll, ""), "House");
    assert_eq!(found(&home, TemplatePart::All, "alice WEEK"), "Weekly");
    let renamed = Change::UpdateTemplate {
        id: hers,
        expect: None,
        patch: TemplatePatch {
            name: Some("Monthly".into()),
            ..TemplatePatch::default()
        },
    };
    home.ok(by("alice"), renamed);
    let kept = queries::template(&home.db, hers).expect("reads").expect("there");
    assert_eq!(kept.name, "Monthly");
    home.reopen();
    assert_eq!(found(&home, TemplatePart::All, "monthly"), "Monthly");
    snapshots_carry_them(&home);
}

#[test]
fn a_deleted_account_takes_its_templates_along_and_is_named_in_none() {
    let (mut home, hers) = home();
    assert_eq!(home.count("template_people"), 1);
    let delete = |user: &str| plenary_access::Change::DeleteUser {
        id: name(user),
        expect: None,
    };
    home.ok(by("root"), delete("bob"));
    assert_eq!(home.count("template_people"), 0);
    let left = queries::template(&home.db, hers).expect("reads").expect("hers");
    assert!(left.settings.moderators.is_empty());
    home.ok(by("root"), delete("alice"));
    assert_eq!(found(&home, TemplatePart::All, ""), "House");
    snapshots_carry_them(&home);
}

#[test]
fn every_table_of_templates_is_part_of_the_digest() {
    let (home, _) = home();
    for (table, column) in [("templates", "search"), ("template_people", "user")] {
        let before = home.digest();
        let change = format!("UPDATE {table} SET {column} = {column} || 'x'");
        home.db.execute(&change, []).expect("writes");
        assert_ne!(home.digest(), before, "{table}");
    }
}

#[test]
fn a_state_from_before_there_were_templates_is_opened() {
    let mut home = Home::with_users([new_user("alice")]);
    before_templates(&home.db);
    home.db.pragma_update(None, "user_version", 9).expect("writes");
    home.reopen();
    assert_eq!(found(&home, TemplatePart::All, ""), "");
    made(&mut home, "alice", template("Weekly", &[]));
    assert_eq!(found(&home, TemplatePart::All, ""), "Weekly");
}
