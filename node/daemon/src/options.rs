//! What the commands have in common: configuration, and what is made of it.

use crate::{
    UsageError, addresses,
    config::Config,
    data::{self, NodeFacts},
    http, run,
};
use anyhow::anyhow;
use clap::Args;
use plenary_access::{Actor, ActorKind};
use plenary_identity::{Identity, WebName, WebTls};
use plenary_member::Folder;
use plenary_model::NodeName;
use plenary_replication::Options;
use std::{net::AddrParseError, path::PathBuf};

/// The newest rules that this version applies; in force once every node knows them (OPS-02).
pub(crate) const LEVEL: u32 = plenary_conference::NEWEST_LEVEL;

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
        let folder = data::folder(&config.data);
        folder.check(
            || open_identity(&folder, &data::facts(&folder)?),
            || run::Ports::bind(&config),
            check_rest(&config),
        )
    }
}

/// What else a start would stumble over.
fn check_rest(config: &Config) -> Vec<String> {
    let mut reasons = Vec::new();
    reasons.extend(config.log.check().err().map(|error| error.to_string()));
    reasons.extend(http::proxies(config).err().map(|error| error.to_string()));
    if let Some(acme) = &config.web.acme {
        reasons.extend(acme.readable().err().map(|error| format!("{error:#}")));
    }
    if let (Some(chain), Some(key)) = (&config.web.certificate, &config.web.key) {
        let read = WebTls::from_files(chain, key).map_err(UsageError::caused);
        reasons.extend(read.err().map(|error| error.to_string()));
    }
    reasons
}

/// `host:port` at which the other nodes reach this one.
pub(crate) fn cluster_address(config: &Config) -> Result<String, AddrParseError> {
    addresses::reachable(config.advertise.cluster.as_deref(), &config.listen.cluster)
}

/// Where browsers reach this node.
pub(crate) fn web_url(config: &Config) -> String {
    if let Some(url) = &config.advertise.url {
        return url.trim_end_matches('/').to_owned();
    }
    let (scheme, listen, usual) = match (&config.listen.https, &config.listen.http) {
        (https, _) if !https.is_empty() => ("https", https, ":443"),
        (_, http) if !http.is_empty() => ("http", http, ":80"),
        _ => return String::new(),
    };
    let Ok(place) = addresses::reachable(None, listen) else {
        return String::new();
    };
    let place = place.strip_suffix(usual).unwrap_or(&place);
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
    let acme = config.web.acme.iter().flat_map(|acme| &acme.names);
    names.extend(acme.filter_map(|name| name.parse().ok()));
    names.extend(addresses::own_addresses().into_iter().map(WebName::Ip));
    names.sort();
    names.dedup();
    names
}

pub(crate) fn open_identity(folder: &Folder, facts: &NodeFacts) -> Result<Identity, UsageError> {
    folder.open_identity(&facts.server, &facts.name, facts.node)
}

/// How this node's replica is opened.
pub(crate) fn replica_options(
    config: &Config,
    folder: &Folder,
    facts: &NodeFacts,
) -> anyhow::Result<Options> {
    let me = (&facts.name, facts.node);
    let address = cluster_address(config)?;
    let (timing, limits) = (config.timing.raft(), &config.limits);
    let mut options = plenary_member::replica_options(folder, &facts.server, me, address, &timing, limits);
    options.supported_level = LEVEL;
    Ok(options)
}

/// The server itself as the one who acts.
/// The server itself, for somebody who comes from there.
pub(crate) fn system_for(from: Option<std::net::IpAddr>) -> Actor {
    Actor {
        address: from.map_or_else(String::new, |address| address.to_string()),
        ..system()
    }
}

pub(crate) fn system() -> Actor {
    Actor {
        kind: ActorKind::System,
        session: String::new(),
        address: String::new(),
        user_agent: String::new(),
    }
}
