//! What is remembered of who sees whom ends with what it was found out from.

use plenary_model::ServerName;
use plenary_people::{Change, Entry, EntryId, Kind, Policy, Query, Rule, Servers, Viewer};
use plenary_people_index::Index;

fn server(name: &str) -> ServerName {
    name.parse().expect("a good name")
}

fn person(of: &str) -> Change {
    let id = EntryId {
        server: server(of),
        kind: Kind::User,
        id: "alice".into(),
    };
    Change::put(Entry::new(id, "Alice Martin"))
}

#[test]
fn servers_that_come_and_rules_that_change_count_at_once() {
    let index = Index::in_memory();
    let query = Query::parse("alice").expect("good");
    let found = || {
        let viewer = Viewer::new(server("lab.example.com"), "bob");
        let hits = index.find(&query, &viewer, 10);
        let mut servers: Vec<String> = hits.iter().map(|hit| hit.entry.id.server.to_string()).collect();
        servers.sort();
        servers
    };
    let (oslo, paris) = ("oslo.example.com", "paris.example.com");
    index.apply(&[person(paris)]);
    assert_eq!(found(), [paris]);
    index.apply(&[person(oslo)]);
    assert_eq!(found(), [oslo, paris]);
    let like = |mask: &str| Servers::Like(mask.parse().expect("a good mask"));
    let rule = |seen, allow| Rule {
        viewers: like("lab.example.com"),
        seen,
        allow,
    };
    index.set_policy(Policy::Rules(vec![
        rule(like(paris), false),
        rule(Servers::All, true),
    ]));
    assert_eq!(found(), [oslo]);
    index.set_policy(Policy::All);
    assert_eq!(found(), [oslo, paris]);
}
