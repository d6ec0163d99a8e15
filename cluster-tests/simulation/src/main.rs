//! Runs seeds and says which of them broke an invariant.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

use std::{process::ExitCode, time::Instant};

use clap::{Args, Parser, Subcommand};
use plenary_simulation::{
    replication::{self, Mutant},
    seeds::{self, Figures, Outcome},
};

/// Run whole servers in virtual time, under faults that follow from a seed, and check what must always hold.
#[derive(Parser)]
#[command(
    name = "plenary-simulation",
    after_help = "Examples:\n  \
        plenary-simulation replication --seeds 500             look for a seed that breaks an invariant\n  \
        plenary-simulation replication --seeds 1 --from 17 --history   repeat one and see what happened\n  \
        plenary-simulation replication --mutant list           the planted faults\n  \
        plenary-simulation replication --mutant lost-tail      how soon one is caught\n\n\
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
    #[arg(long, value_name = "NAME", value_parser = chosen)]
    mutant: Option<Chosen>,
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

#[derive(Debug, Clone, Copy)]
enum Chosen {
    List,
    One(Mutant),
}

fn chosen(name: &str) -> Result<Chosen, String> {
    if name == "list" {
        return Ok(Chosen::List);
    }
    let found = Mutant::ALL.into_iter().find(|mutant| mutant.name() == name);
    found
        .map(Chosen::One)
        .ok_or_else(|| "no such mutant; --mutant list names them".to_owned())
}

fn main() -> ExitCode {
    let Subject::Replication(run) = Cli::parse().subject;
    if let Some(filter) = &run.log {
        tracing_subscriber::fmt()
            .with_env_filter(filter.as_str())
            .with_writer(std::io::stderr)
            .init();
    }
    let mutant = match run.mutant {
        Some(Chosen::List) => {
            for mutant in Mutant::ALL {
                println!("{:<34}{}", mutant.name(), mutant.what());
            }
            return ExitCode::SUCCESS;
        }
        Some(Chosen::One(mutant)) => Some(mutant),
        None => None,
    };
    let started = Instant::now();
    let threads = run
        .threads
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into));
    let (mut done, mut figures, mut violations) = (0_u64, Figures::default(), Vec::new());
    seeds::run(
        run.from,
        run.seeds,
        threads.unwrap_or(1),
        |seed| one(seed, mutant, run.twice),
        |outcome| {
            done += 1;
            figures.add(outcome.figures);
            report(&outcome, mutant, run.history);
            if outcome.violation.is_some() {
                violations.push(outcome.seed);
            }
            mutant.is_some() && !violations.is_empty()
        },
    );
    let took = started.elapsed().as_secs_f64();
    println!("{figures}");
    println!("{took:.1} s, {:.1} seeds/s", done as f64 / took);
    println!("{done} seeds, {} violations", violations.len());
    match (mutant, violations.first()) {
        (None, None) => ExitCode::SUCCESS,
        (Some(mutant), Some(seed)) => {
            println!("caught {} at seed {seed}, after {done} seeds", mutant.name());
            ExitCode::SUCCESS
        }
        (Some(mutant), None) => {
            println!("NOT caught: {}", mutant.name());
            ExitCode::FAILURE
        }
        (None, Some(_)) => ExitCode::FAILURE,
    }
}

fn one(seed: u64, mutant: Option<Mutant>, twice: bool) -> Outcome {
    let mut outcome = replication::run(seed, mutant);
    if twice {
        let again = replication::run(seed, mutant);
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

fn report(outcome: &Outcome, mutant: Option<Mutant>, history: bool) {
    let Outcome { seed, violation, .. } = outcome;
    if history {
        println!("seed {seed}: digest {:016x}", outcome.digest);
        for line in &outcome.history {
            println!("  {line}");
        }
    }
    let Some(violation) = violation else { return };
    let planted = mutant.map(|mutant| format!(" --mutant {}", mutant.name()));
    println!("seed {seed}: {violation}");
    println!(
        "  repeat it: plenary-simulation replication --seeds 1 --from {seed} --history{}",
        planted.unwrap_or_default()
    );
}
