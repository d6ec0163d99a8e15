//! Thousands join one conference on three nodes, by signalling alone: how long until all are in, what each of them costs,
//! and how soon all hear of a change of the podium.

mod board;
mod door;
mod visitor;

use crate::{
    figures::{Line, Spread},
    machine::Used,
    quickstart::Quickstart,
    sfu::{prepare, resident},
};
use anyhow::{Context as _, ensure};
use board::{Board, Change, Counted};
use plenary_signalling::{
    ClientBody,
    meeting::{Act, Moderate},
};
use std::{
    path::PathBuf,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet, time::sleep};
use visitor::{Pass, Visitor};

const CID: &str = "crowd";
const LOOK: Duration = Duration::from_millis(20);
/// How long all may take to be in, and to hear of a change.
const IN_WITHIN: Duration = Duration::from_secs(600);
const HEARD_WITHIN: Duration = Duration::from_secs(60);
/// After the last one has come, before anything is measured at rest.
const SETTLE: Duration = Duration::from_secs(5);
/// So many of those who came last take turns on the podium: they are none of those of whom all hear anyway.
const SPEAKERS: usize = 10;

#[derive(clap::Args)]
pub(crate) struct Crowd {
    /// Print one line of JSON for each figure
    #[arg(long)]
    json: bool,
    /// The program to measure; without it, plenary-node beside this one
    #[arg(long, value_name = "FILE")]
    binary: Option<PathBuf>,
    /// How many join: a moderator with an account, and guests
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(20..=2_000))]
    people: u32,
    /// How many begin to join in a second, spread over the nodes
    #[arg(long, default_value_t = 40)]
    a_second: u32,
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// How often somebody is given the podium, and as often it is taken
    #[arg(long, default_value_t = 10)]
    changes: u32,
    /// Seconds at rest, with all in, over which the processor is measured
    #[arg(long, default_value_t = 10)]
    rest_seconds: u64,
    /// Milliseconds between two signs of life of a client; pages give four a second
    #[arg(long, default_value_t = 250)]
    beat_ms: u64,
    /// Seconds that all stay in afterwards; for looking at it with a browser
    #[arg(long, default_value_t = 0)]
    stay_seconds: u64,
}

/// What the nodes have used, and the clients.
#[derive(Clone, Copy)]
struct Cost {
    nodes: Used,
    clients: Used,
}

/// What was found.
struct Found {
    all_in: Duration,
    after_joining: Counted,
    joining: Cost,
    memory_kib: [u64; 2],
    rest: Cost,
    arrivals: Vec<Duration>,
    changing: Cost,
    change_bytes: u64,
    end: Counted,
}

