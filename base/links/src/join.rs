//! A machine with a join token asks to become a member.

use crate::connect;
use hyper_util::rt::TokioIo;
use plenary_contracts::cluster::v1::{JoinRequest, JoinResponse, admission_client::AdmissionClient};
use plenary_identity::{Joining, explain, join::binding};
use std::{error::Error, sync::Mutex, time::Duration};
use tonic::transport::{Endpoint, Uri};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Why a member did not let a machine in.
#[derive(Debug)]
pub enum Attempt {
    /// It answered no; others would too.
    Refused(String),
    Failed(String),
}

fn failed(error: impl Error + 'static) -> Attempt {
    Attempt::Failed(explain(&error))
}

/// Asks one member over a connection of its own, which the proofs are bound to; the proof in `request` is filled in.
///
/// # Errors
/// [`Attempt::Refused`], or that it could not be asked.
pub async fn ask(
    joining: &Joining,
    address: &str,
    mut request: JoinRequest,
) -> Result<(JoinResponse, [u8; 32]), Attempt> {
    let connecting = connect(address, joining.client_config());
    let stream = tokio::time::timeout(CONNECT_WITHIN, connecting)
        .await
        .map_err(|_| Attempt::Failed("it does not answer".into()))?
        .map_err(failed)?;
    let binding = binding(stream.get_ref().1).map_err(failed)?;
    request.proof = joining.proof(&binding).to_vec();
    let once = Mutex::new(Some(TokioIo::new(stream)));
    let endpoint = Endpoint::from_static("http://node.plenary.internal").timeout(ANSWER_WITHIN);
    let channel = endpoint
        .connect_with_connector(tower::service_fn(move |_: Uri| {
            let stream = once.lock().ok().and_then(|mut once| once.take());
            async move { stream.ok_or_else(|| std::io::Error::other("the connection is used once")) }
        }))
        .await
        .map_err(failed)?;
    match AdmissionClient::new(channel).join(request).await {
        Ok(answer) => Ok((answer.into_inner(), binding)),
        Err(status) if status.code() == tonic::Code::PermissionDenied => {
            Err(Attempt::Refused(status.message().to_owned()))
        }
        Err(status) => Err(Attempt::Failed(status.message().to_owned())),
    }
}
