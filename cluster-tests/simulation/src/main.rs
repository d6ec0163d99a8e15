//! Runs seeds and says which of them broke an invariant.

#![allow(clippy::print_stdout)] // Printing is what this program is for.

use std::{collections::BTreeSet, fs, path::PathBuf, process::ExitCode, time::Instant};

use clap::{Args, Parser, Subcommand};
use plenary_simulation::{
    leases,
    progress::Progress,
    replication,
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
        plenary-simulation leases --mutant differences         how soon one is caught\n  \
        plenary-simulation leases --mutant all --seeds 400     how many seeds catch each of them\n\n\
        A run that was stopped goes on where it was when it is started again with the same first seed.\n\
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
    /// Plant a fault and stop at the first seed that catches it; "list" names them, "all" says of each how many
    /// seeds catch it
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
    /// Begin with the first seed, also if an earlier run was stopped
    #[arg(long)]
    afresh: bool,
    /// Where a run notes how far it came; beside the program if not given
    #[arg(long, value_name = "FILE")]
    progress: Option<PathBuf>,
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
            let judge = Judge {
                subject: "replication",
                mutants: &mutants,
                simulate: replication::run,
            };
            judge.judge(&run)
        }
        Subject::Leases(run) => {
            let named = |mutant: leases::Mutant| (mutant, mutant.name().0, mutant.name().1);
            let judge = Judge {
                subject: "leases",
                mutants: &leases::Mutant::ALL.map(named),
                simulate: leases::run,
            };
            judge.judge(&run)
        }
    }
}

/// What can be simulated, and which faults can be planted in it.
struct Judge<'a, M, F> {
    subject: &'a str,
    mutants: &'a [(M, &'a str, &'a str)],
    simulate: fn(u64, Option<M>) -> Outcome<F>,
}

impl<M: Copy + Sync, F: Tally> Judge<'_, M, F> {
    fn judge(&self, run: &Run) -> ExitCode {
        if let Some(filter) = &run.log {
            tracing_subscriber::fmt()
                .with_env_filter(filter.as_str())
                .with_writer(std::io::stderr)
                .init();
        }
        match run.mutant.as_deref() {
            None => self.seek(run),
            Some("list") => {
                for (_, name, what) in self.mutants {
                    println!("{name:<34}{what}");
                }
                ExitCode::SUCCESS
            }
            Some("all") => {
                let rates = self.mutants.iter().map(|planted| self.rate(run, planted));
                verdict(rates.filter(|is_caught| !is_caught).count() == 0)
            }
            Some(wanted) => {
                let Some(planted) = self.mutants.iter().find(|(_, name, _)| *name == wanted) else {
                    eprintln!("no such mutant; --mutant list names them");
                    return ExitCode::FAILURE;
                };
                verdict(match run.whole {
                    true => self.rate(run, planted),
                    false => self.catch(run, planted),
                })
            }
        }
    }

    /// Whether every invariant holds. Goes on where an earlier run was stopped.
    fn seek(&self, run: &Run) -> ExitCode {
        let mut progress = self.progress(run);
        let first = progress.as_ref().map_or(run.from, Progress::next);
        if first > run.from {
            println!("goes on at seed {first}, where an earlier run was stopped (--afresh begins anew)");
        }
        let started = Instant::now();
        let (mut done, mut figures) = (0_u64, F::default());
        let mut violations = progress
            .as_ref()
            .map_or_else(BTreeSet::new, |known| known.violations().clone());
        let left = run.from.saturating_add(run.seeds).saturating_sub(first);
        let seed = |seed| one(seed, run.twice, |seed| (self.simulate)(seed, None));
        seeds::run(first, left, run.threads(), seed, |outcome| {
            done += 1;
            report(&outcome, self.subject, None, run.history);
            let (seed, is_violated) = (outcome.seed, outcome.violation.is_some());
            figures.add(outcome.figures);
            if is_violated {
                violations.insert(seed);
            }
            let noted = progress
                .as_mut()
                .map_or(Ok(()), |progress| progress.ran(seed, is_violated));
            if let Err(error) = noted {
                eprintln!("if it is stopped it will begin anew: {error}");
                progress = None;
            }
            false
        });
        if let Some(Err(error)) = progress.map(Progress::end) {
            eprintln!("the next run will find how far this one came: {error}");
        }
        say_figures(&figures, done, started);
        println!(
            "{} seeds, {} violations {violations:?}",
            first - run.from + done,
            violations.len()
        );
        verdict(violations.is_empty())
    }

    fn progress(&self, run: &Run) -> Option<Progress> {
        if run.afresh || run.history || run.twice || run.seeds == 1 {
            return None;
        }
        let program = std::env::current_exe().ok()?;
        let file = run
            .progress
            .clone()
            .unwrap_or_else(|| program.with_file_name(format!("simulation-{}.progress", self.subject)));
        Some(Progress::open(
            &file,
            &fs::read(program).ok()?,
            run.from,
            run.seeds,
        ))
    }

    /// Looks for the first seed that catches a planted fault.
    fn catch(&self, run: &Run, (mutant, name, _): &(M, &str, &str)) -> bool {
        let (mut done, mut caught) = (0_u64, None);
        let seed = |seed| one(seed, run.twice, |seed| (self.simulate)(seed, Some(*mutant)));
        seeds::run(run.from, run.seeds, run.threads(), seed, |outcome| {
            done += 1;
            report(&outcome, self.subject, Some(name), run.history);
            let is_caught = outcome.violation.is_some();
            caught = caught.or(is_caught.then_some(outcome.seed));
            is_caught
        });
        match caught {
            Some(seed) => println!("caught {name} at seed {seed}, after {done} seeds"),
            None => println!("NOT caught: {name}"),
        }
        caught.is_some()
    }

    /// How many of all seeds catch a planted fault.
    fn rate(&self, run: &Run, (mutant, name, _): &(M, &str, &str)) -> bool {
        let (mut done, mut caught) = (0_u64, 0_u64);
        let seed = |seed| (self.simulate)(seed, Some(*mutant));
        seeds::run(run.from, run.seeds, run.threads(), seed, |outcome| {
            done += 1;
            caught += u64::from(outcome.violation.is_some());
            false
        });
        if caught == 0 {
            println!("NOT caught by {done} seeds: {name}");
            return false;
        }
        // Half of all series of seeds meet it within so many.
        let missed = 1.0 - caught as f64 / done as f64;
        let median = (0.5_f64.ln() / missed.ln()).ceil().max(1.0);
        println!("{name:<34}caught by {caught} of {done} seeds, median {median}");
        true
    }
}

impl Run {
    fn threads(&self) -> usize {
        let all = || std::thread::available_parallelism().ok().map(Into::into);
        self.threads.or_else(all).unwrap_or(1)
    }
}

fn verdict(is_good: bool) -> ExitCode {
    match is_good {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}

fn say_figures<F: Tally>(figures: &F, done: u64, started: Instant) {
    let took = started.elapsed().as_secs_f64();
    println!("{figures}");
    println!("{took:.1} s, {:.1} seeds/s", done as f64 / took);
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
