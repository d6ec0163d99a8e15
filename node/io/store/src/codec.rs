//! How commands, answers and rows are written: MessagePack maps with field names (`docs/decisions/0003`).

use plenary_access::{Command, Outcome, Refusal};
use serde::{Serialize, de::DeserializeOwned};

/// What an applied command gives back to its proposer.
pub type Reply = Result<Outcome, Refusal>;

/// Bytes that are not what they should be. Between nodes of one server this is a defect.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("cannot be written as MessagePack")]
    Encode(#[from] rmp_serde::encode::Error),
    #[error("is not the MessagePack that was expected")]
    Decode(#[from] rmp_serde::decode::Error),
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
pub fn encode_command(command: &Command) -> Result<Vec<u8>, CodecError> {
    encode(command)
}

/// A command as it is applied.
///
/// # Errors
/// Bytes that no node of this version wrote.
pub fn decode_command(bytes: &[u8]) -> Result<Command, CodecError> {
    decode(bytes)
}

/// What [`ServerApp`](crate::ServerApp) answered.
///
/// # Errors
/// Bytes that no node of this version wrote.
pub fn decode_reply(bytes: &[u8]) -> Result<Reply, CodecError> {
    decode(bytes)
}