impl Crowd {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let binary = prepare(self.binary.as_deref())?;
        let folder = tempfile::tempdir()?;
        let data = folder.path().join("plenary");
        let server = Quickstart::start(Command::new(&binary), &data, self.nodes).await?;
        door::seat(&server, self.people as usize).await?;
        door::open(&server, CID).await?;
        let begun = Instant::now();
        let guests = door::guests(&server, CID, self.people as usize - 1).await?;
        eprintln!(
            "{} guests have tokens after {:.1} s",
            guests.len(),
            begun.elapsed().as_secs_f64()
        );
        let found = self.measure(&server, guests).await?;
        self.report(&found)
    }

    async fn measure(&self, server: &Quickstart, guests: Vec<String>) -> anyhow::Result<Found> {
        let board = Arc::new(Board::new());
        let (orders, to_moderator) = mpsc::unbounded_channel();
        let mut visitors = JoinSet::new();
        let urls = server.urls();
        let pass = |number: usize, token: &str| Pass {
            number,
            node: urls[number % urls.len()].clone(),
            token: token.to_owned(),
            cid: CID.to_owned(),
        };
        let beat = Duration::from_millis(self.beat_ms);
        let moderator = pass(0, server.admin());
        visitors.spawn(Visitor::new(moderator, beat, board.clone(), to_moderator).attend());
        until(&board, 1, IN_WITHIN).await?;
        let before = Cost::by(server)?;
        let memory = resident(&server.pids())?;
        let (begun, mut silent) = (Instant::now(), Vec::new());
        for (number, token) in (1..).zip(&guests) {
            let at = begun + Duration::from_secs_f64(number as f64 / f64::from(self.a_second));
            tokio::time::sleep_until(at.into()).await;
            let (order, none) = mpsc::unbounded_channel();
            silent.push(order);
            visitors.spawn(Visitor::new(pass(number, token), beat, board.clone(), none).attend());
        }
        until(&board, self.people as usize, IN_WITHIN).await?;
        let all_in = begun.elapsed();
        sleep(SETTLE).await;
        let joining = Cost::by(server)?.since(before);
        let after_joining = board.counted();
        eprintln!("all are in after {:.1} s", all_in.as_secs_f64());
        let memory_kib = [memory, resident(&server.pids())?];
        let before = Cost::by(server)?;
        sleep(Duration::from_secs(self.rest_seconds)).await;
        let rest = Cost::by(server)?.since(before);
        let (before, bytes) = (Cost::by(server)?, board.counted().bytes);
        let arrivals = self.change(&board, &orders).await?;
        let changing = Cost::by(server)?.since(before);
        let end = board.counted();
        if self.stay_seconds > 0 {
            eprintln!("all stay for {} s: {}/m/{CID}", self.stay_seconds, urls[0]);
            sleep(Duration::from_secs(self.stay_seconds)).await;
        }
        Ok(Found {
            all_in,
            joining,
            memory_kib,
            rest,
            arrivals,
            changing,
            change_bytes: end.bytes - bytes,
            after_joining,
            end,
        })
    }

    /// One after the other gets the podium and loses it; gives when each of all heard of each change.
    async fn change(
        &self,
        board: &Board,
        orders: &mpsc::UnboundedSender<ClientBody>,
    ) -> anyhow::Result<Vec<Duration>> {
        let places = board.counted().places;
        let speakers: Vec<_> = places.values().rev().take(SPEAKERS).copied().collect();
        let mut all = Vec::new();
        for number in 0..2 * self.changes {
            let change = Change {
                number: u64::from(number) + 1,
                participant: speakers[number as usize / 2 % speakers.len()],
                up: number.is_multiple_of(2),
                began: Instant::now(),
            };
            board.begin(change);
            let act = if change.up {
                Act::GivePodium
            } else {
                Act::TakePodium
            };
            orders.send(ClientBody::Moderate(Moderate {
                participant: Some(change.participant),
                ..Moderate::from(act)
            }))?;
            while board.arrivals() < self.people as usize {
                ensure!(
                    change.began.elapsed() < HEARD_WITHIN,
                    "{} of {} heard of a change; refused {:?}",
                    board.arrivals(),
                    self.people,
                    board.counted().refused
                );
                sleep(LOOK).await;
            }
            all.extend(board.counted().arrived);
            // The next one begins at any moment of a node's rhythm.
            sleep(Duration::from_millis(rand::random_range(300..800))).await;
        }
        Ok(all)
    }

    fn report(&self, found: &Found) -> anyhow::Result<()> {
        let people = f64::from(self.people);
        let joined = &found.after_joining;
        let ms = |all: &[Duration], part| at(all, part).as_secs_f64() * 1_000.0;
        let sum = |all: &std::collections::BTreeMap<String, u64>| all.values().sum::<u64>() as f64;
        let per_person = |cost: Used| cost.cpu.as_secs_f64() * 1_000.0 / people;
        let a_second = |cost: Used| cost.cpu.as_secs_f64() * 1_000.0 / self.rest_seconds.max(1) as f64;
        let changes = f64::from(2 * self.changes);
        // While they came, half of them were in; all were afterwards.
        let beats = a_second(found.rest.nodes) * (found.all_in.as_secs_f64() / 2.0 + SETTLE.as_secs_f64());
        let seconds = found.all_in.as_secs_f64() + SETTLE.as_secs_f64();
        let mut join_bytes = joined.joined_bytes.clone();
        join_bytes.sort_unstable();
        let median_bytes = join_bytes.get(join_bytes.len() / 2).copied().unwrap_or(0);
        let lines = [
            ("all in", "s", found.all_in.as_secs_f64()),
            ("join p50", "ms", ms(&joined.joined, 0.50)),
            ("join p99", "ms", ms(&joined.joined, 0.99)),
            ("join worst", "ms", ms(&joined.joined, 1.0)),
            ("joins asked again", "", found.end.retried as f64),
            ("refused", "", sum(&found.end.refused)),
            ("connections lost", "", sum(&found.end.lost)),
            ("bytes until one is in, p50", "KiB", median_bytes as f64 / 1024.0),
            (
                "bytes to each while all came",
                "KiB",
                joined.bytes as f64 / people / 1024.0,
            ),
            (
                "messages about people to each a second while all came",
                "",
                joined.rosters as f64 / people / seconds,
            ),
            (
                "processor of the nodes a join",
                "ms",
                per_person(found.joining.nodes),
            ),
            (
                "the same without signs of life",
                "ms",
                per_person(found.joining.nodes) - beats / people,
            ),
            (
                "processor of the clients a join",
                "ms",
                per_person(found.joining.clients),
            ),
            (
                "memory of the nodes for each",
                "KiB",
                found.memory_kib[1].saturating_sub(found.memory_kib[0]) as f64 / people,
            ),
            (
                "processor of the nodes at rest",
                "ms/s",
                a_second(found.rest.nodes),
            ),
            (
                "processor of the clients at rest",
                "ms/s",
                a_second(found.rest.clients),
            ),
            ("podium to all p50", "ms", ms(&found.arrivals, 0.50)),
            ("podium to all p99", "ms", ms(&found.arrivals, 0.99)),
            ("podium to all worst", "ms", ms(&found.arrivals, 1.0)),
            (
                "bytes to each for a change",
                "B",
                found.change_bytes as f64 / people / changes,
            ),
            (
                "processor of the nodes a change",
                "ms",
                found.changing.nodes.cpu.as_secs_f64() * 1_000.0 / changes,
            ),
        ];
        if !self.json {
            println!(
                "| {} people on {} nodes, {} a second | value |",
                self.people, self.nodes, self.a_second
            );
            println!("| --- | ---: |");
        }
        for (name, unit, value) in lines {
            self.print(name, unit, value)?;
        }
        for (why, times) in found.end.refused.iter().chain(&found.end.lost) {
            eprintln!("{times} times: {why}");
        }
        ensure!(found.end.refused.is_empty(), "somebody was refused");
        Ok(())
    }

    fn print(&self, name: &str, unit: &'static str, value: f64) -> anyhow::Result<()> {
        let spread = Spread::of([value].into_iter());
        if self.json {
            let line = Line {
                name: format!("crowd: {name}"),
                unit,
                ours: value,
                peer: None,
                peer_name: None,
                ratio: None,
                rounds: 1,
                conditions: format!(
                    "{} people join a conference on {} nodes, {} a second",
                    self.people, self.nodes, self.a_second
                ),
                ours_between: spread.between(),
                peer_between: None,
            };
            println!("{}", serde_json::to_string(&line)?);
        } else {
            let comma = if unit.is_empty() { "" } else { ", " };
            println!("| {name}{comma}{unit} | {value:.1} |");
        }
        Ok(())
    }
}

