//! `plenary-node found`: the first node of a new server.

use crate::{
    UsageError,
    data::{self, KIND, NodeFacts},
    options::{self, Common, system},
};
use anyhow::Context as _;
use clap::Args;
use plenary_access::{AdminRole, Change, Command, NewUser, Outcome, Refusal};
use plenary_identity::EnterpriseName;
use plenary_model::{NodeId, ServerName, UserName};
use plenary_replication::Replica;
use plenary_rest_api::{Cost, Passwords};
use plenary_store::ServerApp;
use std::{collections::BTreeSet, io::IsTerminal as _, path::PathBuf, sync::Arc};

/// Make a new server; this machine becomes its first node
///
/// Makes the enterprise's root key in --authority, or uses the one that is there. Keep that folder offline
/// afterwards: nodes do not need it. Then start the node with `plenary-node run`.
#[derive(Debug, Args)]
pub(crate) struct Found {
    #[command(flatten)]
    common: Common,
    /// Name of the server, the part after @ of its users
    #[arg(long)]
    server: ServerName,
    /// Name of the enterprise
    #[arg(long)]
    enterprise: EnterpriseName,
    /// Folder of the enterprise's root certificate and key
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
    /// ID of the first administrator; the password is asked for, or read from PLENARY_ADMIN_PASSWORD
    #[arg(long, default_value = "admin")]
    admin: UserName,
}

impl Found {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        let config = self.common.load()?;
        let password = self.password()?;
        let folder = data::folder(&config.data);
        folder.make()?;
        // A folder that holds anything is taken for one that has the root.
        let has_root = self
            .authority
            .read_dir()
            .is_ok_and(|mut entries| entries.next().is_some());
        let authority = plenary_member::authority(&self.authority, &self.enterprise, has_root)?;
        let name = KIND.name(config.name.as_ref());
        let facts = NodeFacts::new(
            NodeId(1),
            name.clone(),
            self.server.clone(),
            self.enterprise.to_string(),
        );
        let identity = folder.create_identity(&authority, &self.server, &name, facts.node)?;
        let replica_options = options::replica_options(&config, &folder, &facts)?;
        let address = replica_options.member.address.clone();
        let app = Arc::new(ServerApp::default());
        let replica = plenary_member::open(replica_options, app, identity).await?;
        replica.found().await?;
        let found = Change::FoundServer {
            server: self.server.clone(),
            enterprise: self.enterprise.to_string(),
            node: facts.node,
            name,
            address,
        };
        propose(&replica, found).await?;
        let hash = Passwords::new(Cost::measured()).hash_blocking(&password);
        let admin = NewUser {
            id: self.admin.clone(),
            profile: plenary_access::Profile::default(),
            password: Some(hash),
            groups: BTreeSet::new(),
            active: true,
            admin: AdminRole::Full,
            bandwidth: plenary_access::Bandwidth::default(),
        };
        propose(&replica, Change::CreateUser(admin)).await?;
        replica.raise_level(options::LEVEL).await?;
        replica.shutdown().await;
        folder.finish(&facts)?;
        crate::say(&format!(
            "The server {} is made. Start it with: plenary-node run",
            self.server
        ));
        Ok(())
    }

    fn password(&self) -> anyhow::Result<String> {
        let password = match std::env::var("PLENARY_ADMIN_PASSWORD") {
            Ok(password) => password,
            Err(_) if std::io::stdin().is_terminal() => {
                let first = rpassword::prompt_password(format!("Password for {}: ", self.admin))?;
                if first != rpassword::prompt_password("Again: ")? {
                    return Err(UsageError::new("the two passwords differ").into());
                }
                first
            }
            Err(_) => {
                let text =
                    "give the administrator's password in PLENARY_ADMIN_PASSWORD, or run this on a terminal";
                return Err(UsageError::new(text).into());
            }
        };
        let length = password.chars().count();
        if !(8..=plenary_model::limits::PASSWORD).contains(&length) {
            let most = plenary_model::limits::PASSWORD;
            return Err(UsageError::new(format!(
                "the administrator's password must have 8 to {most} characters"
            ))
            .into());
        }
        Ok(password)
    }
}

/// Proposes a change of the server itself, while nobody else is there.
pub(crate) async fn propose(replica: &Replica<ServerApp>, change: Change) -> anyhow::Result<Outcome> {
    let command = Command {
        by: system(),
        idempotency: None,
        change,
    };
    let committed = replica.propose(plenary_store::encode_command(&command)?).await?;
    let reply: Result<Outcome, Refusal> = plenary_store::decode_reply(&committed.reply)?;
    reply.context("the server's own rules refused to make it")
}
