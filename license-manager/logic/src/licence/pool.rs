use super::{
    Confirmation, Covers, Edition, Extension, Licence, LicenceError, LicenceId,
    document::{self, Kind},
    key::{KeyId, PublicKey, Signer},
};
use crate::{PoolId, Seats};
use plenary_model::{ServerName, Timestamp};
use std::collections::BTreeSet;

/// A licence with the key that signed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    pub licence: Licence,
    pub key: PublicKey,
}

/// Who wants to use a licence.
#[derive(Debug, Clone, Copy)]
pub enum Holder<'a> {
    /// A server that has its licence itself.
    Server(&'a ServerName),
    Manager {
        pool: PoolId,
        confirmations: &'a [Confirmation],
    },
    /// A server that has its licences itself, with a pool of its own: a licence for several servers counts once it is
    /// confirmed for that pool, and so for no other one.
    Embedded {
        server: &'a ServerName,
        pool: PoolId,
        confirmations: &'a [Confirmation],
    },
}

impl Signed {
    /// Signs a licence, as a file.
    ///
    /// # Errors
    /// [`LicenceError::Impossible`], see [`Licence::check`].
    pub fn issue(licence: &Licence, signer: &Signer) -> Result<String, LicenceError> {
        licence.check()?;
        Ok(document::seal(Kind::Licence, &licence.encode(), Some(signer)))
    }

    /// Reads a file and checks its signature by `keys`, whatever the day and whoever asks.
    ///
    /// Takes time and memory in proportion to the file, and a file is at most [`LARGEST`](super::LARGEST) bytes.
    ///
    /// # Errors
    /// Why it is no licence of this vendor. Never panics, whatever the bytes are.
    pub fn of_text(text: &[u8], keys: &[PublicKey]) -> Result<Self, LicenceError> {
        let (body, key) = document::open(Kind::Licence, text, keys)?;
        let licence = Licence::decode(&body)?;
        let key = key.ok_or(LicenceError::ForeignKey)?;
        Ok(Self { licence, key })
    }

    /// Reads what a file says without believing it, and which key it names. It proves nothing.
    ///
    /// # Errors
    /// When it says nothing that can be read.
    pub fn peek(text: &[u8]) -> Result<(Licence, KeyId), LicenceError> {
        let (body, key) = document::peek(Kind::Licence, text)?;
        Ok((Licence::decode(&body)?, key))
    }

    /// Whether anybody could have signed it; to be said wherever the licence is shown.
    pub fn is_for_development(&self) -> bool {
        self.key.is_for_development()
    }

    /// Whether it counts for `holder` now.
    ///
    /// # Errors
    /// Why not.
    pub fn counts(&self, holder: Holder<'_>, now: Timestamp) -> Result<(), LicenceError> {
        let Licence {
            valid_from,
            valid_until,
            ..
        } = self.licence;
        if now < valid_from {
            return Err(LicenceError::NotYetValid { from: valid_from });
        }
        if let Some(since) = valid_until.filter(|until| now >= *until) {
            return Err(LicenceError::Expired { since });
        }
        match holder {
            Holder::Server(name) => self.counts_for_server(name),
            Holder::Manager { pool, confirmations } => self.counts_for_manager(pool, confirmations),
            Holder::Embedded {
                server,
                pool,
                confirmations,
            } => match self.counts_for_server(server) {
                Err(LicenceError::NeedsManager) => self.counts_for_manager(pool, confirmations),
                otherwise => otherwise,
            },
        }
    }

    fn counts_for_server(&self, name: &ServerName) -> Result<(), LicenceError> {
        match &self.licence.covers {
            Covers::Any if self.is_for_development() => Ok(()),
            Covers::Only(names) if !names.contains(name) => Err(LicenceError::OtherServers {
                covers: names.iter().cloned().collect(),
            }),
            _ if self.licence.is_for_several() => Err(LicenceError::NeedsManager),
            _ => Ok(()),
        }
    }

    /// Only the key that signed the licence can bind it to a pool.
    fn counts_for_manager(&self, pool: PoolId, confirmations: &[Confirmation]) -> Result<(), LicenceError> {
        let bound = confirmations.iter().any(|confirmation| {
            confirmation.licence == self.licence.id
                && confirmation.pool == pool
                && confirmation.key == self.key.id()
        });
        let free_of_it = self.is_for_development();
        (bound || free_of_it)
            .then_some(())
            .ok_or(LicenceError::NotConfirmed)
    }