impl Cost {
    fn by(server: &Quickstart) -> anyhow::Result<Self> {
        let mut nodes = server.pids().into_iter().map(Used::of);
        Ok(Self {
            nodes: nodes.try_fold(Used::default(), |sum, one| anyhow::Ok(sum.plus(one?)))?,
            clients: Used::of(std::process::id()).context("of this process")?,
        })
    }

    fn since(self, before: Self) -> Self {
        Self {
            nodes: self.nodes.since(before.nodes),
            clients: self.clients.since(before.clients),
        }
    }
}

/// Waits until so many are in.
async fn until(board: &Board, count: usize, patience: Duration) -> anyhow::Result<()> {
    let begun = Instant::now();
    while board.people_in() < count {
        if begun.elapsed() > patience {
            let Counted { refused, lost, .. } = board.counted();
            anyhow::bail!(
                "{} of {count} are in after {} s; refused {refused:?}, lost {lost:?}",
                board.people_in(),
                patience.as_secs()
            );
        }
        sleep(LOOK).await;
    }
    Ok(())
}

/// The value below which this part of all lies.
fn at(all: &[Duration], part: f64) -> Duration {
    let mut sorted = all.to_vec();
    sorted.sort_unstable();
    let place = (sorted.len() as f64 * part).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or_default()
}
