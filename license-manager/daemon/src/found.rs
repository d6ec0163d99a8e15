//! `plenary-license-manager found`, `join`, `restore`: how a replica comes to be.

use crate::{
    app::{self, App},
    config::Config,
    data::{self, Facts, KIND},
    options, run,
};
use anyhow::Context as _;
use clap::Args;
use plenary_identity::{EnterpriseCa, EnterpriseName, JoinToken, Program};
use plenary_licences::{
    PoolId, lessor,
    manager::{Command, Entry, Member},
};
use plenary_links::clock_ms;
use plenary_member::Folder;
use plenary_model::{NodeId, ServerName};
use plenary_program::{UsageError, options::Common, say, signals::Until};
use plenary_replication::Replica;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

/// Make a new License Manager; this machine becomes its first replica
///
/// Uses the enterprise's root key in --authority, or makes one there. Keep that folder offline afterwards: replicas do
/// not need it. Then start the replica with `plenary-license-manager run`.
#[derive(Debug, Args)]
pub(crate) struct Found {
    /// Name of the License Manager, like licences.example.com
    #[arg(long)]
    manager: ServerName,
    /// Name of the enterprise
    #[arg(long)]
    enterprise: EnterpriseName,
    /// Folder of the enterprise's root certificate and key
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
}

impl Found {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let config = common.load(Config::load)?;
        let folder = data::folder(&config);
        folder.make()?;
        let has_root = self.authority.join("root.pem").exists();
        let authority = plenary_member::authority(&self.authority, &self.enterprise, has_root)?;
        let facts = Facts::new(
            NodeId(1),
            KIND.name(config.name.as_ref()),
            self.manager.clone(),
            self.enterprise.to_string(),
        );
        let replica = open(&config, &folder, &authority, &facts).await?;
        replica.found().await?;
        let begin = Command::Begin {
            pool: PoolId(rand::random()),
            branch: rand::random(),
        };
        propose(&replica, begin).await?;
        stand_alone(&config, &replica, &facts).await?;
        replica.shutdown().await;
        folder.finish(&facts)?;
        say(&format!(
            "The License Manager {} is made. Start it with: plenary-license-manager run",
            self.manager
        ));
        Ok(())
    }
}

/// Makes identity and replica of a machine that holds the root key at the moment.
async fn open(
    config: &Config,
    folder: &Folder,
    authority: &EnterpriseCa,
    facts: &Facts,
) -> anyhow::Result<Replica<App>> {
    let identity = folder.create_identity(authority, &facts.manager, &facts.name, facts.member)?;
    let replica_options = options::replica_options(config, folder, facts)?;
    Ok(plenary_member::open(replica_options, Arc::new(App::default()), identity).await?)
}

async fn stand_alone(config: &Config, replica: &Replica<App>, facts: &Facts) -> anyhow::Result<()> {
    let command = Command::StandAlone {
        member: facts.member,
        facts: Member {
            name: facts.name.clone(),
            address: options::address(config)?,
        },
    };
    propose(replica, command).await
}

async fn propose(replica: &Replica<App>, command: Command) -> anyhow::Result<()> {
    let entry = Entry { by: None, command };
    let committed = replica.propose(app::encode(&entry)?).await?;
    match app::decode_reply(&committed.reply)? {
        app::Reply::Done(Err(denial)) => Err(denial).context("the manager's own rules refused to make it"),
        _ => Ok(()),
    }
}

/// Join a License Manager with the token of `member invite`, then run
#[derive(Debug, Args)]
pub(crate) struct Join {
    /// The one-time token
    #[arg(env = "PLENARY_TOKEN", hide_env_values = true)]
    token: String,
    #[command(flatten)]
    until: Until,
    /// Only join; do not go on running
    #[arg(long)]
    only: bool,
}

impl Join {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let config = common.load(Config::load)?;
        let token: JoinToken = self.token.parse().map_err(UsageError::caused)?;
        token.check_time(clock_ms()).map_err(UsageError::caused)?;
        if token.program != Program::LicenseManager {
            let text = "the token is not that of a License Manager; make one there with: plenary-license-manager member invite";
            return Err(UsageError::new(text).into());
        }
        let folder = data::folder(&config);
        // Bound before anything is used up: a port in use must not cost the token.
        let ports = run::Ports::bind(&config)?;
        folder.make()?;
        join(&config, &folder, token).await?;
        if self.only {
            say("Joined. Start the replica with: plenary-license-manager run");
            return Ok(());
        }
        run::serve(config, folder, ports, self.until).await
    }
}

async fn join(config: &Config, folder: &Folder, token: JoinToken) -> anyhow::Result<()> {
    let name = KIND.name(config.name.as_ref());
    let (manager, enterprise) = (token.server.clone(), token.enterprise.to_string());
    let address = options::address(config)?;
    let member = plenary_member::join(folder, token, name.clone(), address, run::VERSION).await?;
    folder.finish(&Facts::new(member, name, manager, enterprise))
}

/// Make the first replica of a License Manager from a backup
///
/// Stop all replicas before: two managers would lend one pool. The restored manager lends nothing until you run
/// `plenary-license-manager recover`: servers may hold seats that it knows nothing of.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
    /// Name of the License Manager
    #[arg(long)]
    manager: ServerName,
    /// Folder of the enterprise's root certificate and key
    #[arg(long, value_name = "FOLDER")]
    authority: PathBuf,
}

impl Restore {
    pub(crate) async fn run(self, common: &Common) -> anyhow::Result<()> {
        let config = common.load(Config::load)?;
        let folder = data::folder(&config);
        let authority = EnterpriseCa::open(&self.authority).map_err(UsageError::caused)?;
        let last = last_member(&self.file)
            .map_err(|error| UsageError::new(format!("{} is no backup: {error:#}", self.file.display())))?;
        folder.make()?;
        let facts = Facts::new(
            NodeId(last.0 + 1),
            KIND.name(config.name.as_ref()),
            self.manager.clone(),
            authority.enterprise().to_string(),
        );
        let replica_options = options::replica_options(&config, &folder, &facts)?;
        let file = self.file.clone();
        let restored =
            tokio::task::spawn_blocking(move || plenary_replication::restore(&replica_options, &file))
                .await?;
        let restored = restored.map_err(UsageError::caused)?;
        let replica = open(&config, &folder, &authority, &facts).await?;
        stand_alone(&config, &replica, &facts).await?;
        propose(&replica, Command::Lend(lessor::Command::Restored)).await?;
        replica.shutdown().await;
        folder.finish(&facts)?;
        say(&format!(
            "The License Manager {} is restored as of entry {}. It lends nothing until you run, once it runs: plenary-license-manager recover",
            self.manager, restored.applied
        ));
        Ok(())
    }
}

fn last_member(file: &Path) -> anyhow::Result<NodeId> {
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let db = rusqlite::Connection::open_with_flags(file, flags)?;
    let manager = app::load(&db)?.context("it holds no License Manager")?;
    Ok(manager.office.last_member)
}
