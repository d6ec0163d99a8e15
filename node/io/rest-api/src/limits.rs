//! How often somebody may try, and how many at once.

use crate::problem::{Code, Problem};
use plenary_model::{Buckets, network_of};
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
    time::Instant,
};

/// How many wrong sign-ins may come at once, and how many more per second after that.
#[derive(Debug, Clone, Copy)]
pub struct SignInRates {
    pub per_address: (f64, f64),
    pub per_account: (f64, f64),
}

impl Default for SignInRates {
    /// An office behind one address may mistype 300 times at once and three times a second; one account 30
    /// times and once in five seconds, so that the lockout of accounts comes first.
    fn default() -> Self {
        Self {
            per_address: (300.0, 3.0),
            per_account: (30.0, 0.2),
        }
    }
}

/// Places for requests that are served at once, of which one address gets only a part, so that one who sends
/// slowly leaves places to others.
pub(crate) struct Places {
    most: usize,
    most_each: usize,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    all: usize,
    by: HashMap<IpAddr, usize>,
}

/// One place, free again when this is dropped.
pub(crate) struct Place<'a> {
    places: &'a Places,
    network: IpAddr,
}

impl Places {
    /// `most` in all, half of them for one address.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            most_each: most.div_ceil(2),
            taken: Mutex::default(),
        }
    }

    pub(crate) fn take(&self, address: IpAddr) -> Option<Place<'_>> {
        let network = network_of(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = taken.by.get(&network).copied().unwrap_or(0);
        if taken.all >= self.most || before >= self.most_each {
            return None;
        }
        taken.all += 1;
        taken.by.insert(network, before + 1);
        Some(Place {
            places: self,
            network,
        })
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut taken = self.places.taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        match taken.by.get_mut(&self.network) {
            Some(many) if *many > 1 => *many -= 1,
            _ => drop(taken.by.remove(&self.network)),
        }
    }
}

/// Limits of sign-ins: those that go wrong count, by address and by account.
pub(crate) struct SignInLimits {
    addresses: Buckets<IpAddr>,
    accounts: Buckets<String>,
}

impl SignInLimits {
    pub(crate) fn new(rates: SignInRates) -> Self {
        Self {
            addresses: Buckets::new(rates.per_address.0, rates.per_address.1),
            accounts: Buckets::new(rates.per_account.0, rates.per_account.1),
        }
    }

    /// Begins a try; [`Try::succeeded`] makes it count for nothing.
    pub(crate) fn begin(&self, address: IpAddr, account: &str) -> Result<Try<'_>, Problem> {
        let too_many = |seconds| {
            let detail =
                format!("too many wrong passwords from here or for this account; try again in {seconds} s");
            Problem::new(Code::TooManyRequests, detail).retry_after(seconds)
        };
        let address = network_of(address);
        let now = Instant::now();
        self.addresses.take(address, now).map_err(too_many)?;
        let account: String = account.chars().take(320).collect();
        if let Err(seconds) = self.accounts.take(account.clone(), now) {
            return Err(too_many(seconds));
        }
        Ok(Try {
            limits: self,
            address,
            account,
        })
    }
}

/// Limits of what strangers may ask about conferences, by address; all that they ask counts.
pub(crate) struct StrangerLimits {
    doors: Buckets<IpAddr>,
    guests: Buckets<IpAddr>,
    registrations: Buckets<IpAddr>,
}

impl StrangerLimits {
    /// As many as wrong passwords from one address; registrations are kept, so those are fewer: by default 60 at once, and
    /// one in ten seconds after that.
    pub(crate) fn new(rates: SignInRates) -> Self {
        let (most, per_second) = rates.per_address;
        Self {
            doors: Buckets::new(most, per_second),
            guests: Buckets::new(most, per_second),
            registrations: Buckets::new(most / 5.0, per_second / 30.0),
        }
    }

    /// One more look whether a conference lets guests in; [`Self::found`] makes it count for nothing, so that all guests of
    /// an office may look again and again whether it begins, and nobody finds out by guessing which there are.
    pub(crate) fn door(&self, address: IpAddr) -> Result<(), Problem> {
        take(&self.doors, address)
    }

    /// The look was at a door that is there.
    pub(crate) fn found(&self, address: IpAddr) {
        self.doors.give_back(network_of(address), Instant::now());
    }

    /// One more guest.
    pub(crate) fn guest(&self, address: IpAddr) -> Result<(), Problem> {
        take(&self.guests, address)
    }

    /// One more who registers for a conference.
    pub(crate) fn registration(&self, address: IpAddr) -> Result<(), Problem> {
        take(&self.registrations, address)
    }
}

fn take(buckets: &Buckets<IpAddr>, address: IpAddr) -> Result<(), Problem> {
    buckets
        .take(network_of(address), Instant::now())
        .map_err(|seconds| {
            let detail = format!("too much was asked from here as a guest; try again in {seconds} s");
            Problem::new(Code::TooManyRequests, detail).retry_after(seconds)
        })
}

/// A sign-in that has begun.
pub(crate) struct Try<'a> {
    limits: &'a SignInLimits,
    address: IpAddr,
    account: String,
}

impl Try<'_> {
    /// It was no wrong password.
    pub(crate) fn succeeded(self) {
        let now = Instant::now();
        self.limits.addresses.give_back(self.address, now);
        self.limits.accounts.give_back(self.account, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_leaves_places_to_others() {
        let places = Places::new(4);
        let one: IpAddr = "2001:db8::1".parse().expect("good");
        let neighbour: IpAddr = "2001:db8::2".parse().expect("good");
        let other: IpAddr = "192.0.2.1".parse().expect("good");
        let held = (
            places.take(one).expect("free"),
            places.take(neighbour).expect("free"),
        );
        assert!(places.take(one).is_none(), "its network has its half");
        let others = (
            places.take(other).expect("free"),
            places.take(other).expect("free"),
        );
        assert!(
            places.take("192.0.2.2".parse().expect("good")).is_none(),
            "all are taken"
        );
        drop((held, others));
        assert!(places.taken.lock().expect("not poisoned").by.is_empty());
    }

    #[test]
    fn right_passwords_do_not_count() {
        let limits = SignInLimits::new(SignInRates {
            per_address: (2.0, 0.001),
            per_account: (1.0, 0.001),
        });
        let from: IpAddr = "2001:db8::1".parse().expect("good");
        let neighbour: IpAddr = "2001:db8::2".parse().expect("good");
        for _ in 0..10 {
            limits
                .begin(from, "alice")
                .expect("nothing counted yet")
                .succeeded();
        }
        limits.begin(from, "alice").expect("the first wrong one");
        assert!(
            limits.begin(from, "alice").is_err(),
            "the account has had its one"
        );
        assert!(
            limits.begin(neighbour, "bob").is_err(),
            "the network has had its two"
        );
    }
}
