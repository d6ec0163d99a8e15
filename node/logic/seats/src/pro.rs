//! Temporary PRO (LIC-06, LIC-07).

use crate::{
    Holder, Holding, Loss, ParticipationId, Places, Refusal, Seats, Told,
    counted::{free, taken_online},
};
use plenary_model::{NodeId, Timestamp, UserName};
use std::cmp::Reverse;

impl Holder {
    pub(crate) fn new(holding: Holding) -> Self {
        Self {
            holding,
            seated: true,
            places: Places::new(),
        }
    }

    /// When it expires; users in a conference after all others.
    pub(crate) fn expires(&self) -> Timestamp {
        match self.holding {
            Holding::Temporary { until } if self.places.is_empty() => until,
            _ => Timestamp(u64::MAX),
        }
    }
}

impl Seats {
    /// PRO seats that are taken.
    pub(crate) fn taken_pro(&self) -> usize {
        self.holders.values().filter(|holder| holder.seated).count()
    }

    pub(crate) fn free_pro(&self) -> u32 {
        free(self.capacity.pro, self.taken_pro())
    }

    pub(crate) fn join(
        &mut self,
        at: Timestamp,
        participation: ParticipationId,
        user: &UserName,
        node: NodeId,
        told: &mut Vec<Told>,
    ) -> Result<(), Refusal> {
        if self.is_one_pool() {
            // Whoever is signed in; who is about to be takes a seat in a moment.
            let signed_in = self.online.values().any(|device| device.user == *user);
            if !signed_in && free(self.capacity.online, taken_online(self)) == 0 {
                return Err(Refusal::NoOnline);
            }
            self.free_places.insert(participation, node);
            return Ok(());
        }
        self.hold(at, user, told)?;
        if let Some(holder) = self.holders.get_mut(user) {
            holder.places.insert(participation, node);
        }
        Ok(())
    }

    /// A place that has come with licences of another kind has the seat of now, and that one only.
    pub fn keep_one(&mut self, at: Timestamp, participation: ParticipationId, user: &UserName) {
        if !self.is_one_pool() {
            self.free_places.remove(&participation);
        } else if self
            .holders
            .get(user)
            .is_some_and(|holder| holder.places.contains_key(&participation))
        {
            self.leave_holder(at, user, |id, _| id == participation);
        }
    }

    pub(crate) fn ask(
        &mut self,
        at: Timestamp,
        user: &UserName,
        told: &mut Vec<Told>,
    ) -> Result<(), Refusal> {
        match (self.is_one_pool(), self.settings.ask_for_pro) {
            (true, _) => Ok(()),
            (false, false) => Err(Refusal::AskingIsOff),
            (false, true) => self.hold(at, user, told),
        }
    }

    /// Lets a user have PRO: whoever has it keeps it, 24 hours from now on; others take a free seat.
    fn hold(&mut self, at: Timestamp, user: &UserName, told: &mut Vec<Told>) -> Result<(), Refusal> {
        let free = self.free_pro();
        let listed = self.without_temporary.contains_key(user);
        let until = at.plus_ms(Self::DAY_MS);
        match self.holders.get_mut(user) {
            // What was taken away is not got back before it has ended.
            Some(holder) if holder.holding.is_ending() => {}
            Some(holder) if holder.seated || free > 0 => {
                holder.seated = true;
                if let Holding::Temporary { until: end } = &mut holder.holding {
                    *end = (*end).max(until);
                }
                self.without_temporary.remove(user);
                return Ok(());
            }
            None if free > 0 => {
                let holder = Holder::new(Holding::Temporary { until });
                self.holders.insert(user.clone(), holder);
                self.without_temporary.remove(user);
                told.push(Told::Granted {
                    user: user.clone(),
                    until,
                });
                return Ok(());
            }
            _ => {}
        }
        // Who knocks again and again is listed once, from the first time on.
        if !listed {
            self.without_temporary.insert(user.clone(), at);
            told.push(Told::LimitReached {
                users: vec![user.clone()],
            });
        }
        Err(Refusal::NoPro)
    }

