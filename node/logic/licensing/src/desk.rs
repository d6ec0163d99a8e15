//! The state: licences, the embedded lessor or the lease, seats.

use crate::{Alarm, Gives, Lease, Own};
use plenary_licences::{
    PoolId, Seats as Amount,
    licence::{
        Confirmation, Edition, Extension, Holder, LicenceError, LicenceId, Pool, PublicKey, Signed, Warning,
    },
};
use plenary_model::{GroupId, NodeId, Revision, ServerName, Timestamp, UserName};
use plenary_seats::{Capacity, Mode, Seats, Told};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A licence file that is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    pub signed: Signed,
    pub file: File,
}

/// A licence file as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    pub text: String,
    /// The key that signed it.
    pub key: PublicKey,
    pub at: Timestamp,
    /// `None`: the server itself.
    pub by: Option<UserName>,
    /// How urgent a warning of its end was given last; 0: none.
    pub warned: u8,
}

/// What administrators choose (LIC-05, LIC-13).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Rules {
    /// Groups with permanent PRO, the first ones first.
    pub groups: Vec<GroupId>,
    pub revision: Revision,
}

/// Everything about licences and seats of a server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Desk {
    pub(crate) server: ServerName,
    pub(crate) files: BTreeMap<LicenceId, Installed>,
    pub(crate) touched_files: BTreeSet<LicenceId>,
    pub(crate) confirmations: Vec<Confirmation>,
    /// What the files give at `weighed`.
    pub(crate) pool: Pool,
    pub(crate) weighed: Timestamp,
    pub(crate) own: Own,
    /// Of a License Manager, if the server borrows.
    pub(crate) lease: Option<Lease>,
    pub(crate) seats: Seats,
    pub(crate) rules: Rules,
    /// Nodes that were there before.
    pub(crate) known: BTreeSet<NodeId>,
    /// Of these, nodes that run since before the server started last.
    pub(crate) running: BTreeSet<NodeId>,
    pub(crate) beats: BTreeMap<NodeId, u64>,
}

/// What is one of a kind in a [`Desk`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    own: Own,
    pub seats: plenary_seats::Figures,
    pub rules: Rules,
    confirmations: Vec<Confirmation>,
    weighed: Timestamp,
    known: BTreeSet<NodeId>,
    running: BTreeSet<NodeId>,
    pub beats: BTreeMap<NodeId, u64>,
    #[serde(default)]
    pub lease: Option<Lease>,
}

/// All of a [`Desk`] as a store keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    pub figures: Figures,
    pub files: Vec<File>,
    /// Their figures are in those of the desk.
    pub seats: plenary_seats::Stored,
}

/// Which entries a store has to write or remove.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Touched {
    pub files: BTreeSet<LicenceId>,
    pub seats: plenary_seats::Touched,
}

impl Desk {
    /// Most files that are installed at once.
    pub const FILES: usize = 100;
    /// Most groups with permanent PRO.
    pub const GROUPS: usize = 1_000;

    /// One that begins to count with the free licence; both numbers are random.
    pub(crate) fn open(server: ServerName, pool: PoolId, branch: u64) -> Self {
        Self {
            server,
            files: BTreeMap::new(),
            touched_files: BTreeSet::new(),
            confirmations: Vec::new(),
            pool: plenary_licences::licence::free(),
            weighed: Timestamp(0),
            own: Own::new(pool, branch),
            lease: None,
            seats: Seats::new(),
            rules: Rules::default(),
            known: BTreeSet::new(),
            running: BTreeSet::new(),
            beats: BTreeMap::new(),
        }
    }

