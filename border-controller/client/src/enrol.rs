//! How a node enrols a controller that has a token.

use crate::{
    quic::{self, JOIN, NoSuite},
    wire::{self, LONGEST, WireError},
};
use plenary_contracts::border::v1::{EnrolProof, EnrolRequest, Enrolment};
use plenary_identity::{
    Identity, JoinError,
    join::{Side, check_proof, prove},
};
use quinn::Endpoint;
use rustls_pki_types::CertificateDer;
use std::{net::SocketAddr, time::Duration};

/// For all of it. Committing the use of the token takes the longest.
const WITHIN: Duration = Duration::from_secs(15);
/// Clocks that differ by more than this make certificates that do not count yet.
const CLOCK_WITHIN_MS: u64 = 60_000;

/// Why a controller was not enrolled.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// Nobody answers, or whoever does is enrolled already.
    #[error("it cannot be reached, or it does not wait to be enrolled")]
    Unreached(#[source] quinn::ConnectionError),
    #[error("it cannot be dialled")]
    Undialled(#[from] quinn::ConnectError),
    #[error(transparent)]
    Tls(#[from] NoSuite),
    #[error("the conversation broke off")]
    Broken(#[from] WireError),
    #[error("it took too long")]
    Slow,
    #[error("the keys of the connection cannot be used")]
    Unbound,
    /// Whoever answers does not know the token.
    #[error(transparent)]
    WrongProof(#[from] JoinError),
    #[error(
        "its clock and ours differ by {seconds} s; synchronise both machines (NTP), then make another token"
    )]
    Clock { seconds: u64 },
    /// The server did not let it in; this was told to it.
    #[error("it was refused: {0}")]
    Refused(String),
}

/// What enrolling needs of the server's log.
#[async_trait::async_trait]
pub trait Enrolments: Sync {
    /// Uses the token up for this controller, and gives its certificates: the leaf first. The proof was right.
    ///
    /// # Errors
    /// A sentence for the person at the controller.
    async fn enter(&self, request: &[u8], version: &str) -> Result<Vec<CertificateDer<'static>>, String>;
}

/// Enrols the controller at `address`, which must prove to know the secret with this hash.
///
/// # Errors
/// [`EnrolError`].
pub async fn enrol(
    endpoint: &Endpoint,
    address: SocketAddr,
    identity: &Identity,
    (invitation, secret): (&str, &[u8; 32]),
    clock_ms: u64,
    desk: &impl Enrolments,
) -> Result<(), EnrolError> {
    let config = quic::dialling(&identity.enrolling_client_config(), JOIN)?;
    let dialled = endpoint.connect_with(config, address, "controller.plenary.internal")?;
    let all = async {
        let connection = dialled.await.map_err(EnrolError::Unreached)?;
        let binding = quic::binding(&connection).ok_or(EnrolError::Unbound)?;
        let (mut send, mut receive) = connection.open_bi().await.map_err(EnrolError::Unreached)?;
        let asked = EnrolRequest {
            invitation: invitation.to_owned(),
        };
        wire::write(&mut send, &asked).await?;
        let proof: EnrolProof = wire::read(&mut receive, LONGEST).await?;
        check_proof(Side::Joiner, secret, &binding, &proof.proof)?;
        let refusal = match clock_ms.abs_diff(proof.clock_ms) {
            off if off > CLOCK_WITHIN_MS => Err(EnrolError::Clock { seconds: off / 1000 }),
            _ => desk
                .enter(&proof.certificate_request, &proof.version)
                .await
                .map_err(EnrolError::Refused),
        };
        let answer = match &refusal {
            Ok(chain) => Enrolment {
                proof: prove(Side::Server, secret, &binding).to_vec(),
                chain: chain.iter().map(|one| one.to_vec()).collect(),
                refusal: String::new(),
            },
            Err(error) => Enrolment {
                refusal: error.to_string(),
                ..Enrolment::default()
            },
        };
        wire::write(&mut send, &answer).await?;
        // An error means that it has ended the stream's other half already.
        send.finish().ok();
        // It closes the connection once it has read that.
        connection.closed().await;
        refusal.map(drop)
    };
    tokio::time::timeout(WITHIN, all)
        .await
        .map_err(|_| EnrolError::Slow)?
}