    /// Reads a file that somebody wants to install beside the `installed` ones.
    ///
    /// # Errors
    /// Why it is refused; then everything stays as it is. One that waits for its confirmation is not refused.
    pub fn install(
        text: &[u8],
        keys: &[PublicKey],
        installed: &[Self],
        holder: Holder<'_>,
        now: Timestamp,
    ) -> Result<Self, LicenceError> {
        let signed = Self::of_text(text, keys)?;
        if installed
            .iter()
            .any(|other| other.licence.id == signed.licence.id)
        {
            return Err(LicenceError::Known);
        }
        match signed.counts(holder, now) {
            Ok(()) | Err(LicenceError::NotConfirmed) => Ok(signed),
            Err(error) => Err(error),
        }
    }
}

/// What all files that count give together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    /// As the files say.
    pub seats: Seats,
    pub extensions: BTreeSet<Extension>,
    /// One of them is an Enterprise licence: PRO and online seats are one pool.
    pub edition: Edition,
    /// Whether groups can have permanent PRO; not with the free licence.
    pub permanent_pro: bool,
    /// Servers that may borrow; `None`: any.
    pub covers: Option<BTreeSet<ServerName>>,
    /// Whether the development key signed one of them.
    pub is_for_development: bool,
    /// Files that do not count, with the reason.
    pub idle: Vec<(LicenceId, LicenceError)>,
    /// The next moment at which a file begins or ceases to count.
    pub changes: Option<Timestamp>,
}

/// The licence that is built in and needs no registration (LIC-02).
pub fn free() -> Pool {
    Pool {
        seats: Seats {
            pro: 10,
            online: 100,
            guest: 1,
            gateway: 1,
        },
        permanent_pro: false,
        ..Pool::empty()
    }
}

impl Pool {
    fn empty() -> Self {
        Self {
            seats: Seats::NONE,
            extensions: BTreeSet::new(),
            edition: Edition::Server,
            permanent_pro: true,
            covers: Some(BTreeSet::new()),
            is_for_development: false,
            idle: Vec::new(),
            changes: None,
        }
    }

    /// Adds up what counts at `now`. A server without any has the free licence; a License Manager has nothing to lend.
    pub fn of(files: &[Signed], holder: Holder<'_>, now: Timestamp) -> Self {
        let mut pool = Self::empty();
        let mut counting = 0;
        for signed in files {
            let licence = &signed.licence;
            let moments = [Some(licence.valid_from), licence.valid_until];
            let next = moments.into_iter().flatten().filter(|moment| *moment > now).min();
            pool.changes = [pool.changes, next].into_iter().flatten().min();
            match signed.counts(holder, now) {
                Ok(()) => {
                    counting += 1;
                    pool.add(signed);
                }
                Err(error) => pool.idle.push((licence.id, error)),
            }
        }
        if counting == 0 && !matches!(holder, Holder::Manager { .. }) {
            return Self {
                idle: pool.idle,
                changes: pool.changes,
                covers: None,
                ..free()
            };
        }
        pool
    }

    fn add(&mut self, signed: &Signed) {
        let licence = &signed.licence;
        self.seats = self.seats.plus(licence.seats);
        self.extensions.extend(licence.extensions.iter().copied());
        // Any licence that was paid for brings these.
        self.extensions
            .extend([Extension::Federation, Extension::Watermark, Extension::Multicast]);
        if licence.edition == Edition::Enterprise {
            self.edition = Edition::Enterprise;
            self.extensions.extend([
                Extension::Dlp,
                Extension::Directory,
                Extension::LicenseManager,
                Extension::BorderController,
            ]);
        }
        self.is_for_development |= signed.is_for_development();
        self.covers = match (self.covers.take(), &licence.covers) {
            (Some(mut names), Covers::Only(more)) => {
                names.extend(more.iter().cloned());
                Some(names)
            }
            _ => None,
        };
    }

    /// What can be lent: with an Enterprise licence there are no PRO seats, only one kind for whoever is signed in.
    pub fn capacity(&self) -> Seats {
        match self.edition {
            Edition::Server => self.seats,
            Edition::Enterprise => Seats {
                pro: 0,
                online: self.seats.online.saturating_add(self.seats.pro),
                ..self.seats
            },
        }
    }
}

/// How near the end of a licence is. Whoever warns does so each time that it rises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Warning {
    Within30Days,
    Within7Days,
    WithinADay,
    Over,
}

impl Warning {
    /// What is to be said of a licence that ends then; `None` while there is time, or if it never ends.
    pub fn of(valid_until: Option<Timestamp>, now: Timestamp) -> Option<Self> {
        const DAY_MS: u64 = 86_400_000;
        let left_ms = valid_until?.since_ms(now);
        match left_ms {
            0 => Some(Self::Over),
            _ if left_ms <= DAY_MS => Some(Self::WithinADay),
            _ if left_ms <= 7 * DAY_MS => Some(Self::Within7Days),
            _ if left_ms <= 30 * DAY_MS => Some(Self::Within30Days),
            _ => None,
        }
    }
}