    /// As a store kept it.
    ///
    /// # Errors
    /// A file that was good when it was installed and is not now: the store lost something, or an older version wrote it.
    pub fn stored(server: ServerName, stored: Stored) -> Result<Self, LicenceError> {
        let Figures {
            own,
            seats,
            rules,
            confirmations,
            weighed,
            known,
            running,
            beats,
            lease,
        } = stored.figures;
        let mut files = BTreeMap::new();
        for file in stored.files {
            let signed = Signed::of_text(file.text.as_bytes(), &[file.key])?;
            files.insert(signed.licence.id, Installed { signed, file });
        }
        let seats = plenary_seats::Stored {
            figures: seats,
            ..stored.seats
        };
        let mut desk = Self {
            server,
            files,
            touched_files: BTreeSet::new(),
            confirmations,
            pool: plenary_licences::licence::free(),
            weighed,
            own,
            lease,
            seats: Seats::stored(seats),
            rules,
            known,
            running,
            beats,
        };
        desk.weigh(weighed);
        Ok(desk)
    }

    /// What is one of a kind.
    pub fn figures(&self) -> Figures {
        Figures {
            own: self.own.clone(),
            seats: self.seats.figures(),
            rules: self.rules.clone(),
            confirmations: self.confirmations.clone(),
            weighed: self.weighed,
            known: self.known.clone(),
            running: self.running.clone(),
            beats: self.beats.clone(),
            lease: self.lease.clone(),
        }
    }

    /// What was touched since this was asked last.
    pub fn take_touched(&mut self) -> Touched {
        Touched {
            files: std::mem::take(&mut self.touched_files),
            seats: self.seats.take_touched(),
        }
    }

    /// The server that has it.
    pub fn server(&self) -> &ServerName {
        &self.server
    }

    /// Names the server's pool to the vendor.
    pub fn pool_id(&self) -> PoolId {
        self.own.pool()
    }

    /// What the licences give.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Whether seats are those of a License Manager.
    pub fn is_lent(&self) -> bool {
        self.lease.as_ref().is_some_and(Lease::is_lent)
    }

    /// What the licences or the lease give, as they say it: of an Enterprise licence both kinds of seats.
    pub fn total(&self) -> Amount {
        let lease = self.lease.as_ref().filter(|lease| lease.is_lent());
        lease.map_or(self.pool.seats, |lease| lease.held.seats)
    }

    /// What they give besides seats.
    pub fn gives(&self) -> Gives {
        match self.lease.as_ref().filter(|lease| lease.is_lent()) {
            Some(lease) => lease.gives.clone().unwrap_or_default(),
            None => Gives {
                extensions: self.pool.extensions.clone(),
                enterprise: self.pool.edition == Edition::Enterprise,
                permanent_pro: self.pool.permanent_pro,
                development: self.pool.is_for_development,
            },
        }
    }

    /// Whether the server may meet with others (LIC-02): not with the free licence, and not once the lease has run out.
    pub fn has_federation(&self) -> bool {
        let lease = self.lease.as_ref().filter(|lease| lease.is_lent());
        let is_over = lease.is_some_and(|lease| lease.alarm == Alarm::Over);
        !is_over && self.gives().extensions.contains(&Extension::Federation)
    }

    /// The seats that there are for the taking: of an Enterprise licence one kind only.
    pub fn places(&self) -> Amount {
        let lease = self.lease.as_ref().filter(|lease| lease.is_lent());
        lease.map_or_else(|| self.pool.capacity(), |lease| lease.held.seats)
    }

    /// The files that are installed, by ID.
    pub fn files(&self) -> impl Iterator<Item = &Installed> {
        self.files.values()
    }

    /// One file.
    pub fn file(&self, licence: LicenceId) -> Option<&Installed> {
        self.files.get(&licence)
    }

    /// Who has a seat.
    pub fn seats(&self) -> &Seats {
        &self.seats
    }

    /// What administrators chose.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The number of a node's last beat; 0 before the first.
    pub fn beat(&self, node: NodeId) -> u64 {
        self.beats.get(&node).copied().unwrap_or(0)
    }

    /// Why a file does not count now; `None` if it does.
    pub fn idle(&self, licence: LicenceId) -> Option<&LicenceError> {
        let mut idle = self.pool.idle.iter();
        idle.find(|(id, _)| *id == licence).map(|(_, why)| why)
    }

