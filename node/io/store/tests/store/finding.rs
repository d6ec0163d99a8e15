//! Whom people find of this server without the Directory, however they type (ENT-03).

use crate::home::*;
use plenary_access::*;
use plenary_people::{Entry, EntryId, Kind, Quality, Query, meets};
use plenary_store::queries;
use std::time::Instant;

fn found(home: &Home, text: &str) -> Vec<String> {
    let hits = queries::search(&home.db, &name("root"), text, &[Kind::User], 100)
        .expect("reads")
        .hits;
    hits.into_iter().map(|hit| hit.entry.display_name).collect()
}

fn renamed(id: &str, display_name: &str) -> Change {
    let mut patch = UserPatch::default();
    patch.profile.display_name = Some(display_name.into());
    Change::UpdateUser {
        id: name(id),
        expect: None,
        patch,
    }
}

#[test]
fn own_people_are_found_as_they_sound() {
    let home = Home::with_users([
        called("a", "Пётр Щербаков"),
        called("b", "Jürgen Müller"),
        called("c", "Anna Martin"),
    ]);
    for typed in ["Shcherbakov", "щербаков", "scherb", "szczerbakow petr"] {
        assert_eq!(found(&home, typed), ["Пётр Щербаков"], "{typed}");
    }
    for typed in ["mueller", "muller", "Мюллер", "jurgen mu"] {
        assert_eq!(found(&home, typed), ["Jürgen Müller"], "{typed}");
    }
}

#[test]
fn what_somebody_is_found_by_follows_who_they_are() {
    let mut home = Home::with_users([called("anna", "Anna Martin"), called("bob", "Bob Li")]);
    assert_eq!(found(&home, "li"), ["Bob Li"]);
    home.ok(by("root"), renamed("anna", "Anna Olsen"));
    assert_eq!(found(&home, "martin"), Vec::<String>::new());
    assert_eq!(found(&home, "ols"), ["Anna Olsen"]);

    home.ok(by("root"), alias("press", "anna"));
    assert_eq!(found(&home, "press"), ["Anna Olsen"]);
    let to_bob = Change::UpdateAlias {
        id: name("press"),
        expect: None,
        target: Some(name("bob@paris.example.com")),
        note: None,
    };
    home.ok(by("root"), to_bob);
    assert_eq!(found(&home, "press"), ["Bob Li"]);
    let gone = Change::DeleteAlias {
        id: name("press"),
        expect: None,
    };
    home.ok(by("root"), gone);
    assert_eq!(found(&home, "press"), Vec::<String>::new());

    let gone = Change::DeleteUser {
        id: name("bob"),
        expect: None,
    };
    home.ok(by("root"), gone);
    assert_eq!(found(&home, "li"), Vec::<String>::new());
    assert_eq!(home.count("people"), 2, "anna and root");
    home.ok(by("root"), Change::CreateUser(called("bob", "Bob Lin")));
    assert_eq!(found(&home, "li"), ["Bob Lin"]);
    assert_eq!(
        found(&home.copied(), "bob li"),
        ["Bob Lin"],
        "a copy knows it, too"
    );
}

#[test]
fn a_state_from_before_people_had_words_is_opened() {
    let mut home = Home::with_users([called("anna", "Anna Martin")]);
    home.ok(by("root"), alias("press", "anna"));
    let digest = home.digest();
    home.db
        .execute_batch(
            "DROP TABLE people; DROP TABLE people_parts; DROP TABLE acme; PRAGMA user_version = 27",
        )
        .expect("writes");
    home.reopen();
    assert_eq!(found(&home, "press mart"), ["Anna Martin"]);
    assert_eq!(
        home.digest(),
        digest,
        "nodes are alike whether they have it or not"
    );
}

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn throw(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (self.0 >> 33) as usize % sides
    }

    /// A name that is like many others.
    fn name(&mut self, syllables: usize) -> String {
        const SYLLABLES: [&str; 12] = [
            "ma", "ri", "an", "tor", "li", "sö", "be", "nak", "o", "chu", "щу", "ко",
        ];
        (0..=self.throw(syllables))
            .map(|_| SYLLABLES[self.throw(SYLLABLES.len())])
            .collect()
    }
}

