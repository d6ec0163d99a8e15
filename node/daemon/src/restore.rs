//! `plenary-node restore`: a new first node from a backup.

use crate::{
    UsageError, backup,
    data::{self, KIND, NodeFacts},
    options::{self, Common},
};
use anyhow::Context as _;
use clap::Args;
use plenary_access::Change;
use plenary_identity::EnterpriseCa;
use plenary_model::NodeId;
use plenary_store::{ServerApp, queries};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Make the first node of a server from a backup, or verify one
///
/// The node gets a new number and new certificates; the nodes of the time of the backup are no members any more.
/// Stop them all before: two servers of one name would go on side by side. Add nodes with `plenary-node join`.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    #[command(flatten)]
    common: Common,
    /// The backup
    file: PathBuf,
    /// Only check that the backup is whole, and say what is in it
    #[arg(long)]
    verify: bool,
    /// Folder of the enterprise's root certificate and key
    #[arg(long, value_name = "FOLDER", required_unless_present = "verify")]
    authority: Option<PathBuf>,
}

impl Restore {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        if self.verify {
            return verify(&self.file);
        }
        let authority = self.authority.as_deref().context("clap requires it")?;
        let config = self.common.load()?;
        let folder = data::folder(&config.data);
        folder.make()?;
        let temp = data::temp(&folder);
        std::fs::create_dir_all(&temp)?;
        let copy = temp.join("restored.db");
        let manifest = backup::unpack(&self.file, &copy)?;
        let last = rusqlite::Connection::open(&copy)
            .map_err(anyhow::Error::from)
            .and_then(|db| Ok(queries::last_node(&db)?))
            .context("the state in the backup cannot be read")?;
        let authority = EnterpriseCa::open(authority).map_err(UsageError::caused)?;
        if authority.enterprise().as_str() != manifest.enterprise {
            return Err(UsageError::new(format!(
                "the backup is of the enterprise {:?}, the root key of {:?}",
                manifest.enterprise,
                authority.enterprise().as_str()
            ))
            .into());
        }
        let name = KIND.name(config.name.as_ref());
        let facts = NodeFacts::new(
            NodeId(last.0 + 1),
            name.clone(),
            manifest.server.clone(),
            manifest.enterprise,
        );
        let identity = folder.create_identity(&authority, &manifest.server, &name, facts.node)?;
        let replica_options = options::replica_options(&config, &folder, &facts)?;
        let (for_copy, from) = (replica_options.clone(), copy.clone());
        tokio::task::spawn_blocking(move || plenary_replication::restore(&for_copy, &from)).await??;
        std::fs::remove_file(&copy)?;
        let address = replica_options.member.address.clone();
        let app = Arc::new(ServerApp::default());
        let replica = plenary_member::open(replica_options, app, identity).await?;
        crate::found::propose(
            &replica,
            Change::RestoreServer {
                node: facts.node,
                name,
                address,
            },
        )
        .await?;
        replica.shutdown().await;
        folder.finish(&facts)?;
        crate::say(&format!(
            "The server {} is restored as of entry {}. Start it with: plenary-node run",
            manifest.server, manifest.index
        ));
        Ok(())
    }
}

/// Unpacks the backup beside itself, or where temporary files go, and says what it is.
fn verify(file: &Path) -> anyhow::Result<()> {
    let folder = tempfile::Builder::new().prefix("plenary-verify").tempdir()?;
    let manifest = backup::unpack(file, &folder.path().join("state.db"))?;
    crate::say(&format!(
        "{} is whole: server {}, enterprise {}, entry {}, {} bytes, written by version {}.",
        file.display(),
        manifest.server,
        manifest.enterprise,
        manifest.index,
        manifest.bytes,
        manifest.version
    ));
    Ok(())
}
