//! `plenary-node join`: one more node of a server.

use crate::{
    UsageError,
    config::Config,
    data::{self, KIND, NodeFacts},
    options::{self, Common},
    run,
    server::VERSION,
};
use clap::Args;
use plenary_cluster_io::clock_ms;
use plenary_identity::JoinToken;
use plenary_member::Folder;

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
        let folder = data::folder(&config.data);
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

async fn join(config: &Config, folder: &Folder, token: JoinToken) -> anyhow::Result<()> {
    let name = KIND.name(config.name.as_ref());
    let (server, enterprise) = (token.server.clone(), token.enterprise.to_string());
    let address = options::cluster_address(config)?;
    let node = plenary_member::join(folder, token, name.clone(), address, VERSION).await?;
    folder.finish(&NodeFacts::new(node, name, server, enterprise))
}
