//! What the commands have in common: configuration, and what is made of it.

use crate::{
    UsageError, addresses,
    config::Config,
    data::{DataFolder, NodeFacts},
    http, run,
};
use anyhow::{anyhow, bail};
use clap::Args;
use plenary_access::{Actor, ActorKind};
use plenary_identity::{Identity, MACHINE_KEY_FILE, MachineKey, WebName, WebTls};
use plenary_model::NodeName;
use plenary_replication::{Connector, Limits, Member, Options, Replica, Timing};
use plenary_store::ServerApp;
use plenary_telemetry::LogOptions;
use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

/// The newest rules that this version applies; in force once every node knows them (OPS-02).
pub(crate) const LEVEL: u32 = plenary_conference::CALLS_LEVEL;

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
///
/// Exit code 0 if it can, else 1 with a line for each reason. It changes nothing, and may be asked while the node
/// runs; then the ports are not tried.
#[derive(Debug, Args)]
pub(crate) struct Check {
    #[command(flatten)]
    common: Common,
}

impl Check {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // Whatever hinders a start has exit code 2 elsewhere; here it is the answer to a question.
        let config = self.common.load().map_err(|error| anyhow!("{error:#}"))?;
        let folder = DataFolder::new(&config.data);
        let shown = config.data.display();
        let mut reasons = Vec::new();
        let mut about = format!("there is no node in {shown} yet");
        if folder.is_made() {
            match folder
                .facts()
                .and_then(|facts| open_identity(&folder, &facts).map(|_| facts))
            {
                Ok(facts) => about = format!("{} of {} lies in {shown}", facts.name, facts.server),
                Err(error) => reasons.push(error.to_string()),
            }
        }
        if folder.is_in_use() {
            about.push_str(" and is running, so the ports were not tried");
        } else {
            reasons.extend(run::Ports::bind(&config).err().map(|error| error.to_string()));
        }
        reasons.extend(check_rest(&config));
        if !reasons.is_empty() {
            bail!("{}", reasons.join("\nplenary-node: "));
        }
        crate::say(&format!("The configuration is good; {about}."));
        Ok(())
    }
}

/// What else a start would stumble over.
fn check_rest(config: &Config) -> Vec<String> {
    let mut reasons = Vec::new();
    let logs = log_options(config).and_then(|options| Ok(options.check().map_err(UsageError::caused)?));
    reasons.extend(logs.err().map(|error| error.to_string()));
    reasons.extend(http::proxies(config).err().map(|error| error.to_string()));
    if let (Some(chain), Some(key)) = (&config.web.certificate, &config.web.key) {
        let read = WebTls::from_files(chain, key).map_err(UsageError::caused);
        reasons.extend(read.err().map(|error| error.to_string()));
    }
    reasons
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

/// Opens who this node is. A folder that was put together from those of two nodes is refused: its node would vote
/// in the name of one with the certificate of the other.
pub(crate) fn open_identity(folder: &DataFolder, facts: &NodeFacts) -> Result<Identity, UsageError> {
    let machine = machine_key(folder)?;
    let identity = Identity::open(&folder.identity(), machine).map_err(UsageError::caused)?;
    let me = identity.me();
    if (&me.server, &me.name, me.member) != (&facts.server, &facts.name, facts.node) {
        return Err(UsageError::new(format!(
            "{} is the identity of {} (number {}) of {}, but the data around it is that of {} (number {}) of {}; put back the folder that belongs to it",
            folder.identity().display(),
            me.name,
            me.member.0,
            me.server,
            facts.name,
            facts.node.0,
            facts.server,
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
