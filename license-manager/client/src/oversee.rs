use crate::wire::MESSAGE_BYTES;
use plenary_contracts::leases::v1::{
    OverseeRequest, Overview, leases_client::LeasesClient, oversee_response::What,
};
use plenary_identity::{Expected, Identity, Program};
use plenary_links::Patience;
use plenary_model::ServerName;
use std::{collections::VecDeque, time::Duration};

const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// Replicas that name each other are not followed for ever.
const HOPS: usize = 12;

/// Why nothing was seen or done; the texts are for administrators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverseeError {
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    Refused(String),
    #[error("no replica of the License Manager that leads could be asked ({0})")]
    Unreachable(String),
}

/// Asks the leader of a License Manager how it is, after it did what an administrator of this server wants.
///
/// # Errors
/// Why not. After [`OverseeError::Unreachable`] nobody knows whether it was done.
pub async fn oversee(
    identity: &Identity,
    manager: &ServerName,
    addresses: &[String],
    request: OverseeRequest,
) -> Result<Overview, OverseeError> {
    let mut next: VecDeque<String> = addresses.to_vec().into();
    let mut reasons = Vec::new();
    for _ in 0..HOPS {
        let Some(address) = next.pop_front() else { break };
        match ask(identity, manager, &address, request.clone()).await {
            Ok(Some(What::Overview(overview))) => return Ok(overview),
            Ok(Some(What::Elsewhere(leader))) => {
                reasons.push(format!("{address}: another replica leads"));
                if !leader.is_empty() {
                    next.retain(|other| *other != leader);
                    next.push_front(leader);
                }
            }
            Ok(None) => reasons.push(format!("{address}: it said nothing that this version knows")),
            Err(status) => match status.code() {
                tonic::Code::PermissionDenied => {
                    return Err(OverseeError::NotAllowed(status.message().to_owned()));
                }
                tonic::Code::FailedPrecondition | tonic::Code::InvalidArgument => {
                    return Err(OverseeError::Refused(status.message().to_owned()));
                }
                _ => reasons.push(format!("{address}: {}", status.message())),
            },
        }
    }
    Err(OverseeError::Unreachable(reasons.join("; ")))
}

async fn ask(
    identity: &Identity,
    manager: &ServerName,
    address: &str,
    request: OverseeRequest,
) -> Result<Option<What>, tonic::Status> {
    let expected = Expected::any(Program::LicenseManager).at(manager);
    let patience = Patience {
        connect: ANSWER_WITHIN,
        keep_alive: ANSWER_WITHIN,
    };
    let channel = plenary_links::patient_channel(address, identity.client_config(expected), patience)
        .map_err(|error| tonic::Status::unavailable(error.to_string()))?;
    let mut request = tonic::Request::new(request);
    request.set_timeout(ANSWER_WITHIN);
    // A day of history of a thousand servers is larger than what is said otherwise.
    let mut client = LeasesClient::new(channel).max_decoding_message_size(64 * MESSAGE_BYTES);
    Ok(client.oversee(request).await?.into_inner().what)
}
