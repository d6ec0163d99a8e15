//! Runs seeds and says which of them broke an invariant.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

use std::{process::ExitCode, time::Instant};

use clap::{Args, Parser, Subcommand};
use plenary_simulation::{
    leases, replication,
    seeds::{self, Outcome, Tally},
};

/// Run whole servers in virtual time, under faults that follow from a seed, and check what must always hold.
#[derive(Parser)]
#[command(
    name = "plenary-simulation",
    after_help = "Examples:\n  \
        plenary-simulation replication --seeds 500             look for a seed that breaks an invariant\n  \
        plenary-simulation replication --seeds 1 --from 17 --history   repeat one and see what happened\n  \
        plenary-simulation leases --mutant list                the planted faults\n  \
        plenary-simulation leases --mutant differences         how soon one is caught\n\n\
        Exit code: 0 if every invariant held (with --mutant: if it was caught), else 1."
)]
struct Cli {
    #[command(subcommand)]
    subject: Subject,
}

#[derive(Subcommand)]
enum Subject {
    /// Replicas of a state machine: log, elections, snapshots, members, proposals and fresh reads
    ///
    /// Three or five replicas for some virtual seconds. Messages are lost, late, doubled and cut off, nodes crash
    /// at any sync, disks are slow or fail, clocks are off, members are exchanged. All the while clients write and
    /// read. Then all faults end and the replicas must come to one state within a virtual minute.
    Replication(Run),
    /// Seats that a License Manager lends to servers
    ///
    /// A manager and two to four servers, each a Raft group, for half a virtual hour. Messages are lost, late and
    /// doubled, leaders change, nodes are cut off, stand still, crash and boot, clocks are off and set, servers are
    /// copied and restored, the manager is restored. No more seats may be used than there are. Then all faults end:
    /// demand must be met within seconds, and go on being met while the manager is away.
    Leases(Run),
}

#[derive(Args)]
struct Run {
    /// How many seeds to run
    #[arg(long, default_value_t = 100, value_name = "N")]
    seeds: u64,
    /// The first one
    #[arg(long, default_value_t = 1, value_name = "SEED")]
    from: u64,
    /// Plant a fault and stop at the first seed that catches it; "list" names them
    #[arg(long, value_name = "NAME")]
    mutant: Option<String>,
    /// With --mutant: run all seeds and say how many catch it
    #[arg(long)]
    whole: bool,
    /// Threads; all processors if not given
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// Print what happened in each seed
    #[arg(long)]
    history: bool,
    /// Run each seed twice and compare everything that happened
    #[arg(long)]
    twice: bool,
    /// Print what the replicas log at this level and above (of virtual nodes, at real times)
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
}

fn main() -> ExitCode {
    match Cli::parse().subject {
        Subject::Replication(run) => {
            let mutants = replication::Mutant::ALL.map(|mutant| (mutant, mutant.name(), mutant.what()));
            judge("replication", &run, &mutants, replication::run)
        }
        Subject::Leases(run) => {
            let named = |mutant: leases::Mutant| (mutant, mutant.name().0, mutant.name().1);
            judge("leases", &run, &leases::Mutant::ALL.map(named), leases::run)
        }
    }
}

/// Runs the seeds of one subject.
fn judge<M: Copy + Sync, F: Tally>(
    subject: &str,
    run: &Run,
    mutants: &[(M, &str, &str)],
    simulate: fn(u64, Option<M>) -> Outcome<F>,
) -> ExitCode {
    if let Some(filter) = &run.log {
        tracing_subscriber::fmt()
            .with_env_filter(filter.as_str())
            .with_writer(std::io::stderr)
            .init();
    }
    if run.mutant.as_deref() == Some("list") {
        for (_, name, what) in mutants {
            println!("{name:<34}{what}");
        }
        return ExitCode::SUCCESS;
    }
    let wanted = run.mutant.as_deref();
    let planted = mutants.iter().find(|(_, name, _)| Some(*name) == wanted);
    if wanted.is_some() && planted.is_none() {
        eprintln!("no such mutant; --mutant list names them");
        return ExitCode::FAILURE;
    }
    let started = Instant::now();
    let threads = run
        .threads
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let (mut done, mut figures, mut violations) = (0_u64, F::default(), Vec::new());
    let mutant = planted.map(|(mutant, ..)| *mutant);
    seeds::run(
        run.from,
        run.seeds,
        threads.unwrap_or(1),
        |seed| one(seed, run.twice, |seed| simulate(seed, mutant)),
        |outcome| {
            done += 1;
            if !run.whole {
                report(&outcome, subject, wanted, run.history);
            }
            figures.add(outcome.figures);
            if outcome.violation.is_some() {
                violations.push(outcome.seed);
            }
            mutant.is_some() && !run.whole && !violations.is_empty()
        },
    );
    let took = started.elapsed().as_secs_f64();
    println!("{figures}");
    println!("{took:.1} s, {:.1} seeds/s", done as f64 / took);
    println!("{done} seeds, {} violations", violations.len());
    match (wanted, violations.first()) {
        (None, None) => ExitCode::SUCCESS,
        (Some(mutant), Some(seed)) => {
            // Half of all series of seeds meet it within so many.
            let median = (0.5_f64.ln() / (1.0 - violations.len() as f64 / done as f64).ln()).ceil();
            if run.whole {
                println!(
                    "caught {mutant} by {} of {done} seeds, median {median}",
                    violations.len()
                );
            } else {
                println!("caught {mutant} at seed {seed}, after {done} seeds");
            }
            ExitCode::SUCCESS
        }
        (Some(mutant), None) => {
            println!("NOT caught: {mutant}");
            ExitCode::FAILURE
        }
        (None, Some(_)) => ExitCode::FAILURE,
    }
}

fn one<F>(seed: u64, twice: bool, simulate: impl Fn(u64) -> Outcome<F>) -> Outcome<F> {
    let mut outcome = simulate(seed);
    if twice {
        let again = simulate(seed);
        if again.digest != outcome.digest && outcome.violation.is_none() {
            let differs = outcome
                .history
                .iter()
                .zip(&again.history)
                .find(|(first, second)| first != second);
            outcome.violation = Some(format!("it went another way when it was repeated: {differs:?}"));
        }
    }
    outcome
}

fn report<F>(outcome: &Outcome<F>, subject: &str, mutant: Option<&str>, history: bool) {
    let Outcome { seed, violation, .. } = outcome;
    if history {
        println!("seed {seed}: digest {:016x}", outcome.digest);
        for line in &outcome.history {
            println!("  {line}");
        }
    }
    let Some(violation) = violation else { return };
    let planted = mutant.map(|mutant| format!(" --mutant {mutant}"));
    println!("seed {seed}: {violation}");
    println!(
        "  repeat it: plenary-simulation {subject} --seeds 1 --from {seed} --history{}",
        planted.unwrap_or_default()
    );
}
