//! Commands about the License Manager that a server borrows from.

use crate::{
    Alarm, Effect, Gives, Lease, Stage,
    decide::{Case, View, licensing},
    lease::taker,
};
use plenary_access::{EventKind, Outcome, PLACES_LEVEL, Refusal, Topic, rules::Asker, rules::Changes};
use plenary_licences::{
    Epoch, PoolId, Seats as Amount,
    lessee::{self, Applied},
};
use plenary_model::{GuestId, ServerName, UserName};
use plenary_seats::{Command as Count, DeviceId, Why};

/// The code of the refusal of a change of the lease that is older than what is there.
pub const LEASE_CHANGE_IGNORED: &str = "lease_change_ignored";

impl<V: View> Case<'_, V> {
    /// The manager has admitted this server already.
    pub(crate) fn connect(
        &mut self,
        asker: &Asker,
        manager: &ServerName,
        pool: PoolId,
        addresses: &[String],
    ) -> Result<Outcome, Refusal> {
        if let Some(lease) = &self.desk.lease {
            let reason = format!(
                "the server borrows its seats from {} already; disconnect it there first",
                lease.manager
            );
            return Err(licensing("licence_manager_connected", reason));
        }
        if !self.desk.files.is_empty() {
            let reason = "licence files are installed on this server; install them in the License Manager, \
                          which lends their seats to all servers, and remove them here first";
            return Err(licensing("licences_installed", reason.into()));
        }
        let addresses = addresses.iter().take(Lease::ADDRESSES).cloned().collect();
        let lease = Lease::new(manager.clone(), pool, addresses, self.at.now, asker.user.clone());
        self.desk.lease = Some(lease);
        self.managed("connected", manager);
        Ok(Outcome::Done)
    }

    /// The own licence holds again. Without `end` that needs room for what is in use: seats of a lease that goes back
    /// are somebody else's.
    pub(crate) fn disconnect(&mut self, end: bool) -> Result<Outcome, Refusal> {
        let Some(lease) = &self.desk.lease else {
            let reason = "the server is not connected to a License Manager";
            return Err(licensing("licence_manager_not_connected", reason.into()));
        };
        let (manager, was_lent) = (lease.manager.clone(), lease.is_lent());
        if end {
            self.desk.lease = None;
            if was_lent {
                self.end_all();
            }
            self.managed("disconnected; everything in use was ended", &manager);
            return Ok(Outcome::Done);
        }
        if lease.stage == Stage::Leaving {
            let reason = "the server gives its seats back already; it can also be disconnected at once";
            return Err(licensing("licence_manager_leaving", reason.into()));
        }
        let (own, in_use) = (self.desk.pool.capacity(), self.desk.lent_out());
        if !own.covers(in_use) {
            let reason = format!(
                "more seats are in use ({in_use}) than the server has itself ({own}); wait until people have gone, \
                 take seats back, or end everything that is in use"
            );
            return Err(licensing("seats_in_use", reason));
        }
        self.stage(Stage::Leaving);
        self.managed("to be disconnected; its seats go back", &manager);
        Ok(Outcome::Done)
    }

    /// The lessee of the leader has something committed.
    pub(crate) fn lease_changes(&mut self, change: &lessee::Change) -> Result<Outcome, Refusal> {
        let in_use = self.desk.lent_out();
        let was = self.desk.lease.as_ref().map(|lease| lease.held.seats);
        let applied = match &mut self.desk.lease {
            Some(lease) => lease.apply(change, in_use),
            None => Applied::Ignored,
        };
        if applied == Applied::Ignored {
            let reason = "the change of the lease is older than what is there";
            return Err(licensing(LEASE_CHANGE_IGNORED, reason.into()));
        }
        let lease = self.desk.lease.as_mut();
        if matches!(change, lessee::Change::Registered { .. })
            && let Some(lease) = lease
        {
            lease.alarm = Alarm::None;
            if lease.is_lent() {
                // Nobody has a seat under the new one.
                self.end_all();
            }
        }
        self.settle();
        let is = self.desk.lease.as_ref().map(|lease| lease.held.seats);
        if was != is {
            self.decision.notice(Topic::Licensing, "");
        }
        if is.zip(was).is_some_and(|(is, was)| !was.covers(is)) {
            self.give_new_seats();
        }
        Ok(Outcome::Done)
    }

    /// There are more seats than a moment ago: devices and groups that had none get theirs.
    fn give_new_seats(&mut self) {
        let seats = &self.desk.seats;
        let waiting: Vec<_> = self
            .view
            .devices()
            .into_iter()
            .filter(|(session, ..)| seats.device(&DeviceId(session.clone())).is_none())
            .collect();
        for (session, user, node) in waiting {
            let device = DeviceId(session);
            // Who finds none stays, and takes none.
            self.count(&Count::SignIn { device, user, node }).ok();
        }
        let short = !self.desk.seats.without_permanent().0.is_empty();
        if short && self.desk.seats.capacity().permanent_pro {
            self.recompute(Why::Asked);
        }
    }

    pub(crate) fn gives(&mut self, gives: &Gives) -> Result<Outcome, Refusal> {
        if let Some(lease) = &mut self.desk.lease
            && lease.gives.as_ref() != Some(gives)
        {
            lease.gives = Some(gives.clone());
            self.settle();
            self.decision.notice(Topic::Licensing, "");
        }
        Ok(Outcome::Done)
    }

    /// All nodes that use seats know the lease: it holds, if it covers what is in use.
    pub(crate) fn begin(&mut self, epoch: Epoch) -> Result<Outcome, Refusal> {
        let Some(lease) = &self.desk.lease else {
            return Ok(Outcome::Done);
        };
        let Some(gives) = &lease.gives else {
            return Ok(Outcome::Done);
        };
        let covers = lease.held.seats.covers(self.desk.in_use_as(gives.enterprise));
        if lease.stage == Stage::Waiting && lease.held.epoch() == Some(epoch) && covers {
            let manager = lease.manager.clone();
            self.stage(Stage::Lent);
            self.managed("the server's seats come from it from now on", &manager);
            self.give_new_seats();
        }
        Ok(Outcome::Done)
    }

    pub(crate) fn alarm(&mut self, epoch: Epoch, alarm: Alarm) -> Result<Outcome, Refusal> {
        let lease = self.desk.lease.as_mut();
        let Some(lease) = lease.filter(|lease| lease.held.epoch() == Some(epoch)) else {
            return Ok(Outcome::Done);
        };
        let before = std::mem::replace(&mut lease.alarm, alarm);
        if before == alarm {
            return Ok(Outcome::Done);
        }
        let manager = lease.manager.to_string();
        let text = match alarm {
            Alarm::None => "the License Manager is back; seats can be used as before",
            Alarm::Short => {
                "the License Manager has been away for long; unless it is back in time, conferences will end, as \
                 their seats are lent elsewhere then"
            }
            Alarm::Over => {
                "the License Manager has been away for too long, so conferences have ended; they are back the \
                 moment it is"
            }
        };
        self.event(
            EventKind::LicenseExpiry,
            "license_manager",
            &manager,
            text,
            alarm != Alarm::Over,
        );
        Ok(Outcome::Done)
    }

    /// The manager has everything back, or the time of what it has not is over.
    pub(crate) fn left(&mut self, pool: PoolId) -> Result<Outcome, Refusal> {
        let lease = self.desk.lease.as_ref();
        if let Some(lease) = lease.filter(|lease| lease.pool == pool && lease.stage == Stage::Leaving) {
            let manager = lease.manager.clone();
            self.desk.lease = None;
            self.managed("disconnected", &manager);
        }
        Ok(Outcome::Done)
    }

    fn stage(&mut self, stage: Stage) {
        if let Some(lease) = &mut self.desk.lease {
            lease.stage = stage;
        }
        self.settle();
    }

    /// Nothing of what is in use goes on: places end, seats are free. Nodes see by the lease that it is over.
    fn end_all(&mut self) {
        let seats = &self.desk.seats;
        let one_pool = seats.is_one_pool();
        let with_places = |user: &&UserName| seats.status(user).is_some_and(|status| status.places > 0);
        let holders = seats.holders().map(|(user, _)| user).filter(with_places);
        let mut users: Vec<UserName> = holders.cloned().collect();
        if self.at.level >= PLACES_LEVEL {
            // Places of a single pool have no names.
            users = self.view.in_conferences();
        } else if one_pool {
            users.extend(self.view.devices().into_iter().map(|(_, user, _)| user));
            users.sort();
            users.dedup();
        }
        let guests: Vec<GuestId> = seats.guests().cloned().collect();
        let capacity = self.desk.capacity();
        self.count(&Count::NewLease(capacity)).ok();
        self.decision
            .effect(Effect::Ended { users, guests })
            .notice(Topic::Licensing, "");
    }

    fn managed(&mut self, what: &str, manager: &ServerName) {
        self.decision
            .changed(
                "license_manager",
                manager.to_string(),
                what,
                Changes::default().into_list(),
            )
            .notice(Topic::Licensing, "")
            .notice(Topic::Events, "");
        self.settle();
    }

    /// Under a lease who finds no seat is asked to wait a moment: the manager may have one. Gives why there is none now;
    /// `None`: there is one, or it is clear that there will be none.
    pub(crate) fn waits(&mut self, command: &Count) -> Option<plenary_seats::Refusal> {
        let now = self.at.now;
        if !self.desk.lease.as_ref().is_some_and(Lease::is_lent) {
            return None;
        }
        let (who, kind) = taker(command, self.desk.seats.capacity().mode)?;
        let mut lacks = self.desk.seats.lacks(command);
        if lacks.is_some() {
            // What ends by now ends first.
            let told = self.desk.seats.apply(now, &Count::Tick).unwrap_or_default();
            self.tell(told, "");
            lacks = self.desk.seats.lacks(command);
        }
        let lease = self.desk.lease.as_mut()?;
        match lacks {
            None => {
                lease.fulfilled(&who);
                None
            }
            Some(refusal) => {
                let waits = lease.wish(&who, kind, now);
                self.decision.notice(Topic::Licensing, "");
                waits.then_some(refusal)
            }
        }
    }
}

