//! What holds for all people and all searches.

use plenary_model::ServerName;
use plenary_people::{
    Change, Closeness, Entry, EntryId, Field, Policy, Query, Rule, Servers, Share, SharedGroups, Viewer,
    fold, seen,
};
use plenary_people_index::{Hit, Index, samples::Samples};
use proptest::prelude::*;

const SERVERS: usize = 4;

fn samples() -> Samples {
    Samples::new(SERVERS)
}

fn puts(numbers: impl IntoIterator<Item = u64>) -> Vec<Change> {
    numbers
        .into_iter()
        .map(|number| Change::put(samples().person(number)))
        .collect()
}

fn viewer(server: usize) -> Viewer {
    let mut viewer = Viewer::new(samples().servers()[server].clone(), "somebody");
    viewer.groups = (0..60).map(|group| format!("g{group}")).collect();
    viewer.recent = (0..5).map(|number| samples().person(number * 7).id).collect();
    viewer
}

fn find(index: &Index, text: &str, limit: usize) -> Vec<Hit> {
    index.find(&Query::parse(text).expect("a good query"), &viewer(0), limit)
}

fn ids(hits: &[Hit]) -> Vec<&EntryId> {
    hits.iter().map(|hit| &hit.entry.id).collect()
}

/// Among few others, so that all who are found fit into the list.
fn finds(index: &Index, text: &str, entry: &Entry) -> bool {
    find(index, text, 100).iter().any(|hit| hit.entry == *entry)
}

/// With a letter of it changed.
fn mistyped(word: &str, kind: u8, at: usize) -> String {
    let mut letters: Vec<char> = word.chars().collect();
    let at = at % (letters.len() - 1);
    match kind % 4 {
        0 => letters.swap(at, at + 1),
        1 => letters[at] = if letters[at] == 'e' { 'o' } else { 'e' },
        2 => letters.insert(at, 'n'),
        _ => {
            letters.remove(at);
        }
    }
    letters.into_iter().collect()
}

fn shares() -> impl Strategy<Value = Share> {
    (0..4_u8, 0..512_u16).prop_map(|(groups, fields)| {
        let group = |number: u8| {
            (0..200)
                .filter(move |group| group % 3 == number)
                .map(|group| format!("g{group}"))
        };
        Share {
            groups: if groups == 0 {
                SharedGroups::All
            } else {
                SharedGroups::Only(group(0).collect())
            },
            hidden: if groups == 2 {
                group(1).collect()
            } else {
                [].into()
            },
            fields: Field::ALL
                .into_iter()
                .enumerate()
                .filter(|(at, _)| fields >> at & 1 == 1)
                .map(|(_, field)| field)
                .collect(),
            ..Share::default()
        }
    })
}

/// What happens to an index.
#[derive(Debug, Clone)]
enum Step {
    Put(Vec<u64>),
    Remove(u64),
    RemoveServer(usize),
    Share(usize, Share),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        5 => prop::collection::vec(0..80_u64, 1..12).prop_map(Step::Put),
        2 => (0..80_u64).prop_map(Step::Remove),
        1 => (0..SERVERS).prop_map(Step::RemoveServer),
        1 => (0..SERVERS, shares()).prop_map(|(server, share)| Step::Share(server, share)),
    ];
    prop::collection::vec(step, 1..12)
}

