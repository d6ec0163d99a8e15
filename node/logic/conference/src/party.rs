//! The two of a call: each an account of this server, or of a partner's.

use crate::Person;
use plenary_model::{ParseError, ServerName, UserId, UserName};
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// One of the two of a call. As text a name alone (`bob`) is of this server, one with a server (`bob@oslo.example.net`) is
/// of a partner's.
///
/// Invariant: who has the same name on another server is somebody else.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Party {
    Here(UserName),
    There(UserId),
}

impl Party {
    /// The same as the server of that name sees it.
    pub fn seen_from(self, own: &ServerName) -> Self {
        match self {
            Self::There(user) if user.server == *own => Self::Here(user.name),
            party => party,
        }
    }

    /// The account of this server.
    pub fn here(&self) -> Option<&UserName> {
        match self {
            Self::Here(user) => Some(user),
            Self::There(_) => None,
        }
    }

    /// The account of a partner's.
    pub fn there(&self) -> Option<&UserId> {
        match self {
            Self::Here(_) => None,
            Self::There(user) => Some(user),
        }
    }

    /// The partner's server.
    pub fn server(&self) -> Option<&ServerName> {
        self.there().map(|user| &user.server)
    }

    /// Who they are in a meeting of this server.
    pub fn person(&self) -> Person {
        match self {
            Self::Here(user) => Person::Account(user.clone()),
            Self::There(user) => Person::Federated(user.clone()),
        }
    }

    /// None for guests, whom nobody calls.
    pub(crate) fn of(person: &Person) -> Option<Self> {
        match person {
            Person::Account(user) => Some(Self::Here(user.clone())),
            Person::Federated(user) => Some(Self::There(user.clone())),
            Person::Guest(_) => None,
        }
    }
}

impl fmt::Display for Party {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Here(user) => user.fmt(f),
            Self::There(user) => user.fmt(f),
        }
    }
}

impl FromStr for Party {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        if text.contains('@') {
            return text.parse().map(Self::There);
        }
        text.parse().map(Self::Here)
    }
}

impl TryFrom<String> for Party {
    type Error = ParseError;

    fn try_from(text: String) -> Result<Self, ParseError> {
        text.parse()
    }
}

impl From<Party> for String {
    fn from(party: Party) -> Self {
        party.to_string()
    }
}

impl From<UserName> for Party {
    fn from(user: UserName) -> Self {
        Self::Here(user)
    }
}

impl From<UserId> for Party {
    fn from(user: UserId) -> Self {
        Self::There(user)
    }
}

impl PartialEq<UserName> for Party {
    fn eq(&self, user: &UserName) -> bool {
        self.here() == Some(user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_of_another_server_is_somebody_else() {
        let bob: UserName = "bob".parse().expect("good");
        let here: Party = "bob".parse().expect("good");
        let there: Party = "bob@oslo.example.net".parse().expect("good");
        assert!(here == bob && there != bob && here != there);
        assert_eq!(there.to_string(), "bob@oslo.example.net");
        for bad in ["", "@oslo.example.net", "bob@", "a b"] {
            assert!(bad.parse::<Party>().is_err(), "{bad:?}");
        }
    }
}
