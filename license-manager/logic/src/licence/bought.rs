use super::{
    LicenceError,
    wire::{Reader, Writer, unreadable},
};
use crate::{Kind, Seats};
use plenary_model::{ServerName, Timestamp};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// Names a licence for ever: random, made when it is issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LicenceId(pub u128);

impl fmt::Display for LicenceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

macro_rules! coded {
    ($(#[$meta:meta])* $name:ident { $($(#[$inner:meta])* $variant:ident = $code:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$inner])* $variant,)+ }

        impl $name {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)+ }
            }

            fn of_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

coded! {
    /// How a licence ends.
    Term {
        /// Built in; no file says so.
        Free = 0,
        Trial = 1,
        Annual = 2,
        Lifetime = 3,
    }
}

coded! {
    /// Which product was bought.
    Edition {
        Server = 0,
        /// PRO and online seats are one pool, and everyone who is signed in may join conferences (LIC-11).
        Enterprise = 1,
    }
}

coded! {
    /// How fast the vendor helps.
    Support {
        Basic = 0,
        Advanced = 1,
        Complete = 2,
    }
}

coded! {
    /// What can be had beside seats.
    Extension {
        Federation = 1,
        Watermark = 2,
        Multicast = 3,
        Streaming = 4,
        Dlp = 5,
        Directory = 6,
        LicenseManager = 7,
        BorderController = 8,
        Sdk = 9,
        AiServer = 10,
    }
}

/// Which servers a licence is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covers {
    /// Any server; by itself only if the development key signed it, else through a License Manager.
    Any,
    /// These, 1 to 1,000.
    Only(BTreeSet<ServerName>),
}

/// What was bought (LIC-01).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    pub id: LicenceId,
    /// 1 to 200 characters.
    pub enterprise: String,
    /// A person with address or telephone number, 0 to 200 characters.
    pub contact: String,
    pub covers: Covers,
    /// At most 10 million of each kind.
    pub seats: Seats,
    pub extensions: BTreeSet<Extension>,
    pub term: Term,
    pub edition: Edition,
    pub support: Support,
    pub issued: Timestamp,
    pub valid_from: Timestamp,
    /// The first moment at which it no longer counts; `None` only for [`Term::Lifetime`].
    pub valid_until: Option<Timestamp>,
}

impl Licence {
    /// Most seats of one kind.
    pub const SEATS: u32 = 10_000_000;
    /// Most servers that one licence names.
    pub const SERVERS: usize = 1_000;
    const TEXT: usize = 200;

    /// Online seats that come with PRO seats: three with every two (LIC-03).
    pub fn online_with(pro: u32) -> u32 {
        u32::try_from(u64::from(pro) * 3 / 2).unwrap_or(u32::MAX)
    }

    /// Whether several servers could use it.
    pub(super) fn is_for_several(&self) -> bool {
        match &self.covers {
            Covers::Any => true,
            Covers::Only(names) => names.len() > 1,
        }
    }

    /// Whether it is a licence that can be issued.
    ///
    /// # Errors
    /// [`LicenceError::Impossible`] with what is wrong.
    pub fn check(&self) -> Result<(), LicenceError> {
        let wrong = |what| Err(LicenceError::Impossible { what });
        let length = |text: &str| text.chars().count();
        if !(1..=Self::TEXT).contains(&length(self.enterprise.trim())) || length(&self.contact) > Self::TEXT {
            return wrong("enterprise needs 1 to 200 characters, and contact at most 200");
        }
        if self
            .enterprise
            .chars()
            .chain(self.contact.chars())
            .any(char::is_control)
        {
            return wrong("enterprise and contact are single lines");
        }
        if matches!(&self.covers, Covers::Only(names) if !(1..=Self::SERVERS).contains(&names.len())) {
            return wrong("a licence names 1 to 1,000 servers");
        }
        if Kind::ALL.iter().any(|kind| self.seats.of(*kind) > Self::SEATS) {
            return wrong("a licence gives at most 10,000,000 seats of a kind");
        }
        if self.valid_until.is_some_and(|until| until <= self.valid_from) {
            return wrong("the licence ends before it begins");
        }
        match (self.term, self.valid_until) {
            (Term::Free, _) => wrong("the free licence is built in and not issued"),
            (Term::Trial | Term::Annual, None) => wrong("trial and annual licences need an end"),
            (Term::Lifetime, Some(_)) => wrong("lifetime licences have no end"),
            _ => Ok(()),
        }
    }

