//! What the commands have in common: configuration, and what is made of it.

use crate::{
    UsageError, addresses,
    config::Config,
    data::{DataFolder, NodeFacts},
};
use clap::Args;
use plenary_access::{Actor, ActorKind};
use plenary_identity::{Identity, MACHINE_KEY_FILE, MachineKey, WebName};
use plenary_model::NodeName;
use plenary_replication::{Connector, Limits, Member, Options, Replica, Timing};
use plenary_store::ServerApp;
use plenary_telemetry::LogOptions;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// The newest rules that this version applies; in force once every node knows them (OPS-02).
pub(crate) const LEVEL: u32 = 1;

/// Where the configuration is.
#[derive(Debug, Clone, Args)]
pub(crate) struct Common {
    /// Configuration file (TOML)
    #[arg(long, env = "PLENARY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder of all data of this node; overrules the configuration
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// Name of this node; overrules the configuration
    #[arg(long)]
    name: Option<NodeName>,
}

impl Common {
    pub(crate) fn load(&self) -> anyhow::Result<Config> {
        let mut flags = toml::Table::new();
        if let Some(data) = &self.data {
            flags.insert("data".into(), data.to_string_lossy().into_owned().into());
        }
        if let Some(name) = &self.name {
            flags.insert("name".into(), name.to_string().into());
        }
        Ok(Config::load(self.config.as_deref(), &flags).map_err(UsageError::caused)?)
    }
}

/// Read the configuration and say whether a node can start with it
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let config = self.common.load()?;
        let folder = DataFolder::new(&config.data);
        if folder.is_made() {
            let facts = folder.facts()?;
            open_identity(&folder)?;
            crate::say(&format!(
                "The configuration is good; {} of {} lies in {}.",
                facts.name,
                facts.server,
                config.data.display()
            ));
        } else {
            crate::say(&format!(
                "The configuration is good; there is no node in {} yet.",
                config.data.display()
            ));
        }
        Ok(())
    }
}

/// Starts logging as configured.
pub(crate) fn start_logs(config: &Config) -> anyhow::Result<()> {
    let options = LogOptions {
        level: config.log.level.clone(),
        format: config.log.format.parse().map_err(UsageError::caused)?,
        file: config.log.file.clone(),
    };
    Ok(options.start().map_err(UsageError::caused)?)
}

/// The name that the configuration gives, else one made of the machine's.
pub(crate) fn node_name(config: &Config) -> NodeName {
    let host = || {
        let text = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
        text.trim().split('.').next()?.to_lowercase().parse().ok()
    };
    let plain = || "node-1".parse().expect("a well-formed name");
    config.name.clone().or_else(host).unwrap_or_else(plain)
}

/// `host:port` at which the other nodes reach this one.
pub(crate) fn cluster_address(config: &Config) -> anyhow::Result<String> {
    if let Some(address) = &config.advertise.cluster {
        return Ok(address.clone());
    }
    let listen: SocketAddr = config.listen.cluster.parse()?;
    if !listen.ip().is_unspecified() {
        return Ok(listen.to_string());
    }
    match addresses::lan_address() {
        Some(ip) => Ok(SocketAddr::new(ip, listen.port()).to_string()),
        None => Ok(SocketAddr::from(([127, 0, 0, 1], listen.port())).to_string()),
    }
}

/// Where browsers reach this node.
pub(crate) fn web_url(config: &Config) -> String {
    if let Some(url) = &config.advertise.url {
        return url.trim_end_matches('/').to_owned();
    }
    let (scheme, listen, usual) = match (&config.listen.https, &config.listen.http) {
        (https, _) if !https.is_empty() => ("https", https, 443),
        (_, http) if !http.is_empty() => ("http", http, 80),
        _ => return String::new(),
    };
    let Ok(listen) = listen.parse::<SocketAddr>() else {
        return String::new();
    };
    let ip = if listen.ip().is_unspecified() {
        addresses::lan_address().unwrap_or(std::net::Ipv4Addr::LOCALHOST.into())
    } else {
        listen.ip()
    };
    let place = SocketAddr::new(ip, listen.port()).to_string();
    let place = if listen.port() == usual {
        place.trim_end_matches(&format!(":{usual}")).to_owned()
    } else {
        place
    };
    format!("{scheme}://{place}")
}

/// Names in the certificate for browsers.
pub(crate) fn web_names(config: &Config, facts: &NodeFacts) -> Vec<WebName> {
    let url = web_url(config);
    let host = url
        .split("://")
        .nth(1)
        .map(|rest| rest.split('/').next().unwrap_or_default());
    let host = host.map(|place| match place.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => place,
    });
    let mut names: Vec<WebName> = vec![
        WebName::Dns(facts.server.to_string()),
        WebName::Dns("localhost".into()),
    ];
    names.extend(host.and_then(|host| host.parse().ok()));
    names.extend(config.web.names.iter().filter_map(|name| name.parse().ok()));
    names.extend(addresses::own_addresses().into_iter().map(WebName::Ip));
    names.sort();
    names.dedup();
    names
}

/// Opens who this node is.
pub(crate) fn open_identity(folder: &DataFolder) -> Result<Identity, UsageError> {
    let machine = machine_key(folder)?;
    Identity::open(&folder.identity(), machine).map_err(UsageError::caused)
}

/// The key of this machine, made when it is not there.
pub(crate) fn machine_key(folder: &DataFolder) -> Result<MachineKey, UsageError> {
    let private = std::os::unix::fs::DirBuilderExt::mode(&mut std::fs::DirBuilder::new(), 0o700)
        .recursive(true)
        .create(folder.identity());
    private.map_err(UsageError::caused)?;
    MachineKey::open_or_create(&folder.identity().join(MACHINE_KEY_FILE)).map_err(UsageError::caused)
}

/// How this node's replica is opened.
pub(crate) fn replica_options(
    config: &Config,
    folder: &DataFolder,
    facts: &NodeFacts,
) -> anyhow::Result<Options> {
    let member = Member {
        name: facts.name.to_string(),
        address: cluster_address(config)?,
    };
    let mut options = Options::new(folder.replica(), facts.server.to_string(), facts.node.0, member);
    let ms = Duration::from_millis;
    options.timing = Timing {
        heartbeat: ms(config.timing.heartbeat_ms),
        election_min: ms(config.timing.election_min_ms),
        election_max: ms(config.timing.election_max_ms),
        ..Timing::default()
    };
    options.supported_level = LEVEL;
    options.limits = Limits {
        reserve_bytes: config.limits.disk_reserve_bytes,
        ..Limits::default()
    };
    Ok(options)
}

/// Opens the replica; everything that hinders it is for the operator to change.
pub(crate) async fn open_replica(
    options: Options,
    app: Arc<ServerApp>,
    connector: Arc<dyn Connector>,
) -> Result<Replica<ServerApp>, UsageError> {
    Replica::open(options, app, connector)
        .await
        .map_err(UsageError::caused)
}

/// The server itself as the one who acts.
pub(crate) fn system() -> Actor {
    Actor {
        kind: ActorKind::System,
        session: String::new(),
        address: String::new(),
        user_agent: String::new(),
    }
}
