//! How commands, answers and rows are written: MessagePack maps with field names (`docs/decisions/0003`).

use plenary_access::{Actor, Command, Idempotency, Outcome, Refusal};
use plenary_conference as conference;
use plenary_licensing as licensing;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

/// What an applied command gives back to its proposer.
pub type Reply = Result<Outcome, Refusal>;

/// Bytes that are not what they should be. Between nodes of one server this is a defect.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("cannot be written as MessagePack")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("is not the MessagePack that was expected")]
    Decode(#[from] rmp_serde::decode::Error),
    #[error("has no change, more than one, or one of a part of the server that this version does not know")]
    NoChange,
}

/// A command of the log, whichever part of the server it changes.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // Decoded and applied at once, never kept in collections.
pub enum AnyCommand {
    Access(Command),
    Conference(conference::Command),
    Licensing(licensing::Command),
}

impl AnyCommand {
    /// Who wants it, and under which key a repetition is known.
    pub(crate) fn origin(&self) -> (&Actor, Option<&Idempotency>) {
        match self {
            Self::Access(command) => (&command.by, command.idempotency.as_ref()),
            Self::Conference(command) => (&command.by, command.idempotency.as_ref()),
            Self::Licensing(command) => (&command.by, command.idempotency.as_ref()),
        }
    }
}

impl From<Command> for AnyCommand {
    fn from(command: Command) -> Self {
        Self::Access(command)
    }
}

impl From<conference::Command> for AnyCommand {
    fn from(command: conference::Command) -> Self {
        Self::Conference(command)
    }
}

impl From<licensing::Command> for AnyCommand {
    fn from(command: licensing::Command) -> Self {
        Self::Licensing(command)
    }
}

/// A change of one part of the server, to be written into the log.
#[derive(Debug, Clone, Copy)]
pub enum Part<'a> {
    Access(&'a plenary_access::Change),
    Conference(&'a conference::Change),
    Licensing(&'a licensing::Change),
}

impl<'a> From<&'a plenary_access::Change> for Part<'a> {
    fn from(change: &'a plenary_access::Change) -> Self {
        Self::Access(change)
    }
}

impl<'a> From<&'a conference::Change> for Part<'a> {
    fn from(change: &'a conference::Change) -> Self {
        Self::Conference(change)
    }
}

impl<'a> From<&'a licensing::Change> for Part<'a> {
    fn from(change: &'a licensing::Change) -> Self {
        Self::Licensing(change)
    }
}

/// A command as its bytes: one field for each part of the server, of which exactly one is there.
#[derive(Serialize)]
struct Written<'a> {
    by: &'a Actor,
    idempotency: &'a Option<Idempotency>,
    #[serde(skip_serializing_if = "Option::is_none")]
    change: Option<&'a plenary_access::Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    conference: Option<&'a conference::Change>,
    #[serde(skip_serializing_if = "Option::is_none")]
    licensing: Option<&'a licensing::Change>,
}

/// [`Written`], read again.
#[derive(Deserialize)]
struct Read {
    by: Actor,
    #[serde(default)]
    idempotency: Option<Idempotency>,
    #[serde(default)]
    change: Option<plenary_access::Change>,
    #[serde(default)]
    conference: Option<conference::Change>,
    #[serde(default)]
    licensing: Option<licensing::Change>,
}

pub(crate) fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>, CodecError> {
    Ok(rmp_serde::to_vec_named(value)?)
}

pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    Ok(rmp_serde::from_slice(bytes)?)
}

/// A command as it is proposed.
///
/// # Errors
/// A value that MessagePack cannot hold; none of today's can be one.
pub fn encode_command<'a, C>(command: &'a Command<C>) -> Result<Vec<u8>, CodecError>
where
    &'a C: Into<Part<'a>>,
{
    let mut written = Written {
        by: &command.by,
        idempotency: &command.idempotency,
        change: None,
        conference: None,
        licensing: None,
    };
    match (&command.change).into() {
        Part::Access(change) => written.change = Some(change),
        Part::Conference(change) => written.conference = Some(change),
        Part::Licensing(change) => written.licensing = Some(change),
    }
    encode(&written)
}

/// A command as it is applied.
///
/// # Errors
/// Bytes that no node of this version wrote.
pub fn decode_command(bytes: &[u8]) -> Result<AnyCommand, CodecError> {
    let Read {
        by,
        idempotency,
        change,
        conference,
        licensing,
    } = decode(bytes)?;
    match (change, conference, licensing) {
        (Some(change), None, None) => Ok(AnyCommand::Access(Command {
            by,
            idempotency,
            change,
        })),
        (None, Some(change), None) => Ok(AnyCommand::Conference(Command {
            by,
            idempotency,
            change,
        })),
        (None, None, Some(change)) => Ok(AnyCommand::Licensing(Command {
            by,
            idempotency,
            change,
        })),
        _ => Err(CodecError::NoChange),
    }
}

/// What [`ServerApp`](crate::ServerApp) answered.
///
/// # Errors
/// Bytes that no node of this version wrote.
pub fn decode_reply(bytes: &[u8]) -> Result<Reply, CodecError> {
    decode(bytes)
}