    /// When something ends or begins by itself.
    pub fn due(&self) -> Option<Timestamp> {
        let warnings = self.files.values().filter_map(Installed::next_warning);
        [self.seats.next(), self.seats.next_pick(), self.pool.changes]
            .into_iter()
            .flatten()
            .chain(warnings)
            .min()
    }

    pub(crate) fn signed(&self) -> Vec<Signed> {
        self.files.values().map(|file| file.signed.clone()).collect()
    }

    pub(crate) fn holder(&self) -> Holder<'_> {
        Holder::Embedded {
            server: &self.server,
            pool: self.own.pool(),
            confirmations: &self.confirmations,
        }
    }

    /// Adds the files up as they count at `now`.
    pub(crate) fn weigh(&mut self, now: Timestamp) {
        self.pool = Pool::of(&self.signed(), self.holder(), now);
        self.weighed = now;
    }

    /// What the server borrows, and from whom.
    pub fn lease(&self) -> Option<&Lease> {
        self.lease.as_ref()
    }

    /// Seats that are granted under the lease.
    pub(crate) fn lent_out(&self) -> Amount {
        let lent = self.lease.as_ref().is_some_and(Lease::is_lent);
        match lent {
            true => self.in_use_as(self.seats.capacity().mode == Mode::OnePool),
            false => Amount::NONE,
        }
    }

    /// Seats that are taken; with a single pool nobody needs PRO.
    pub(crate) fn in_use_as(&self, one_pool: bool) -> Amount {
        let mut in_use = self.in_use();
        if one_pool {
            in_use.pro = 0;
        }
        in_use
    }

    pub(crate) fn in_use(&self) -> Amount {
        let taken = self.seats.in_use();
        Amount {
            pro: taken.pro,
            online: taken.online,
            guest: taken.guest,
            gateway: taken.gateway,
        }
    }

    /// Brings the seats to what the licences give, or the lease. Costs nothing while that is so already.
    pub(crate) fn settle(&mut self, index: u64, now: Timestamp) -> Vec<Told> {
        let in_use = match self.lease.as_ref().is_some_and(Lease::is_lent) {
            // Of the own licence nothing is.
            true => Amount::NONE,
            false => self.in_use(),
        };
        let wanted = self.pool.capacity();
        if !self.own.is_adjusted(wanted, in_use) {
            self.own.adjust(index, &self.server, wanted, in_use);
        }
        let capacity = self.capacity();
        if capacity == self.seats.capacity() {
            return Vec::new();
        }
        let changed = plenary_seats::Command::Capacity(capacity);
        self.seats.apply(now, &changed).unwrap_or_else(|(_, told)| told)
    }

    /// What the server holds.
    pub(crate) fn capacity(&self) -> Capacity {
        if let Some(lease) = self.lease.as_ref().filter(|lease| lease.is_lent()) {
            return lease.capacity();
        }
        let held = self.own.held();
        Capacity {
            pro: held.pro,
            online: held.online,
            guest: held.guest,
            gateway: held.gateway,
            mode: match self.pool.edition {
                Edition::Server => Mode::Apart,
                Edition::Enterprise => Mode::OnePool,
            },
            permanent_pro: self.pool.permanent_pro,
        }
    }
}

impl Installed {
    /// How urgent it is to say that this licence ends; 0: not at all.
    pub fn urgency(&self, now: Timestamp) -> u8 {
        match Warning::of(self.signed.licence.valid_until, now) {
            None => 0,
            Some(Warning::Within30Days) => 1,
            Some(Warning::Within7Days) => 2,
            Some(Warning::WithinADay) => 3,
            Some(Warning::Over) => 4,
        }
    }

    /// When the next warning comes.
    fn next_warning(&self) -> Option<Timestamp> {
        const DAY_MS: u64 = 86_400_000;
        let until = self.signed.licence.valid_until?;
        let before = match self.file.warned {
            0 => 30 * DAY_MS,
            1 => 7 * DAY_MS,
            2 => DAY_MS,
            3 => 0,
            _ => return None,
        };
        Some(Timestamp(until.0.saturating_sub(before)))
    }
}
