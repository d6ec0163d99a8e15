//! Planted faults, for a simulation that has to catch each of them. Without the feature `mutants` none can be planted.

/// What is wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// A lessee counts its deadline from when the answer came
    DeadlineFromAnswer,
    /// A lessor ends a lease after its bare duration
    LessorMarginDropped,
    /// A lease expires although it was renewed meanwhile
    ExpiryIgnoresRenewal,
    /// A return is told before the server committed it
    ReturnBeforeCommit,
    /// A server turns amounts into differences from what it has
    Differences,
    /// More can turn out to be less
    LateGrowLowers,
    /// Whoever names the server may use its newest lease
    EpochUnchecked,
    /// A leader of an earlier term is listened to
    TermUnchecked,
    /// Only the boot clock is watched
    PauseNotNoticed,
    /// A lessor believes the wall clock
    WallClockBelieved,
    /// A node takes over the clock value of its leader's deadline
    DeadlineSent,
    /// A leader says that a node is connected without asking a majority
    AliveWithoutQuorum,
    /// Copied and restored servers go on with the lease of before
    IncarnationKept,
    /// A restored manager does not wait
    RestoredGrantsAtOnce,
    /// After a recovery a server tells what it holds without voiding answers that are under way
    ReclaimBeforeCommit,
    /// The seats of a silent node are given away without a margin for clocks
    SilenceWithoutDrift,
}

impl Mutant {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::DeadlineFromAnswer,
        Self::LessorMarginDropped,
        Self::ExpiryIgnoresRenewal,
        Self::ReturnBeforeCommit,
        Self::Differences,
        Self::LateGrowLowers,
        Self::EpochUnchecked,
        Self::TermUnchecked,
        Self::PauseNotNoticed,
        Self::WallClockBelieved,
        Self::DeadlineSent,
        Self::AliveWithoutQuorum,
        Self::IncarnationKept,
        Self::RestoredGrantsAtOnce,
        Self::ReclaimBeforeCommit,
        Self::SilenceWithoutDrift,
    ];

    /// As it is named on the command line, and what it does.
    pub fn name(self) -> (&'static str, &'static str) {
        match self {
            Self::DeadlineFromAnswer => (
                "deadline-from-answer",
                "a lessee counts its deadline from when the answer came",
            ),
            Self::LessorMarginDropped => (
                "lessor-margin-dropped",
                "a lessor ends a lease after its bare duration",
            ),
            Self::ExpiryIgnoresRenewal => (
                "expiry-ignores-renewal",
                "a lease expires although it was renewed meanwhile",
            ),
            Self::ReturnBeforeCommit => (
                "return-before-commit",
                "a return is told before the server committed it",
            ),
            Self::Differences => (
                "differences",
                "a server turns amounts into differences from what it has",
            ),
            Self::LateGrowLowers => ("late-grow-lowers", "more can turn out to be less"),
            Self::EpochUnchecked => (
                "epoch-unchecked",
                "whoever names the server may use its newest lease",
            ),
            Self::TermUnchecked => ("term-unchecked", "a leader of an earlier term is listened to"),
            Self::PauseNotNoticed => ("pause-not-noticed", "only the boot clock is watched"),
            Self::WallClockBelieved => ("wall-clock-believed", "a lessor believes the wall clock"),
            Self::DeadlineSent => (
                "deadline-sent",
                "a node takes over the clock value of its leader's deadline",
            ),
            Self::AliveWithoutQuorum => (
                "alive-without-quorum",
                "a leader says that a node is connected without asking a majority",
            ),
            Self::IncarnationKept => (
                "incarnation-kept",
                "copied and restored servers go on with the lease of before",
            ),
            Self::RestoredGrantsAtOnce => ("restored-grants-at-once", "a restored manager does not wait"),
            Self::ReclaimBeforeCommit => (
                "reclaim-before-commit",
                "after a recovery a server tells what it holds without voiding answers that are under way",
            ),
            Self::SilenceWithoutDrift => (
                "silence-without-drift",
                "the seats of a silent node are given away without a margin for clocks",
            ),
        }
    }
}

#[cfg(feature = "mutants")]
thread_local! {
    static PLANTED: std::cell::Cell<Option<Mutant>> = const { std::cell::Cell::new(None) };
}

/// Plants a fault in everything that this thread does from now on, or takes it out again.
#[cfg(feature = "mutants")]
pub fn plant(mutant: Option<Mutant>) {
    PLANTED.set(mutant);
}

/// Whether this one is planted.
#[cfg(feature = "mutants")]
pub fn planted(mutant: Mutant) -> bool {
    PLANTED.get() == Some(mutant)
}

/// Never: the feature `mutants` is off.
#[cfg(not(feature = "mutants"))]
#[inline]
pub const fn planted(_: Mutant) -> bool {
    false
}
