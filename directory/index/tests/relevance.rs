//! What people find first: each row of `relevance.tsv`, among the people of `people.tsv` and thousands of others.

use plenary_model::ServerName;
use plenary_people::{Change, Entry, EntryId, Kind, Query, Viewer};
use plenary_people_index::{Index, samples::Samples};

/// People who are in the way.
const OTHERS: u64 = 3_000;

fn server(name: &str) -> ServerName {
    format!("{name}.example.com").parse().expect("a good name")
}

fn list(text: &str, between: char) -> Vec<String> {
    let items = text
        .split(between)
        .filter(|item| !item.is_empty() && *item != "-");
    items.map(str::to_owned).collect()
}

fn rows(table: &'static str) -> impl Iterator<Item = Vec<&'static str>> {
    table.lines().skip(1).map(|line| line.split('\t').collect())
}

fn people() -> Vec<Entry> {
    let entry = |row: Vec<&str>| {
        let [
            kind,
            of,
            id,
            display_name,
            first,
            last,
            email,
            phones,
            title,
            department,
            groups,
            aliases,
        ] = row[..]
        else {
            panic!("{row:?} has not twelve columns");
        };
        let kind = Kind::ALL.into_iter().find(|known| known.as_str() == kind);
        let id = EntryId {
            server: server(of),
            kind: kind.expect("a kind"),
            id: id.into(),
        };
        let mut entry = Entry::new(id, display_name);
        entry.first_name = first.into();
        entry.last_name = last.into();
        entry.email = email.into();
        entry.phones = list(phones, ';');
        entry.job_title = title.into();
        entry.department = department.into();
        entry.groups = list(groups, ',');
        entry.aliases = list(aliases, ',');
        entry.check().expect("a good entry");
        entry
    };
    rows(include_str!("people.tsv")).map(entry).collect()
}

/// Somebody of the sales department who talked to one person lately.
fn viewer(of: &str) -> Viewer {
    let mut viewer = Viewer::new(server(of), "alice");
    viewer.groups = vec!["sales".into()];
    if of == "paris" {
        viewer.recent = vec![EntryId {
            server: server("berlin"),
            kind: Kind::User,
            id: "lina.vandenberg".into(),
        }];
    }
    viewer
}

#[test]
fn the_first_hits_are_those_of_the_table() {
    let index = Index::in_memory();
    let samples = Samples::new(20);
    // Without namesakes, who would be found as rightly.
    let names: Vec<String> = people().into_iter().map(|entry| entry.last_name).collect();
    let others = (0..OTHERS).map(|number| samples.person(number));
    let others = others.filter(|other| !names.contains(&other.last_name));
    let all: Vec<Change> = people().into_iter().chain(others).map(Change::put).collect();
    index.apply(&all);
    let mut faults = Vec::new();
    let mut count = 0;
    for row in rows(include_str!("relevance.tsv")) {
        let [of, text, expected, shows] = row[..] else {
            panic!("{row:?} has not four columns");
        };
        count += 1;
        let expected = list(expected, ' ');
        let hits = index.find(&Query::parse(text).expect("a good query"), &viewer(of), 10);
        let found: Vec<&str> = hits.iter().map(|hit| hit.entry.id.id.as_str()).collect();
        if found.get(..expected.len()).is_none_or(|found| found != expected) {
            faults.push(format!("{text} ({shows}): {found:?} instead of {expected:?}"));
        }
    }
    assert!(count >= 60, "the table has {count} rows");
    assert!(
        faults.is_empty(),
        "{} of {count}:\n{}",
        faults.len(),
        faults.join("\n")
    );
}