/// By reading through everybody.
fn by_reading(people: &[Entry], text: &str) -> Vec<String> {
    let query = Query::parse(text).expect("short");
    let all = people
        .iter()
        .filter_map(|entry| Some((meets(&query, entry)?, entry)));
    let (typed, mistyped): (Vec<_>, Vec<_>) = all.partition(|(quality, _)| *quality < Quality::Typo);
    let best = if typed.is_empty() { mistyped } else { typed };
    let mut names: Vec<String> = best.iter().map(|(_, entry)| entry.display_name.clone()).collect();
    names.sort();
    names
}

#[test]
fn whoever_is_found_by_reading_through_everybody_is_found() {
    let mut dice = Dice(7);
    let mut people = Vec::new();
    let mut users = Vec::new();
    for n in 0..60 {
        let display_name = format!("{} {}", dice.name(3), dice.name(4));
        let id = format!("u{n}");
        users.push(called(&id, &display_name));
        let server = name("paris.example.com");
        let kind = Kind::User;
        people.push(Entry::new(EntryId { server, kind, id }, display_name));
    }
    let home = Home::with_users(users);
    let mut met = 0;
    for _ in 0..600 {
        let display_name = &people[dice.throw(people.len())].display_name;
        let mut typed: Vec<char> = display_name.chars().collect();
        let begin = dice.throw(3).min(typed.len() - 1);
        typed.drain(..begin);
        typed.truncate(1 + dice.throw(9));
        if typed.len() > 3 && dice.throw(2) == 0 {
            let at = dice.throw(typed.len() - 1);
            match dice.throw(4) {
                0 => typed[at] = 'x',
                1 => typed.insert(at, 'x'),
                2 => drop(typed.remove(at)),
                _ => typed.swap(at, at + 1),
            }
        }
        let typed: String = typed.into_iter().collect();
        let expected = by_reading(&people, &typed);
        let mut names = found(&home, &typed);
        names.retain(|name| name != "root");
        names.sort();
        assert_eq!(names, expected, "{typed}");
        met += usize::from(!expected.is_empty());
    }
    assert!(met > 300, "{met}");
}

/// `cargo test --release -p plenary-store -- --ignored milliseconds --nocapture`
#[test]
#[ignore = "says how long searches take"]
fn searches_take_so_many_milliseconds() {
    for most in [10_000, 100_000] {
        let mut dice = Dice(3);
        let mut home = Home::founded();
        let since = Instant::now();
        let mut names = Vec::new();
        for batch in 0..most / 1_000 {
            let commands: Vec<_> = (0..1_000)
                .map(|n| {
                    let display_name = format!("{} {}", dice.name(3), dice.name(4));
                    names.push(display_name.clone());
                    let id = format!("user{}", batch * 1_000 + n);
                    plain(system(), Change::CreateUser(called(&id, &display_name)))
                })
                .collect();
            home.batch(&commands);
        }
        let made = since.elapsed();
        for (what, letters, mistyped) in [
            ("2 letters", 2, false),
            ("3 letters", 3, false),
            ("a whole name", 40, false),
            ("a typo", 40, true),
        ] {
            let mut took: Vec<_> = (0..200)
                .map(|_| {
                    let name = &names[dice.throw(names.len())];
                    let mut typed: Vec<char> = name.chars().take(letters).collect();
                    if mistyped && typed.len() > 4 {
                        typed.swap(1, 2);
                    }
                    let typed: String = typed.into_iter().collect();
                    let since = Instant::now();
                    found(&home, &typed);
                    since.elapsed()
                })
                .collect();
            took.sort();
            eprintln!(
                "{most} accounts (made in {made:.1?}), {what}: p50 {:.1?}, p99 {:.1?}",
                took[took.len() / 2],
                took[took.len() * 99 / 100]
            );
        }
    }
}
