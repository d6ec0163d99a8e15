use crate::seeds::Tally;

/// So many things go wrong at least in each run.
const LEAST: u64 = 200;

/// How much was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages that were lost, doubled or late.
    pub messages: u64,
    /// Servers and replicas that were cut off.
    pub cuts: u64,
    /// Processes that ended and machines that booted.
    pub crashes: u64,
    /// Processes that stood still, and machines that a hypervisor held.
    pub pauses: u64,
    /// Wall clocks that were set to something.
    pub jumps: u64,
    /// Servers that were copied or restored, managers that were restored.
    pub copies: u64,
    pub elections: u64,
    /// Users that got a seat.
    pub joins: u64,
    /// Renewals that the manager applied.
    pub renewals: u64,
    /// Servers whose people got what the pool could give, after all faults had ended.
    pub met: u64,
    /// True time.
    pub virtual_ms: u64,
}

impl Figures {
    /// Everything that went wrong on purpose.
    pub fn faults(&self) -> u64 {
        self.messages + self.cuts + self.crashes + self.pauses + self.jumps + self.copies + self.elections
    }

    /// Why less went wrong than has to.
    pub(crate) fn lack_of_faults(&self) -> Option<String> {
        let kinds = [
            ("messages", self.messages),
            ("cuts", self.cuts),
            ("crashes", self.crashes),
            ("pauses", self.pauses),
            ("clocks that were set", self.jumps),
            ("copies and restores", self.copies),
            ("elections", self.elections),
        ];
        if let Some((kind, _)) = kinds.iter().find(|(_, count)| *count == 0) {
            return Some(format!("the run had no {kind}"));
        }
        let faults = self.faults();
        (faults < LEAST).then(|| format!("the run had {faults} faults only"))
    }

    /// Why a run proves too little.
    pub(crate) fn lack(&self) -> Option<String> {
        let nobody = || (self.met == 0).then(|| "nobody's demand was looked at".into());
        self.lack_of_faults().or_else(nobody)
    }
}

impl Tally for Figures {
    fn add(&mut self, other: Self) {
        self.messages += other.messages;
        self.cuts += other.cuts;
        self.crashes += other.crashes;
        self.pauses += other.pauses;
        self.jumps += other.jumps;
        self.copies += other.copies;
        self.elections += other.elections;
        self.joins += other.joins;
        self.renewals += other.renewals;
        self.met += other.met;
        self.virtual_ms += other.virtual_ms;
    }
}

impl std::fmt::Display for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{} messages lost, doubled or late, {} cuts, {} crashes, {} pauses, {} clocks set, {} copies and \
             restores, {} elections; {} seats taken, {} renewals, {} demands met, {} s of virtual time",
            self.messages,
            self.cuts,
            self.crashes,
            self.pauses,
            self.jumps,
            self.copies,
            self.elections,
            self.joins,
            self.renewals,
            self.met,
            self.virtual_ms / 1000
        )
    }
}
