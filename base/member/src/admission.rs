//! Machines that become members: the side of who lets them in.

use plenary_contracts::cluster::v1::{JoinRequest, JoinResponse};
use plenary_identity::{
    Identity, JoinSecret,
    join::{Side, check_proof, prove},
};
use plenary_links::clock_ms;
use plenary_model::{NodeId, NodeName, ParseError, Timestamp};
use plenary_replication::{Application, Replica};

/// Clocks that differ by more than this make times in the log meaningless.
const CLOCK_WITHIN_MS: u64 = 60_000;
/// Longest `host:port`.
const ADDRESS_BYTES: usize = 256;

/// What admitting a machine needs of the group's log. Errors are sentences for the person at that machine.
#[tonic::async_trait]
pub trait Admission: Sync {
    type App: Application;
    /// How the address of a machine is called in errors: `its address`.
    const ADDRESS: &'static str;

    fn replica(&self) -> &Replica<Self::App>;

    fn identity(&self) -> &Identity;

    /// Hash of the secret of an invitation that nobody used yet, by the state of this member.
    async fn invitation(&self, id: &str) -> Result<Option<[u8; 32]>, String>;

    /// Uses the invitation up for a new member, and gives its number. The proof was right.
    async fn enter(
        &self,
        invitation: String,
        secret: [u8; 32],
        name: NodeName,
        address: String,
    ) -> Result<NodeId, String>;
}

/// Admits a machine that proves to know the secret of an invitation, on the connection with this `binding`.
///
/// # Errors
/// A sentence for the person at that machine; the invitation may be used up.
pub async fn admit<G: Admission>(
    group: &G,
    request: JoinRequest,
    binding: [u8; 32],
) -> Result<JoinResponse, String> {
    let off = clock_ms().abs_diff(request.clock_ms);
    if off > CLOCK_WITHIN_MS {
        let seconds = off / 1000;
        return Err(format!(
            "its clock and ours differ by {seconds} s; synchronise both machines (NTP), then retry"
        ));
    }
    let name = request.node_name.parse::<NodeName>();
    let name = name.map_err(|error: ParseError| error.to_string())?;
    let address = request.cluster_address;
    let port = address
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse::<u16>().ok());
    if address.len() > ADDRESS_BYTES || !address.is_ascii() || port.is_none_or(|port| port == 0) {
        return Err(format!("{} is not host:port", G::ADDRESS));
    }
    // An invitation that was made on another member a moment ago counts.
    let fresh = group.replica().read_index().await;
    fresh.map_err(|error| error.to_string())?;
    let secret = group.invitation(&request.invitation).await?;
    let secret = secret.ok_or("the join token is unknown or was used already; make a new one")?;
    check_proof(Side::Joiner, &secret, &binding, &request.proof).map_err(|error| error.to_string())?;
    let entered = group.enter(request.invitation, secret, name.clone(), address);
    let member = entered.await?;
    let (identity, me) = (group.identity(), group.identity().me());
    let parcel = identity
        .admit(name, member, &request.certificate_request, &secret, &binding)
        .map_err(|error| error.to_string())?;
    Ok(JoinResponse {
        node: member.0,
        server: me.server.to_string(),
        enterprise: me.enterprise.to_string(),
        identity: parcel,
        proof: prove(Side::Server, &secret, &binding).to_vec(),
    })
}

/// The token of an invitation that is in the log. It names the addresses of `members`, that of this one first: it has
/// the invitation for sure.
pub fn token(
    identity: &Identity,
    invitation: String,
    secret: JoinSecret,
    members: impl IntoIterator<Item = (NodeId, String)>,
    expires: Timestamp,
) -> String {
    let mut members: Vec<_> = members.into_iter().collect();
    members.sort_by_key(|(id, _)| *id != identity.me().member);
    let addresses = members.into_iter().map(|(_, address)| address).collect();
    identity
        .join_token(invitation, secret, addresses, expires.0)
        .encode()
}