    /// Places end. The 24 hours of temporary PRO count from the last one.
    pub(crate) fn left(&mut self, at: Timestamp, ended: impl Fn(ParticipationId, NodeId) -> bool) {
        let has = |places: &Places| places.iter().any(|(id, node)| ended(*id, *node));
        self.free_places.retain(|id, node| !ended(*id, *node));
        for guest in self.guests.keys_where(|_, places| has(places)) {
            if let Some(places) = self.guests.get_mut(&guest) {
                places.retain(|id, node| !ended(*id, *node));
            }
        }
        self.guests.retain(|_, places| !places.is_empty());
        for user in self.holders.keys_where(|_, holder| has(&holder.places)) {
            self.leave_holder(at, &user, &ended);
        }
    }

    fn leave_holder(
        &mut self,
        at: Timestamp,
        user: &UserName,
        ended: impl Fn(ParticipationId, NodeId) -> bool,
    ) {
        let Some(holder) = self.holders.get_mut(user) else {
            return;
        };
        holder.places.retain(|id, node| !ended(*id, *node));
        if !holder.places.is_empty() {
            return;
        }
        if let Holding::Temporary { until } = &mut holder.holding {
            *until = (*until).max(at.plus_ms(Self::DAY_MS));
        }
        if holder.holding.is_ending() {
            self.holders.remove(user);
        }
    }

    pub(crate) fn revoke(&mut self, user: &UserName, told: &mut Vec<Told>) -> Result<(), Refusal> {
        let holding = self.holders.get(user).map(|holder| holder.holding);
        if !matches!(holding, Some(Holding::Temporary { .. })) {
            return Err(Refusal::NotTemporary { user: user.clone() });
        }
        self.lose(user, Loss::Revoked, told);
        told.push(Told::Revocation { user: user.clone() });
        Ok(())
    }

    pub(crate) fn gone(&mut self, user: &UserName, told: &mut Vec<Told>) {
        self.lose(user, Loss::Gone, told);
        self.without_temporary.remove(user);
        self.without_permanent.retain(|without| without != user);
    }

    /// Takes PRO away. Places in conferences are told to end, and the seat is free when the last one did.
    pub(crate) fn lose(&mut self, user: &UserName, loss: Loss, told: &mut Vec<Told>) {
        let Some(holder) = self.holders.get_mut(user) else {
            return;
        };
        if holder.holding.is_ending() {
            return;
        }
        told.push(Told::Lost {
            user: user.clone(),
            loss,
        });
        told.extend(holder.places.iter().map(|(participation, node)| Told::End {
            participation: *participation,
            node: *node,
            loss,
        }));
        holder.holding = Holding::Ending { loss };
        if holder.places.is_empty() {
            self.holders.remove(user);
        }
    }

    /// What ended by `at`: temporary PRO, and refusals of a day ago.
    pub(crate) fn expire(&mut self, at: Timestamp, told: &mut Vec<Told>) {
        let over: Vec<UserName> = self
            .holders
            .iter()
            .filter(|(_, holder)| holder.expires() <= at)
            .map(|(user, _)| user.clone())
            .collect();
        for user in over {
            self.lose(&user, Loss::Expired, told);
        }
        self.without_temporary
            .retain(|_, since| at.since_ms(*since) < Self::DAY_MS);
    }

    /// Under a new lease seats come back in order: permanent ones first, then who would expire last.
    pub(crate) fn seat_those_who_wait(&mut self) {
        let mut free = self.free_pro();
        let mut waiting: Vec<(bool, Reverse<u64>, u32, UserName)> = self
            .holders
            .iter()
            .filter(|(_, holder)| !holder.seated)
            .map(|(user, holder)| match holder.holding {
                Holding::Permanent { place } => (false, Reverse(0), place, user.clone()),
                Holding::Temporary { until } => (true, Reverse(until.0), 0, user.clone()),
                Holding::Ending { .. } => (true, Reverse(0), 0, user.clone()),
            })
            .collect();
        waiting.sort();
        for (.., user) in waiting {
            if free == 0 {
                return;
            }
            if let Some(holder) = self.holders.get_mut(&user) {
                holder.seated = true;
                free -= 1;
            }
        }
    }
}
