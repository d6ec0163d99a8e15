//! Permanent PRO (LIC-05).

use crate::{Holder, Holding, Loss, Seats, Told, Why};
use plenary_model::{Timestamp, UserName};
use std::collections::BTreeSet;

impl Seats {
    /// Picks the permanent ones anew, in the three steps of the guide (§5.2.1): seats that are missing are taken from
    /// temporary holders, those first that expire first; whoever is no longer in a group becomes temporary if a seat is
    /// free; only those who lost theirs are put out of conferences.
    pub(crate) fn recompute(
        &mut self,
        at: Timestamp,
        why: Why,
        candidates: &[UserName],
        told: &mut Vec<Told>,
    ) {
        self.schedule(at, why);
        let (picked, without) = self.pick(candidates);
        let leavers: Vec<UserName> = self
            .holders
            .iter()
            .filter(|(user, holder)| {
                matches!(holder.holding, Holding::Permanent { .. }) && !picked.contains(user)
            })
            .map(|(user, _)| user.clone())
            .collect();
        let mut lost = self.make_room(&picked, &leavers, told);
        for (place, user) in (0..).zip(&picked) {
            self.make_permanent(user, place, told);
        }
        lost.extend(self.demote(at, leavers, told));
        lost.extend(without.iter().cloned());
        lost.sort();
        lost.dedup();
        if !lost.is_empty() {
            told.push(Told::LimitReached { users: lost });
        }
        self.without_permanent = without;
        self.repicked = true;
        self.picked = Some(at);
    }

    fn schedule(&mut self, at: Timestamp, why: Why) {
        if why == Why::Start || self.started.is_none() {
            self.started = Some(at);
        }
        let started = self.started.unwrap_or(at);
        let days = at.since_ms(started) / Self::DAY_MS + 1;
        self.next_pick = Some(started.plus_ms(days.saturating_mul(Self::DAY_MS)));
    }

    /// Who is to have permanent PRO, in order, and for whom there is none.
    fn pick(&self, candidates: &[UserName]) -> (Vec<UserName>, Vec<UserName>) {
        if !self.capacity.permanent_pro || self.is_one_pool() {
            return (Vec::new(), Vec::new());
        }
        let mut seen = BTreeSet::new();
        let each_once: Vec<UserName> = candidates
            .iter()
            .filter(|user| seen.insert(*user))
            .cloned()
            .collect();
        let ending = |user: &UserName| {
            self.holders
                .get(user)
                .is_some_and(|holder| holder.holding.is_ending())
        };
        // Seats that are still being used by those who lost them cannot be given again yet.
        let blocked = self
            .holders
            .iter()
            .filter(|(user, holder)| holder.holding.is_ending() && !seen.contains(user))
            .count();
        let room = crate::counted::free(self.capacity.pro, blocked) as usize;
        let (mut picked, mut without) = (Vec::new(), Vec::new());
        for user in each_once {
            if picked.len() < room && !ending(&user) {
                picked.push(user);
            } else {
                without.push(user);
            }
        }
        (picked, without)
    }

    /// Frees seats for new permanent holders: from temporary ones, and if these are not enough from former permanent
    /// ones. Says who lost.
    fn make_room(
        &mut self,
        picked: &[UserName],
        leavers: &[UserName],
        told: &mut Vec<Told>,
    ) -> Vec<UserName> {
        let has_seat = |user: &UserName| self.holders.get(user).is_some_and(|holder| holder.seated);
        let needed = picked.iter().filter(|user| !has_seat(user)).count();
        let is_picked: BTreeSet<&UserName> = picked.iter().collect();
        let mut temporary: Vec<(Timestamp, UserName)> = self
            .holders
            .iter()
            .filter(|(user, holder)| {
                holder.seated
                    && matches!(holder.holding, Holding::Temporary { .. })
                    && !is_picked.contains(user)
            })
            .map(|(user, holder)| (holder.expires(), user.clone()))
            .collect();
        temporary.sort();
        let mut victims = temporary.into_iter().map(|(_, user)| user).collect::<Vec<_>>();
        // Those of the last place go first.
        victims.extend(leavers.iter().rev().cloned());
        let short = needed.saturating_sub(self.free_pro() as usize);
        victims.truncate(short);
        for user in &victims {
            self.lose(user, Loss::Redistributed, told);
        }
        victims
    }

    fn make_permanent(&mut self, user: &UserName, place: u32, told: &mut Vec<Told>) {
        let free = self.free_pro();
        let before = self.holders.get(user).map(|holder| holder.holding);
        let holding = Holding::Permanent { place };
        if before.is_none() {
            let mut holder = Holder::new(holding);
            // The seat may still be in use by the one who lost it.
            holder.seated = free > 0;
            self.holders.insert(user.clone(), holder);
        } else if before != Some(holding)
            && let Some(holder) = self.holders.get_mut(user)
        {
            holder.holding = holding;
        }
        self.without_temporary.remove(user);
        if !matches!(before, Some(Holding::Permanent { .. })) {
            told.push(Told::Permanent { user: user.clone() });
        }
    }

    /// Whoever is no longer picked becomes temporary if there is a seat for it. Says who did not.
    fn demote(&mut self, at: Timestamp, leavers: Vec<UserName>, told: &mut Vec<Told>) -> Vec<UserName> {
        let until = at.plus_ms(Self::DAY_MS);
        let mut lost = Vec::new();
        for user in leavers {
            let fits = self.taken_pro() <= self.capacity.pro as usize;
            let Some(holder) = self.holders.get_mut(&user) else {
                continue;
            };
            if !matches!(holder.holding, Holding::Permanent { .. }) {
                continue;
            }
            if holder.seated && fits && self.capacity.pro > 0 {
                holder.holding = Holding::Temporary { until };
                told.push(Told::Granted { user, until });
            } else {
                self.lose(&user, Loss::Redistributed, told);
                lost.push(user);
            }
        }
        lost
    }
}
