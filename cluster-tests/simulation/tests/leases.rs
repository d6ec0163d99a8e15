//! Leases: a handful of seeds holds, each planted fault is caught, and a seed goes the same way each time.

use std::thread::available_parallelism;

use plenary_simulation::{
    leases::{self, Mutant},
    seeds::{self, Outcome},
};

fn threads() -> usize {
    available_parallelism().map_or(1, Into::into)
}

#[test]
fn every_lease_invariant_holds() {
    let mut joins = 0;
    seeds::run(
        1,
        40,
        threads(),
        |seed| leases::run(seed, None),
        |outcome| {
            let Outcome {
                seed,
                violation,
                figures,
                ..
            } = outcome;
            assert_eq!(
                violation, None,
                "repeat it: cargo xtask simulate leases --seeds 1 --from {seed} --history"
            );
            // Else that seed tested little.
            assert!(figures.faults() >= 200, "seed {seed}: {figures}");
            assert!(figures.elections > 0 && figures.met > 0, "seed {seed}: {figures}");
            joins += figures.joins;
            false
        },
    );
    // Else nothing was tested.
    assert!(joins > 5_000, "{joins}");
}

#[test]
fn a_seed_of_leases_goes_the_same_way_each_time() {
    for seed in 100..103 {
        let (first, second) = (leases::run(seed, None), leases::run(seed, None));
        assert_eq!(first.history, second.history, "seed {seed}");
        assert_eq!(first.digest, second.digest, "seed {seed}");
    }
}

/// Seeks from a seed that is known to catch it, so that it does not take long; a change of the rules may move it.
/// How many seeds it takes from anywhere is said by `cargo xtask simulate leases --mutant NAME --whole`.
fn is_caught(mutant: Mutant, from: u64) {
    let mut caught = None;
    seeds::run(
        from,
        400,
        threads(),
        |seed| leases::run(seed, Some(mutant)),
        |outcome| {
            // The other threads finish the seeds that they have begun.
            caught = caught.take().or(outcome.violation);
            caught.is_some()
        },
    );
    assert!(caught.is_some(), "{} is not caught", mutant.name().0);
}

macro_rules! caught {
    ($($test:ident: $mutant:ident from $seed:literal,)+) => {
        $(#[test] fn $test() { is_caught(Mutant::$mutant, $seed); })+

        #[test]
        fn every_planted_fault_has_its_test() {
            let tested = [$(Mutant::$mutant),+];
            assert!(Mutant::ALL.iter().all(|mutant| tested.contains(mutant)));
        }
    };
}

caught! {
    a_deadline_from_the_answer_is_noticed: DeadlineFromAnswer from 1,
    a_lessor_without_margin_is_noticed: LessorMarginDropped from 1,
    an_expiry_that_ignores_a_renewal_is_noticed: ExpiryIgnoresRenewal from 1,
    a_return_that_is_told_too_early_is_noticed: ReturnBeforeCommit from 1,
    differences_instead_of_amounts_are_noticed: Differences from 1,
    more_that_turns_out_to_be_less_is_noticed: LateGrowLowers from 1,
    an_unchecked_epoch_is_noticed: EpochUnchecked from 1,
    an_unchecked_term_is_noticed: TermUnchecked from 1,
    a_pause_that_is_not_noticed_is_noticed_here: PauseNotNoticed from 1,
    a_lessor_that_believes_the_wall_clock_is_noticed: WallClockBelieved from 1,
    a_deadline_that_crosses_machines_is_noticed: DeadlineSent from 1,
    a_word_without_a_majority_is_noticed: AliveWithoutQuorum from 1,
    a_holding_that_is_told_before_it_is_final_is_noticed: ReclaimBeforeCommit from 1,
    copies_that_keep_their_incarnation_are_noticed: IncarnationKept from 1,
    a_restored_manager_that_lends_at_once_is_noticed: RestoredGrantsAtOnce from 1,
    silence_without_a_margin_for_clocks_is_noticed: SilenceWithoutDrift from 1,
}
