use plenary_contracts::leases::v1::{EnrolRequest, leases_client::LeasesClient};
use plenary_identity::{Expected, Identity, JoinToken, Program};
use plenary_licences::PoolId;
use plenary_links::Patience;
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use std::time::Duration;

const ANSWER_WITHIN: Duration = Duration::from_secs(15);

/// The License Manager that a server borrows from; the server keeps this, and it holds nothing secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enrolled {
    /// Name of the License Manager.
    pub manager: ServerName,
    pub pool: PoolId,
    /// `host:port` of its replicas.
    pub addresses: Vec<String>,
}

/// Why a server was not enrolled. The texts are for the administrator who has the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EnrolError {
    #[error(
        "the token is not that of a License Manager; make one there with: plenary-license-manager server invite"
    )]
    OtherProgram,
    #[error("the License Manager refused this server: {0}")]
    Refused(String),
    #[error("no replica of the License Manager could be asked ({0})")]
    Unreachable(String),
}

/// Shows the token that was made for this server; from then on it may borrow.
///
/// # Errors
/// Why not; then the token is as good as before, except after [`EnrolError::Refused`].
pub async fn enrol(identity: &Identity, token: &JoinToken) -> Result<Enrolled, EnrolError> {
    if token.program != Program::LicenseManager {
        return Err(EnrolError::OtherProgram);
    }
    let mut reasons = Vec::new();
    for address in &token.addresses {
        let expected = Expected::any(Program::LicenseManager).at(&token.server);
        let patience = Patience {
            connect: ANSWER_WITHIN,
            keep_alive: ANSWER_WITHIN,
        };
        let channel =
            match plenary_links::patient_channel(address, identity.client_config(expected), patience) {
                Ok(channel) => channel,
                Err(error) => {
                    reasons.push(format!("{address}: {error}"));
                    continue;
                }
            };
        let mut request = tonic::Request::new(EnrolRequest {
            invitation: token.invitation.clone(),
            secret: token.secret.as_bytes().to_vec(),
        });
        request.set_timeout(ANSWER_WITHIN);
        match LeasesClient::new(channel).enrol(request).await {
            Ok(answer) => {
                let answer = answer.into_inner();
                let pool = super::wire::id_from(&answer.pool, "pool");
                return Ok(Enrolled {
                    manager: token.server.clone(),
                    pool: PoolId(pool.map_err(|error| EnrolError::Refused(error.to_string()))?),
                    addresses: answer.addresses,
                });
            }
            Err(status) if status.code() == tonic::Code::PermissionDenied => {
                return Err(EnrolError::Refused(status.message().to_owned()));
            }
            Err(status) => reasons.push(format!("{address}: {}", status.message())),
        }
    }
    Err(EnrolError::Unreachable(reasons.join("; ")))
}
