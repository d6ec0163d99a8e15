//! The first words on a link between servers, each on a stream of its own.

use crate::partners::Hall;
use plenary_identity::{PartnerCertificate, PartnerRefusal};
use plenary_model::ServerName;
use quinn::{Connection, ConnectionError, ReadToEndError, RecvStream};
use rustls_pki_types::CertificateDer;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::time::SystemTime;

/// The longest first words, in bytes.
const LONGEST: usize = 1_024;

/// Of who dials.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Hello {
    /// For whom it speaks.
    pub(super) server: String,
    /// Whom it looks for.
    pub(super) wanted: String,
}

/// Of who is dialled.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    pub(super) ok: bool,
}

#[derive(Debug, thiserror::Error)]
pub(super) enum HelloError {
    #[error("{0}")]
    Lost(#[from] ConnectionError),
    #[error("the first words cannot be read")]
    Unreadable,
}

pub(super) async fn say(connection: &Connection, words: &impl Serialize) -> Result<(), HelloError> {
    let bytes = rmp_serde::to_vec_named(words).expect("plain data is always written");
    let mut stream = connection.open_uni().await?;
    if stream.write_all(&bytes).await.is_err() || stream.finish().is_err() {
        return Err(connection.closed().await.into());
    }
    Ok(())
}

pub(super) async fn hear<T: DeserializeOwned>(connection: &Connection) -> Result<T, HelloError> {
    let mut stream: RecvStream = connection.accept_uni().await?;
    match stream.read_to_end(LONGEST).await {
        Ok(bytes) => rmp_serde::from_slice(&bytes).map_err(|_| HelloError::Unreadable),
        Err(ReadToEndError::TooLong) => Err(HelloError::Unreadable),
        Err(ReadToEndError::Read(_)) => match connection.close_reason() {
            Some(reason) => Err(reason.into()),
            None => Err(HelloError::Unreadable),
        },
    }
}

impl Hall {
    /// Whether this chain proves that its owner speaks for `server`.
    pub(super) fn believes(
        &self,
        server: &ServerName,
        chain: &[CertificateDer<'_>],
    ) -> Result<PartnerCertificate, PartnerRefusal> {
        let authorities = self.tls.authorities();
        authorities.check(server.as_str(), chain, SystemTime::now())
    }
}
