//! A machine with a join token becomes a member.

use crate::Folder;
use plenary_contracts::cluster::v1::JoinRequest;
use plenary_identity::{JoinToken, Joining};
use plenary_links::{Attempt, clock_ms};
use plenary_model::{NodeId, NodeName};
use plenary_program::UsageError;

/// Asks the members that the token names, one after the other, to be let in as `name`, reached at `address`
/// (`host:port`). The identity is in `folder` then; [`Folder::finish`] is left to do. Gives the new number.
///
/// # Errors
/// When one refuses it, or none could be asked: with what each said.
pub async fn join(
    folder: &Folder,
    token: JoinToken,
    name: NodeName,
    address: String,
    version: &str,
) -> anyhow::Result<NodeId> {
    let kind = folder.kind();
    let joining = Joining::new(token, name.clone())?;
    let token = joining.token();
    let mut reasons = Vec::new();
    for asked in &token.addresses {
        let request = JoinRequest {
            invitation: token.invitation.clone(),
            // It follows from the connection.
            proof: Vec::new(),
            node_name: name.to_string(),
            cluster_address: address.clone(),
            certificate_request: joining.certificate_request()?,
            version: version.to_owned(),
            clock_ms: clock_ms(),
        };
        match plenary_links::ask(&joining, asked, request).await {
            Ok((answer, binding)) => {
                let (member, machine) = (NodeId(answer.node), folder.machine_key()?);
                let (proof, parcel) = (&answer.proof, &answer.identity);
                joining
                    .finish(&folder.identity(), machine, member, &binding, proof, parcel)
                    .map_err(UsageError::caused)?;
                return Ok(member);
            }
            Err(Attempt::Refused(reason)) => {
                let text = format!("the {} refused this {}: {reason}", kind.group, kind.member);
                return Err(UsageError::new(text).into());
            }
            Err(Attempt::Failed(reason)) => reasons.push(format!("{asked}: {reason}")),
        }
    }
    let (server, reasons) = (&token.server, reasons.join("; "));
    let text = format!("no {} of {server} could be asked ({reasons})", kind.member);
    Err(UsageError::new(text).into())
}