/// What a server borrows and what it needs, as of one moment of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    pub lease: Lease,
    /// Seats that are taken, of each kind; with a single pool no PRO seats.
    pub taken: Amount,
    /// Devices that are connected, with a seat or without.
    pub devices: u32,
    /// Users who hold PRO and wait for a seat of the lease.
    pub unseated: u32,
    /// Members of the chosen groups for whom there was no permanent PRO.
    pub without_permanent: u32,
}

impl Needs {
    /// Seats that are granted under the lease.
    pub fn granted(&self) -> Amount {
        match self.lease.is_lent() {
            true => self.taken,
            false => Amount::NONE,
        }
    }

    /// What the server would like to have.
    pub fn wanted(&self, now: plenary_model::Timestamp) -> Amount {
        let gives = self.lease.gives.clone().unwrap_or_default();
        match self.lease.stage {
            Stage::Leaving => Amount::NONE,
            Stage::Waiting => self.taken,
            Stage::Lent => {
                let pro = match (gives.enterprise, gives.permanent_pro) {
                    (true, _) => 0,
                    (false, false) => self.unseated,
                    (false, true) => self.unseated.saturating_add(self.without_permanent),
                };
                let more = Amount {
                    pro,
                    online: self.devices.saturating_sub(self.taken.online),
                    ..Amount::NONE
                };
                self.taken.plus(more).plus(self.lease.wished(now))
            }
        }
    }
}