    #[doc(hidden)]
    pub fn to_body(&self) -> Vec<u8> {
        self.encode()
    }

    #[doc(hidden)]
    pub fn of_body(bytes: &[u8]) -> Result<Self, LicenceError> {
        Self::decode(bytes)
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut to = Writer::default();
        to.u128(self.id.0);
        to.text(&self.enterprise);
        to.text(&self.contact);
        match &self.covers {
            Covers::Any => to.u32(0),
            Covers::Only(names) => {
                to.u32(u32::try_from(names.len()).unwrap_or(u32::MAX));
                for name in names {
                    to.text(name.as_str());
                }
            }
        }
        for kind in Kind::ALL {
            to.u32(self.seats.of(kind));
        }
        to.u32(u32::try_from(self.extensions.len()).unwrap_or(u32::MAX));
        for extension in &self.extensions {
            to.u8(extension.code());
        }
        to.u8(self.term.code());
        to.u8(self.edition.code());
        to.u8(self.support.code());
        to.u64(self.issued.0);
        to.u64(self.valid_from.0);
        to.optional(self.valid_until.map(|until| until.0));
        to.0
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, LicenceError> {
        let mut from = Reader(bytes);
        let licence = Self {
            id: LicenceId(from.u128()?),
            enterprise: from.text()?.to_owned(),
            contact: from.text()?.to_owned(),
            covers: covers(&mut from)?,
            seats: seats(&mut from)?,
            extensions: extensions(&mut from)?,
            term: Term::of_code(from.u8()?).ok_or(LicenceError::TooNew)?,
            edition: Edition::of_code(from.u8()?).ok_or(LicenceError::TooNew)?,
            support: Support::of_code(from.u8()?).ok_or(LicenceError::TooNew)?,
            issued: Timestamp(from.u64()?),
            valid_from: Timestamp(from.u64()?),
            valid_until: from.optional()?.map(Timestamp),
        };
        from.end()?;
        if licence.encode() != bytes {
            return Err(unreadable("it is not written as such files are"));
        }
        licence.check()?;
        Ok(licence)
    }
}

fn covers(from: &mut Reader<'_>) -> Result<Covers, LicenceError> {
    let count = from.u32()?;
    if count == 0 {
        return Ok(Covers::Any);
    }
    if count as usize > Licence::SERVERS {
        return Err(unreadable("it names too many servers"));
    }
    let mut names = BTreeSet::new();
    for _ in 0..count {
        let name = from.text()?.parse();
        names.insert(name.map_err(|_| unreadable("a name of a server in it is none"))?);
    }
    Ok(Covers::Only(names))
}

fn seats(from: &mut Reader<'_>) -> Result<Seats, LicenceError> {
    let mut seats = Seats::NONE;
    for kind in Kind::ALL {
        seats.set(kind, from.u32()?);
    }
    Ok(seats)
}

/// An extension that this version does not know changes nothing here, but its code must be kept to compare bytes, so
/// such a licence asks for an update.
fn extensions(from: &mut Reader<'_>) -> Result<BTreeSet<Extension>, LicenceError> {
    let count = from.u32()?;
    let mut extensions = BTreeSet::new();
    for _ in 0..count.min(256) {
        extensions.insert(Extension::of_code(from.u8()?).ok_or(LicenceError::TooNew)?);
    }
    Ok(extensions)
}