fn server(number: usize) -> ServerName {
    samples().servers()[number].clone()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn people_are_found_by_their_words_in_any_order_and_by_beginnings(number in 0..100_000_u64, others in 0..1_000_u64, cut in 3..8_usize) {
        let index = Index::in_memory();
        let person = samples().person(number);
        index.apply(&puts((others..others + 40).chain([number])));
        let text = format!("{} {} {} {}", person.display_name, person.id.id, person.job_title, person.department);
        for word in fold::words(&text) {
            prop_assert!(finds(&index, &word.plain, &person), "{}", word.plain);
            let start: String = word.plain.chars().take(cut).collect();
            prop_assert!(finds(&index, &start, &person), "{start}");
        }
        let mut words: Vec<&str> = person.display_name.split(' ').chain([person.email.as_str()]).collect();
        prop_assert!(finds(&index, &words.join(" "), &person));
        words.reverse();
        prop_assert!(finds(&index, &words.join(" "), &person));
        prop_assert!(finds(&index, &person.phones[0], &person));
    }

    #[test]
    fn a_typo_is_forgiven(number in 0..100_000_u64, others in 0..1_000_u64, kind in 0..4_u8, at in 0..20_usize) {
        let index = Index::in_memory();
        let person = samples().person(number);
        index.apply(&puts((others..others + 40).chain([number])));
        for word in fold::words(&person.display_name).filter(|word| word.plain.chars().count() >= 5) {
            let typed = mistyped(&word.plain, kind, at);
            prop_assert!(finds(&index, &typed, &person), "{typed} for {}", word.plain);
        }
    }

    #[test]
    fn nobody_is_found_who_may_not_be_seen(share in shares(), allow in any::<bool>(), number in 0..60_u64, length in 1..5_usize) {
        let index = Index::in_memory();
        index.apply(&puts(0..60));
        let policy = Policy::Rules(vec![
            Rule { viewers: Servers::All, seen: Servers::Like("s1.example.com".parse().expect("good")), allow },
            Rule { viewers: Servers::All, seen: Servers::Like("s2.example.com".parse().expect("good")), allow: true },
        ]);
        index.set_policy(policy.clone());
        index.set_share(&server(2), share.clone());
        let open = Share::default();
        let shown = |entry: &Entry| {
            let share = if entry.id.server == server(2) { &share } else { &open };
            seen(&policy, share, &viewer(0), entry)
        };
        let person = samples().person(number);
        for text in [&person.display_name, &person.email, &person.phones[0], &person.job_title, &person.id.id] {
            let typed: String = text.chars().take(length * 4).collect();
            let hits = find(&index, &typed, 100);
            for hit in &hits {
                let raw = index.entry(&hit.entry.id).expect("it is there");
                prop_assert_eq!(shown(&raw), Some(hit.entry.clone()));
            }
            // Who may not be seen takes no place: a shorter list is the beginning of the longer one.
            let few = find(&index, &typed, 3);
            prop_assert_eq!(ids(&few), ids(&hits)[..few.len()].to_vec());
            prop_assert_eq!(few.len(), hits.len().min(3));
        }
        prop_assert_eq!(index.view(&person.id, &viewer(0)), shown(&person));
        // What is not shared is not searched: nobody of that server is found by their phone.
        if !share.fields.contains(&Field::Phones) && person.id.server == server(2) {
            prop_assert!(find(&index, &person.phones[0], 100).iter().all(|hit| hit.entry.id != person.id));
        }
    }

    #[test]
    fn an_index_that_changed_is_one_that_was_built_anew(steps in steps()) {
        let index = Index::in_memory();
        let mut entries = std::collections::BTreeMap::new();
        let mut shares = std::collections::BTreeMap::new();
        for (at, step) in steps.into_iter().enumerate() {
            match step {
                Step::Put(numbers) => {
                    let mut changes = puts(numbers);
                    for change in &mut changes {
                        if let Change::Put(entry) = change {
                            entry.job_title = format!("{} {at}", entry.job_title);
                            entries.insert(entry.id.clone(), Entry::clone(entry));
                        }
                    }
                    index.apply(&changes);
                }
                Step::Remove(number) => {
                    let id = samples().person(number).id;
                    entries.remove(&id);
                    index.apply(&[Change::Remove(id)]);
                }
                Step::RemoveServer(number) => {
                    entries.retain(|id, _| id.server != server(number));
                    index.apply(&[Change::RemoveServer(server(number))]);
                }
                Step::Share(number, share) => {
                    index.set_share(&server(number), share.clone());
                    shares.insert(server(number), share);
                }
            }
        }
        index.settle();
        let anew = Index::in_memory();
        shares.into_iter().for_each(|(server, share)| anew.set_share(&server, share));
        let changes: Vec<Change> = entries.values().cloned().map(Change::put).collect();
        anew.apply(&changes);
        prop_assert_eq!(index.len(), entries.len());
        for text in ["a", "ma", "mar", "eng", "иван", "example", "anna m", "33", "+33 1", "mratin", "sales", "a@s1"] {
            prop_assert_eq!(find(&index, text, 10), find(&anew, text, 10), "{}", text);
        }
    }
}

/// Many small changes make large segments, which are merged while changes and searches go on.
#[test]
fn merging_on_a_thread_loses_nothing_and_brings_nothing_back() {
    let index = Index::in_memory();
    for page in 0..14 {
        index.apply(&puts(page * 500..(page + 1) * 500));
        // Some of the page before are gone again, while they may be on their way into a larger segment.
        let gone = (page.saturating_sub(1) * 500..page * 500).step_by(100);
        let gone: Vec<Change> = gone
            .map(|number| Change::Remove(samples().person(number).id))
            .collect();
        index.apply(&gone);
    }
    index.settle();
    let gone = 13 * 5;
    assert_eq!(index.len(), 14 * 500 - gone);
    assert_eq!(index.entry(&samples().person(100).id), None);
    let person = samples().person(3_501);
    let hits = find(&index, &person.id.id, 5);
    assert_eq!(hits.first().map(|hit| &hit.entry), Some(&person));
    index.apply(&[Change::RemoveServer(server(0))]);
    index.settle();
    assert!(
        index.len() < 6_000
            && find(&index, "mar", 50)
                .iter()
                .all(|hit| hit.closeness != Closeness::Server)
    );
}
