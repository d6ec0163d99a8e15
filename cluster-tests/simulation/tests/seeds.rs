//! A handful of seeds holds, each planted fault is caught, and a seed goes the same way each time.

use std::thread::available_parallelism;

use plenary_simulation::{
    replication::{self, Mutant},
    seeds::{self, Outcome},
};

fn threads() -> usize {
    available_parallelism().map_or(1, Into::into)
}

#[test]
fn every_invariant_holds() {
    let mut acknowledged = 0;
    let seed = |seed| replication::run(seed, None);
    seeds::run(1, 25, threads(), seed, |outcome| {
        let Outcome {
            seed,
            violation,
            history,
            figures,
            ..
        } = outcome;
        assert_eq!(violation, None, "seed {seed}: {history:#?}");
        acknowledged += figures.acknowledged;
        false
    });
    // Else nothing was tested.
    assert!(acknowledged > 1000, "{acknowledged}");
}

#[test]
fn a_seed_goes_the_same_way_each_time() {
    for seed in 100..104 {
        let (first, second) = (replication::run(seed, None), replication::run(seed, None));
        assert_eq!(first.history, second.history, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}

/// Seeks from a seed that is known to catch it, so that it does not take long; a change of the replicas may
/// move it.
fn is_caught(mutant: Mutant, from: u64) {
    let mut caught = None;
    let seed = |seed| replication::run(seed, Some(mutant));
    seeds::run(from, 400, threads(), seed, |outcome| {
        // The other threads finish the seeds that they have begun.
        caught = caught.take().or(outcome.violation);
        caught.is_some()
    });
    assert!(caught.is_some(), "{} is not caught", mutant.name());
}

#[test]
fn entries_that_are_acknowledged_before_they_are_safe_are_noticed() {
    is_caught(Mutant::AckBeforeFsync, 1);
}

#[test]
fn proposals_that_are_applied_twice_are_noticed() {
    is_caught(Mutant::ApplyTwice, 1);
}

#[test]
fn votes_that_are_forgotten_are_noticed() {
    is_caught(Mutant::ForgetVote, 10);
}

#[test]
fn members_of_an_earlier_time_in_a_snapshot_are_noticed() {
    is_caught(Mutant::StaleMembershipAfterSnapshot, 1);
}

#[test]
fn records_that_a_repair_cuts_off_are_noticed() {
    is_caught(Mutant::LostTail, 1);
}
