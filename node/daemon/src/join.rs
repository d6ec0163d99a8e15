//! `plenary-node join`: one more node of a server.

use crate::{
    UsageError,
    config::Config,
    data::{DataFolder, NodeFacts},
    options::{self, Common},
    run,
    server::VERSION,
};
use clap::Args;
use plenary_cluster_io::clock_ms;
use plenary_contracts::cluster::v1::JoinRequest;
use plenary_identity::{JoinToken, Joining};
use plenary_links::Attempt;
use plenary_model::NodeId;

/// Join a server with the token of `plenaryctl node invite`, then run
///
/// The server's data is copied in the background; the node votes once it has caught up. Start it again later with
/// `plenary-node run`.
#[derive(Debug, Args)]
pub(crate) struct Join {
    #[command(flatten)]
    common: Common,
    /// The one-time token
    #[arg(env = "PLENARY_TOKEN", hide_env_values = true)]
    token: String,
    #[command(flatten)]
    until: plenary_program::signals::Until,
    /// Only join; do not go on running
    #[arg(long)]
    only: bool,
}

impl Join {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = self.common.load()?;
        let token: JoinToken = self.token.parse().map_err(UsageError::caused)?;
        token.check_time(clock_ms()).map_err(UsageError::caused)?;
        let folder = DataFolder::new(&config.data);
        // Bound before anything is used up: a port in use must not cost the token.
        let ports = run::Ports::bind(&config)?;
        folder.make()?;
        join(&config, &folder, token).await?;
        if self.only {
            crate::say("Joined. Start the node with: plenary-node run");
            return Ok(());
        }
        run::serve(config, folder, ports, self.until).await
    }
}

async fn join(config: &Config, folder: &DataFolder, token: JoinToken) -> anyhow::Result<()> {
    let name = options::node_name(config);
    let (server, enterprise) = (token.server.clone(), token.enterprise.to_string());
    let addresses = token.addresses.clone();
    let joining = Joining::new(token, name.clone())?;
    let mut reasons = Vec::new();
    for address in &addresses {
        match plenary_links::ask(&joining, address, wanted(config, &joining)?).await {
            Ok((answer, binding)) => {
                let machine = options::machine_key(folder)?;
                let node = NodeId(answer.node);
                let identity = joining
                    .finish(
                        &folder.identity(),
                        machine,
                        node,
                        &binding,
                        &answer.proof,
                        &answer.identity,
                    )
                    .map_err(UsageError::caused)?;
                drop(identity);
                return folder.finish(&NodeFacts::new(node, name, server, enterprise));
            }
            Err(Attempt::Refused(reason)) => {
                return Err(UsageError::new(format!("the server refused this node: {reason}")).into());
            }
            Err(Attempt::Failed(reason)) => reasons.push(format!("{address}: {reason}")),
        }
    }
    Err(UsageError::new(format!(
        "no node of {server} could be asked ({})",
        reasons.join("; ")
    ))
    .into())
}

/// What this machine asks for; the proof follows from the connection.
fn wanted(config: &Config, joining: &Joining) -> anyhow::Result<JoinRequest> {
    Ok(JoinRequest {
        invitation: joining.token().invitation.clone(),
        proof: Vec::new(),
        node_name: options::node_name(config).to_string(),
        cluster_address: options::cluster_address(config)?,
        certificate_request: joining.certificate_request()?,
        version: VERSION.to_owned(),
        clock_ms: clock_ms(),
    })
}
