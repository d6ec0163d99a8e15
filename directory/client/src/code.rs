//! Why the Directory refuses something: stable words, beside the sentence for people.

use std::{fmt, str::FromStr};

/// Name of the trailer that carries the word.
pub const CODE: &str = "plenary-code";

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// Why the Directory refuses something.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    /// The certificate is not that of a node of a server.
    NotANode = "not_a_node",
    /// The certificate is not that of an instance of this Directory.
    NotAnInstance = "not_an_instance",
    /// What is said is about another server than the certificate's.
    OtherServer = "other_server",
    /// No such key was given to the Directory.
    KeyUnknown = "key_unknown",
    /// The secret of the key is another one.
    KeyWrong = "key_wrong",
    /// The key was made for another server.
    KeyOfAnother = "key_of_another",
    /// The key was replaced, or its server removed.
    KeyRevoked = "key_revoked",
    /// The server is not connected.
    NotConnected = "not_connected",
    /// Messages of another version.
    Version = "version",
    /// A newer feed of the same server counts.
    Superseded = "superseded",
    /// A message that cannot be read or comes at the wrong moment.
    BadMessage = "bad_message",
    /// An entry that does not keep the limits.
    BadEntry = "bad_entry",
    /// Changes that do not follow what the Directory has.
    Gap = "gap",
    /// More entries than a server may have.
    TooManyEntries = "too_many_entries",
    /// The digest of a snapshot is not that of its entries.
    Digest = "digest",
    /// Nobody of this name, or nobody who may be seen.
    NotFound = "not_found",
    /// Too many questions, or too many different ones.
    SlowDown = "slow_down",
    /// The instance follows another one, which takes what changes.
    Follows = "follows",
    /// The database is away, or the Directory is only starting.
    Away = "away",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let found = Self::ALL.iter().find(|code| code.as_str() == text);
        found.copied().ok_or(())
    }
}

impl Code {
    /// Whether the same attempt is refused again however soon it is made, and costs both sides something: until the server
    /// has something else to say, or somebody has done something. Keys are not among these: they are given at any moment,
    /// and asking for them costs little.
    pub(crate) fn is_lasting(self) -> bool {
        match self {
            Self::Superseded
            | Self::OtherServer
            | Self::Version
            | Self::BadMessage
            | Self::BadEntry
            | Self::TooManyEntries
            | Self::Digest => true,
            Self::NotANode
            | Self::NotAnInstance
            | Self::KeyUnknown
            | Self::KeyWrong
            | Self::KeyOfAnother
            | Self::KeyRevoked
            | Self::NotConnected
            | Self::Gap
            | Self::NotFound
            | Self::SlowDown
            | Self::Follows
            | Self::Away => false,
        }
    }

    /// What a refusal says, if a Directory of this version said it.
    pub(crate) fn of(status: &tonic::Status) -> Option<Self> {
        status.metadata().get(CODE)?.to_str().ok()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_back() {
        for code in Code::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
        assert_eq!("".parse::<Code>(), Err(()));
    }
}
