//! What the commands have in common: configuration, and what is made of it.

use crate::{
    app::App,
    config::Config,
    data::{DataFolder, Facts},
    links::{Links, LogLinks},
    run,
};
use anyhow::{anyhow, bail};
use clap::Args;
use plenary_identity::{Identity, MACHINE_KEY_FILE, MachineKey};
use plenary_licences::licence::{Build, Trust};
use plenary_model::NodeName;
use plenary_program::{UsageError, addresses, say};
use plenary_replication::{Limits, Member, Options, Replica, Timing};
use plenary_telemetry::LogOptions;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file (TOML)
    #[arg(long, global = true, env = "PLENARY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of all data of this replica; overrules the configuration
    #[arg(long, global = true, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

impl Common {
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        let mut flags = toml::Table::new();
        if let Some(data) = &self.data {
            flags.insert("data".into(), data.to_string_lossy().into_owned().into());
        }
        Ok(Config::load(self.config.as_deref(), &flags).map_err(UsageError::caused)?)
    }
}

/// Read the configuration and say whether a replica can start with it
///
/// Exit code 0 if it can, else 1 with a line for each reason. It changes nothing, and may be asked while the replica
/// runs; then the ports are not tried.
#[derive(Debug, Args)]
pub(crate) struct Check {}

impl Check {
    pub(crate) fn run(&self, common: &Common) -> anyhow::Result<()> {
        let config = common.load().map_err(|error| anyhow!("{error:#}"))?;
        let folder = DataFolder::new(&config.data);
        let shown = config.data.display();
        let mut reasons = Vec::new();
        let mut about = format!("there is no replica in {shown} yet");
        if folder.is_made() {
            match folder
                .facts()
                .and_then(|facts| open_identity(&config, &folder, &facts).map(|_| facts))
            {
                Ok(facts) => about = format!("{} of {} lies in {shown}", facts.name, facts.manager),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if folder.is_in_use() {
            about.push_str(" and is running, so the ports were not tried");
        } else {
            reasons.extend(run::Ports::bind(&config).err().map(|error| error.to_string()));
        }
        let logs =
            log_options(&config).and_then(|options| Ok(options.check().map_err(UsageError::caused)?));
        reasons.extend(logs.err().map(|error| error.to_string()));
        reasons.extend(trust().err().map(|error| error.to_string()));
        if !reasons.is_empty() {
            bail!("{}", reasons.join("\nplenary-license-manager: "));
        }
        say(&format!("The configuration is good; {about}."));
        Ok(())
    }
}

/// Whose licences count in this process.
pub(crate) fn trust() -> Result<Trust, UsageError> {
    let asked = std::env::var(Trust::VARIABLE).ok();
    Trust::new(Build::THIS, asked.as_deref()).map_err(UsageError::caused)
}

/// Starts logging as configured.
pub(crate) fn start_logs(config: &Config) -> anyhow::Result<()> {
    Ok(log_options(config)?.start().map_err(UsageError::caused)?)
}

fn log_options(config: &Config) -> anyhow::Result<LogOptions> {
    Ok(LogOptions {
        level: config.log.level.clone(),
        format: config.log.format.parse().map_err(UsageError::caused)?,
        file: config.log.file.clone(),
    })
}

/// The name that the configuration gives, else one made of the machine's.
pub(crate) fn replica_name(config: &Config) -> NodeName {
    let host = || {
        let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        text.trim().split('.').next()?.to_lowercase().parse().ok()
    };
    let plain = || "lm-1".parse().expect("a well-formed name");
    config.name.clone().or_else(host).unwrap_or_else(plain)
}

/// `host:port` at which servers and the other replicas reach this one.
pub(crate) fn address(config: &Config) -> anyhow::Result<String> {
    if let Some(address) = &config.advertise.leases {
        return Ok(address.clone());
    }
    let listen: SocketAddr = config.listen.leases.parse()?;
    if !listen.ip().is_unspecified() {
        return Ok(listen.to_string());
    }
    let ip = addresses::lan_address().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into());
    Ok(SocketAddr::new(ip, listen.port()).to_string())
}

/// Opens who this replica is. A folder that was put together from those of two replicas, or that lies where another
/// one belongs, is refused: its replica would vote in the name of one with the certificate or address of the other.
pub(crate) fn open_identity(
    config: &Config,
    folder: &DataFolder,
    facts: &Facts,
) -> Result<Identity, UsageError> {
    if let Some(name) = config.name.as_ref().filter(|name| **name != facts.name) {
        return Err(UsageError::new(format!(
            "{} is the data of the replica {}, but the configuration is that of {name}; two data folders were swapped: put back the one that belongs here",
            folder.path().display(),
            facts.name
        )));
    }
    let identity = Identity::open(&folder.identity(), machine_key(folder)?).map_err(UsageError::caused)?;
    let me = identity.me();
    if (&me.server, &me.name, me.member) != (&facts.manager, &facts.name, facts.member) {
        return Err(UsageError::new(format!(
            "{} is the identity of {} (number {}) of {}, but the data around it is that of {} (number {}) of {}; put back the folder that belongs to it",
            folder.identity().display(),
            me.name,
            me.member.0,
            me.server,
            facts.name,
            facts.member.0,
            facts.manager,
        )));
    }
    Ok(identity)
}

/// The key of this machine, made when it is not there.
pub(crate) fn machine_key(folder: &DataFolder) -> Result<MachineKey, UsageError> {
    let private = std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .recursive(true)
        .create(folder.identity());
    private.map_err(UsageError::caused)?;
    MachineKey::open_or_create(&folder.identity().join(MACHINE_KEY_FILE)).map_err(UsageError::caused)
}

/// How this replica is opened.
pub(crate) fn replica_options(
    config: &Config,
    folder: &DataFolder,
    facts: &Facts,
) -> anyhow::Result<Options> {
    let member = Member {
        name: facts.name.to_string(),
        address: address(config)?,
    };
    let mut options = Options::new(
        folder.replica(),
        facts.manager.to_string(),
        facts.member.0,
        member,
    );
    let ms = Duration::from_millis;
    options.timing = Timing {
        heartbeat: ms(config.timing.heartbeat_ms),
        election_min: ms(config.timing.election_min_ms),
        election_max: ms(config.timing.election_max_ms),
        ..Timing::default()
    };
    options.limits = Limits {
        reserve_bytes: config.limits.disk_reserve_bytes,
        command_bytes: 1 << 20,
        ..Limits::default()
    };
    Ok(options)
}

/// Opens the replica; everything that hinders it is for the operator to change.
pub(crate) async fn open_replica(
    options: Options,
    app: Arc<App>,
    links: Arc<Links>,
) -> Result<Replica<App>, UsageError> {
    Replica::open(options, app, Arc::new(LogLinks(links)))
        .await
        .map_err(UsageError::caused)
}
