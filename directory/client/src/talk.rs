//! The way to an instance of the Directory.

use crate::wire::MESSAGE_BYTES;
use plenary_contracts::directory::v1::directory_client::DirectoryClient;
use plenary_identity::{Expected, Identity, Program};
use plenary_links::Patience;
use plenary_model::ServerName;
use std::time::Duration;
use tonic::transport::Channel;

/// Most addresses that are kept.
pub(crate) const ADDRESSES: usize = 16;

/// Nothing is connected yet.
pub(crate) fn client(
    identity: &Identity,
    directory: Option<&ServerName>,
    address: &str,
    connect: Duration,
) -> Result<DirectoryClient<Channel>, tonic::transport::Error> {
    let expected = match directory {
        Some(name) => Expected::any(Program::Directory).at(name),
        None => Expected::any(Program::Directory),
    };
    let patience = Patience {
        connect,
        keep_alive: Duration::from_secs(5),
    };
    let channel = plenary_links::patient_channel(address, identity.client_config(expected), patience)?;
    Ok(DirectoryClient::new(channel)
        .max_decoding_message_size(MESSAGE_BYTES)
        .max_encoding_message_size(MESSAGE_BYTES))
}

/// Adds those that are new.
pub(crate) fn learn(known: &mut Vec<String>, told: Vec<String>) {
    for address in told {
        if !known.contains(&address) && known.len() < ADDRESSES {
            known.push(address);
        }
    }
}
