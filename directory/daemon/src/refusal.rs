//! Why the Directory refuses something: a stable word, a sentence for people, and gRPC's code.

use plenary_directory_client::{CODE, Code};
use plenary_model::ServerName;
use tonic::{Status, metadata::MetadataValue};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error(
        "this service is for nodes of servers of the enterprise; your certificate is missing, foreign or revoked"
    )]
    NotANode,
    #[error("only instances of this Directory ask for that")]
    NotAnInstance,
    #[error(
        "your certificate is that of {certificate}, but what you say is about {said}; a server tells only of itself"
    )]
    OtherServer { certificate: ServerName, said: String },
    #[error(
        "the Directory was not given this key of {0}; its administrator adds it with: plenary-directory add KEY"
    )]
    KeyUnknown(ServerName),
    #[error(
        "the secret of this key of {0} is another one; make a new key on the server, and give it to the Directory"
    )]
    KeyWrong(ServerName),
    #[error("this key was made for another server than {0}; make one of its own there")]
    KeyOfAnother(ServerName),
    #[error(
        "this key of {0} was replaced by a newer one, or the server was removed from the Directory; make a new key on the server, and give it to the Directory"
    )]
    KeyRevoked(ServerName),
    #[error("this key was used before; make a new one on the server")]
    KeyUsed,
    #[error("{0} is not connected with the Directory; its administrator gives its key to the Directory's")]
    NotConnected(ServerName),
    #[error("the messages are of version {0}, the Directory knows {known}; update the older of the two", known = plenary_directory_client::wire::VERSION)]
    Version(u32),
    #[error("a newer feed of {0} counts now; only the node that leads tells of its server")]
    Superseded(ServerName),
    #[error("the message is not in order: {0}")]
    BadMessage(String),
    #[error("{id}: {reason}")]
    BadEntry { id: String, reason: String },
    #[error(
        "the changes begin after {from}, but the Directory has everything up to {has}; begin the feed anew"
    )]
    Gap { from: u64, has: u64 },
    #[error(
        "{server} would have more than {most} entries; show fewer groups or kinds, or raise limits.entries of the Directory"
    )]
    TooManyEntries { server: ServerName, most: u64 },
    #[error(
        "what {server} shows would be larger than {megabytes} MB; show fewer groups, kinds or fields, or raise limits.megabytes of the Directory"
    )]
    TooLarge { server: ServerName, megabytes: u64 },
    #[error("the digest of the snapshot is not that of its entries; nothing was changed")]
    Digest,
    #[error("there is nobody of this name, or nobody whom you may see")]
    NotFound,
    #[error("{what}; wait {seconds} s")]
    SlowDown { what: &'static str, seconds: u64 },
    #[error("there is no server {0} here")]
    NoServer(ServerName),
    #[error("this instance follows the one at {0}, which takes what changes")]
    Follows(String),
    #[error("the Directory cannot answer at the moment: {0}")]
    Away(String),
}

/// What somebody said, as far as it is said again: bounded, and without what would break a line of the log.
pub(crate) fn quoted(text: &str) -> String {
    let mut chars = text.chars();
    let start: String = chars.by_ref().take(80).collect();
    let rest = if chars.next().is_some() { "…" } else { "" };
    format!("{}{rest}", start.escape_debug())
}

impl Refusal {
    pub(crate) fn code(&self) -> Code {
        match self {
            Self::NotANode => Code::NotANode,
            Self::NotAnInstance => Code::NotAnInstance,
            Self::OtherServer { .. } => Code::OtherServer,
            Self::KeyUnknown(_) => Code::KeyUnknown,
            Self::KeyWrong(_) => Code::KeyWrong,
            Self::KeyOfAnother(_) => Code::KeyOfAnother,
            Self::KeyRevoked(_) | Self::KeyUsed => Code::KeyRevoked,
            Self::NotConnected(_) | Self::NoServer(_) => Code::NotConnected,
            Self::Version(_) => Code::Version,
            Self::Superseded(_) => Code::Superseded,
            Self::BadMessage(_) => Code::BadMessage,
            Self::BadEntry { .. } => Code::BadEntry,
            Self::Gap { .. } => Code::Gap,
            Self::TooManyEntries { .. } | Self::TooLarge { .. } => Code::TooManyEntries,
            Self::Digest => Code::Digest,
            Self::NotFound => Code::NotFound,
            Self::SlowDown { .. } => Code::SlowDown,
            Self::Follows(_) => Code::Follows,
            Self::Away(_) => Code::Away,
        }
    }
}

impl From<sqlx::Error> for Refusal {
    fn from(error: sqlx::Error) -> Self {
        tracing::warn!(%error, "the database did not do what it was asked");
        Self::Away("its database does not answer".into())
    }
}

impl From<plenary_directory_client::wire::WireError> for Refusal {
    fn from(error: plenary_directory_client::wire::WireError) -> Self {
        Self::BadMessage(error.to_string())
    }
}

impl From<Refusal> for Status {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal.code() {
            Code::NotANode | Code::NotAnInstance => tonic::Code::Unauthenticated,
            Code::OtherServer
            | Code::KeyUnknown
            | Code::KeyWrong
            | Code::KeyOfAnother
            | Code::KeyRevoked
            | Code::NotConnected => tonic::Code::PermissionDenied,
            Code::Version => tonic::Code::Unimplemented,
            Code::BadMessage | Code::BadEntry | Code::Digest => tonic::Code::InvalidArgument,
            Code::Superseded | Code::Gap => tonic::Code::Aborted,
            Code::TooManyEntries | Code::SlowDown => tonic::Code::ResourceExhausted,
            Code::NotFound => tonic::Code::NotFound,
            Code::Follows | Code::Away => tonic::Code::Unavailable,
        };
        let mut status = Status::new(code, refusal.to_string());
        let word = MetadataValue::from_static(refusal.code().as_str());
        status.metadata_mut().insert(CODE, word);
        status
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_is_said_again_has_an_end_and_no_lines() {
        assert_eq!(super::quoted("oslo.example.com"), "oslo.example.com");
        assert_eq!(super::quoted("a\nb"), "a\\nb");
        assert!(super::quoted(&"x".repeat(4 << 20)).chars().count() <= 81);
    }
}
