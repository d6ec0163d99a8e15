//! `plenary-node join`: one more node of a server.

use crate::{
    UsageError,
    config::Config,
    data::{DataFolder, NodeFacts},
    options::{self, Common},
    run,
    server::VERSION,
};
use anyhow::Context as _;
use clap::Args;
use hyper_util::rt::TokioIo;
use plenary_cluster_io::clock_ms;
use plenary_contracts::cluster::v1::{JoinRequest, JoinResponse, admission_client::AdmissionClient};
use plenary_identity::{JoinToken, Joining, explain, join::binding};
use plenary_model::NodeId;
use std::{sync::Mutex, time::Duration};
use tonic::transport::{Endpoint, Uri};

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

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
        match ask(config, &joining, address).await {
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

enum Attempt {
    /// A node answered no; others would too.
    Refused(String),
    Failed(String),
}

impl From<anyhow::Error> for Attempt {
    fn from(error: anyhow::Error) -> Self {
        Self::Failed(explain(error.as_ref()))
    }
}

/// Asks one node over a connection of its own, which the proofs are bound to.
async fn ask(config: &Config, joining: &Joining, address: &str) -> Result<(JoinResponse, [u8; 32]), Attempt> {
    let connecting = plenary_cluster_io::connect(address, joining.client_config());
    let stream = tokio::time::timeout(CONNECT_WITHIN, connecting)
        .await
        .map_err(|_| Attempt::Failed("it does not answer".into()))?
        .map_err(anyhow::Error::from)?;
    let binding = binding(stream.get_ref().1).map_err(anyhow::Error::from)?;
    let request = JoinRequest {
        invitation: joining.token().invitation.clone(),
        proof: joining.proof(&binding).to_vec(),
        node_name: options::node_name(config).to_string(),
        cluster_address: options::cluster_address(config)?,
        certificate_request: joining.certificate_request().map_err(anyhow::Error::from)?,
        version: VERSION.to_owned(),
        clock_ms: clock_ms(),
    };
    let once = Mutex::new(Some(TokioIo::new(stream)));
    let endpoint = Endpoint::from_static("http://node.plenary.internal").timeout(ANSWER_WITHIN);
    let channel = endpoint
        .connect_with_connector(tower::service_fn(move |_: Uri| {
            let stream = once.lock().ok().and_then(|mut once| once.take());
            async move {
                stream
                    .context("the connection is used once")
                    .map_err(std::io::Error::other)
            }
        }))
        .await
        .map_err(anyhow::Error::from)?;
    match AdmissionClient::new(channel).join(request).await {
        Ok(answer) => Ok((answer.into_inner(), binding)),
        Err(status) if status.code() == tonic::Code::PermissionDenied => {
            Err(Attempt::Refused(status.message().to_owned()))
        }
        Err(status) => Err(Attempt::Failed(status.message().to_owned())),
    }
}
