//! How long searches take among a million people (docs/decisions/0021): alone, at 200 in a second, and while people change.
//!
//! `cargo run --release -p plenary-people-index --features samples --example measure -- 1000000`

#![allow(clippy::print_stdout, reason = "it prints what it measured")]

use plenary_people::{Change, Query, Viewer};
use plenary_people_index::{
    Index,
    samples::{Samples, Typed},
};
use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

const SERVERS: usize = 50;
const QUERIES: u64 = 2_000;
const PER_SECOND: f64 = 200.0;
const SECONDS: u64 = 15;

type Ask = (&'static str, Query, Viewer);

fn main() {
    let people: u64 = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let samples = Samples::new(SERVERS);
    let index = Index::in_memory();
    let start = Instant::now();
    index.apply(
        &(0..people)
            .map(|number| Change::put(samples.person(number)))
            .collect::<Vec<_>>(),
    );
    let megabytes = index.bytes() >> 20;
    println!(
        "{people} people made and indexed in {:.1?}, {megabytes} MB",
        start.elapsed()
    );
    let asks: Vec<Ask> = (0..QUERIES)
        .filter_map(|number| ask(&samples, people, number))
        .collect();
    let mut times: BTreeMap<&str, Vec<Duration>> = BTreeMap::new();
    for round in 0..2 {
        for (class, query, viewer) in &asks {
            let start = Instant::now();
            index.find(query, viewer, 10);
            if round == 1 {
                times.entry(class).or_default().push(start.elapsed());
                times.entry("all, alone").or_default().push(start.elapsed());
            }
        }
    }
    times.into_iter().for_each(|(class, times)| say(class, times));
    for changing in [false, true] {
        at_a_rate(&index, &samples, people, &asks, changing);
    }
}

fn ask(samples: &Samples, people: u64, number: u64) -> Option<Ask> {
    let Typed { class, words, viewer } = samples.typed(people, number)?;
    Some((class, Query::parse(&words.join(" ")).ok()?, viewer))
}

/// Searches as they come, whether the ones before are answered or not; times count from when they came.
fn at_a_rate(index: &Index, samples: &Samples, people: u64, asks: &[Ask], changing: bool) {
    let (next, times, findable) = (
        AtomicUsize::new(0),
        Mutex::new(Vec::new()),
        Mutex::new(Vec::new()),
    );
    let keep =
        |times: &Mutex<Vec<Duration>>, time| times.lock().unwrap_or_else(PoisonError::into_inner).push(time);
    let start = Instant::now();
    let all = (PER_SECOND * SECONDS as f64) as usize;
    let search = || loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= all {
            return;
        }
        let due = start + Duration::from_secs_f64(number as f64 / PER_SECOND);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (_, query, viewer) = &asks[number % asks.len()];
        index.find(query, viewer, 10);
        keep(&times, due.elapsed());
    };
    let change = || {
        for round in 0..SECONDS * 10 {
            let mut person = samples.person(round * 6_151 % people);
            person.job_title = format!("Xylophonist {round}");
            let query = Query::parse(&format!("{} {}", person.id.id, person.job_title));
            let (Ok(query), Some((_, _, viewer))) = (query, asks.first()) else {
                return;
            };
            let due = start + Duration::from_millis(100 * round);
            thread::sleep(due.saturating_duration_since(Instant::now()));
            let start = Instant::now();
            index.apply(&[Change::put(person)]);
            assert!(
                !index.find(&query, viewer, 1).is_empty(),
                "a change is found at once"
            );
            keep(&findable, start.elapsed());
        }
    };
    thread::scope(|scope| {
        scope.spawn(search);
        scope.spawn(search);
        if changing {
            scope.spawn(change);
        }
    });
    let title = if changing {
        "200 in a second, with changes"
    } else {
        "200 in a second"
    };
    say(title, times.into_inner().unwrap_or_else(PoisonError::into_inner));
    if changing {
        say(
            "a change until it is found",
            findable.into_inner().unwrap_or_else(PoisonError::into_inner),
        );
    }
}

fn say(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| {
        times
            .get(times.len() * part / 100)
            .or(times.last())
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{what}: {} times, p50 {:.1?}, p99 {:.1?}, most {:.1?}",
        times.len(),
        at(50),
        at(99),
        at(100)
    );
}
