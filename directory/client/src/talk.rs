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

/// The way to an instance, for whoever has a certificate of the enterprise. Nothing is connected yet.
///
/// # Errors
/// Where the address is none.
pub fn client(
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

/// All that are known once the Directory told of its instances: those that are configured, and those that it told of.
/// Instances that are gone for good are not asked for ever.
pub(crate) fn known(configured: &[String], told: Vec<String>) -> Vec<String> {
    let mut known = configured.to_vec();
    for address in told {
        if !known.contains(&address) && known.len() < ADDRESSES {
            known.push(address);
        }
    }
    known
}

#[cfg(test)]
mod tests {
    #[test]
    fn instances_that_are_gone_make_place_for_others() {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
        let configured = words(&["a:1"]);
        assert_eq!(super::known(&configured, words(&["b:1", "a:1"])), ["a:1", "b:1"]);
        assert_eq!(super::known(&configured, words(&["c:1"])), ["a:1", "c:1"]);
        let many: Vec<String> = (0..100).map(|n| format!("n:{n}")).collect();
        assert_eq!(super::known(&configured, many).len(), super::ADDRESSES);
    }
}
