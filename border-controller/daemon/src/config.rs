//! Configuration of a controller: TOML file, `PLENARY_…` variables over it, flags over those.

use ipnet::IpNet;
use plenary_border::{Bounds, HostName};
use plenary_program::{UsageError, config::layered, ports};
use plenary_telemetry::LogOptions;
use serde::{Deserialize, Serialize};
use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

/// Everything a controller must know before a node comes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Folder of this controller: who it is.
    pub data: PathBuf,
    pub listen: Listen,
    pub limits: Limits,
    pub media: Media,
    pub turn: Turn,
    pub log: Log,
}

/// Addresses to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Browsers and programs from outside.
    pub web: String,
    /// Servers of other enterprises; empty: none.
    pub federation: String,
    /// Media of clients from outside, by UDP; empty: none.
    pub media: String,
    /// Nodes from inside, by UDP; name an address that the outside does not reach.
    pub tunnel: String,
    /// Metrics, health and readiness; keep it on loopback.
    pub metrics: String,
}

/// What this controller bears of the outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Connections at a time, in all and from one network (an IPv4 address, or the 64 bits of an IPv6 network).
    pub connections: usize,
    pub connections_per_network: usize,
    /// Of those in all: connections that have not said yet which name they ask for.
    pub waiting: usize,
    /// Connections that begin each second, in all and from one network; twice as many at once.
    pub rate: u32,
    pub rate_per_network: u32,
    /// The longest ClientHello, and how long it may take.
    pub hello_bytes: usize,
    pub hello_ms: u64,
    /// A connection on which nothing comes or goes for so long ends.
    pub idle_s: u64,
    /// So does one whose end takes nothing for so long while something waits for it.
    pub stalled_s: u64,
    /// Networks from which nobody is let in.
    pub deny: Vec<IpNet>,
}

/// Media of clients from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Media {
    /// Addresses at which the outside reaches this machine, as clients are told them; that of `listen.media` where it names
    /// one. Without any, no media passes.
    pub addresses: Vec<IpAddr>,
    /// Whether media come by TCP, too, at the port for the web: for networks that let nothing else out.
    pub tcp: bool,
    /// Flows at a time, in all and from one network. A client has one or two.
    pub flows: usize,
    pub flows_per_network: usize,
    /// Bytes a second that one flow may send.
    pub bytes_per_flow: u32,
}

/// TURN over TLS at `listen.web`, for networks that let nothing else out. Nothing where nothing is named.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Turn {
    /// By which clients ask for it; a name of its own, which leads to this machine.
    pub name: String,
    /// PEM files of this name's certificate and its key; read again when they change.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// What is logged, how and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// What is logged: `info`, or directives like `info,plenary_border_controller=debug`.
    pub level: String,
    /// `text`, `json` or `auto` (text on a terminal).
    pub format: String,
    /// File to log to, turned over at 1 GB; none: standard error.
    pub file: Option<PathBuf>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "/var/lib/plenary-border-controller".into(),
            listen: Listen::default(),
            limits: Limits::default(),
            media: Media::default(),
            turn: Turn::default(),
            log: Log::default(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            web: "[::]:443".into(),
            federation: String::new(),
            media: "[::]:53000".into(),
            tunnel: "[::]:4312".into(),
            metrics: "127.0.0.1:9464".into(),
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 8_192,
            connections_per_network: 1_024,
            waiting: 1_024,
            rate: 500,
            rate_per_network: 50,
            hello_bytes: 16 << 10,
            hello_ms: 5_000,
            idle_s: 900,
            stalled_s: 30,
            deny: Vec::new(),
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        let Bounds {
            flows,
            flows_per_network,
            bytes,
            ..
        } = Bounds::default();
        Self {
            addresses: Vec::new(),
            tcp: true,
            flows,
            flows_per_network,
            bytes_per_flow: bytes,
        }
    }
}

impl Media {
    pub(crate) fn bounds(&self) -> Bounds {
        Bounds {
            flows: self.flows,
            flows_per_network: self.flows_per_network,
            bytes: self.bytes_per_flow,
            ..Bounds::default()
        }
    }

    /// Where the outside reaches a socket that listens there.
    pub(crate) fn reached(&self, local: SocketAddr) -> Vec<SocketAddr> {
        let mut addresses = self.addresses.clone();
        if addresses.is_empty() && !local.ip().is_unspecified() {
            addresses.push(local.ip());
        }
        let on_port = |address| SocketAddr::new(address, local.port());
        addresses.into_iter().map(on_port).collect()
    }

    fn check(&self) -> anyhow::Result<()> {
        let most = self.flows as u64;
        let ranges = [
            ("flows", most, 1, 100_000),
            ("flows_per_network", self.flows_per_network as u64, 1, most),
            ("bytes_per_flow", self.bytes_per_flow.into(), 10_000, 1 << 30),
            ("addresses: their number", self.addresses.len() as u64, 0, 8),
        ];
        in_range("media", &ranges)
    }
}

impl Turn {
    pub(crate) fn is_on(&self) -> bool {
        *self != Self::default()
    }

    fn check(&self, listen: &Listen) -> anyhow::Result<()> {
        if !self.is_on() {
            return Ok(());
        }
        let name: Result<HostName, _> = self.name.parse();
        anyhow::ensure!(
            name.is_ok(),
            "configuration: turn.name = {:?} is no host name",
            self.name
        );
        for (key, file) in [("certificate", &self.certificate), ("key", &self.key)] {
            anyhow::ensure!(
                !file.as_os_str().is_empty(),
                "configuration: turn.{key} is missing: the PEM file of {}",
                self.name
            );
        }
        anyhow::ensure!(
            !listen.media.is_empty(),
            "configuration: [turn] needs listen.media: what comes by TURN goes on as media by UDP do"
        );
        Ok(())
    }
}

/// Whether each of these values of a section is from its least to its most.
fn in_range(section: &str, ranges: &[(&str, u64, u64, u64)]) -> anyhow::Result<()> {
    for (key, value, least, most) in ranges {
        anyhow::ensure!(
            (least..=most).contains(&value),
            "configuration: {section}.{key} is {value}; it must be {least} to {most}"
        );
    }
    Ok(())
}

impl Default for Log {
    fn default() -> Self {
        Self {
            level: "info".into(),
            format: "auto".into(),
            file: None,
        }
    }
}

impl Log {
    fn options(&self) -> Result<LogOptions, UsageError> {
        Ok(LogOptions {
            // What strangers send to TURN is no matter for a log: a flood would fill the disk.
            level: format!(
                "stun_proto=off,stun_types=off,turn_server_proto=off,turn_types=off,{}",
                self.level
            ),
            format: self.format.parse().map_err(UsageError::caused)?,
            file: self.file.clone(),
        })
    }

    pub(crate) fn check(&self) -> Result<(), UsageError> {
        self.options()?.check().map_err(UsageError::caused)
    }

    pub(crate) fn start(&self) -> Result<(), UsageError> {
        self.options()?.start().map_err(UsageError::caused)
    }
}

impl Limits {
    /// File descriptors that these connections need, with some for everything else.
    pub(crate) fn descriptors(&self) -> u64 {
        self.connections as u64 + 64
    }

    pub(crate) fn hello_within(&self) -> Duration {
        Duration::from_millis(self.hello_ms)
    }

    fn check(&self) -> anyhow::Result<()> {
        let most = self.connections as u64;
        let ranges = [
            ("connections", most, 1, 1_000_000),
            (
                "connections_per_network",
                self.connections_per_network as u64,
                1,
                most,
            ),
            ("waiting", self.waiting as u64, 1, most),
            ("rate", self.rate.into(), 1, 1_000_000),
            (
                "rate_per_network",
                self.rate_per_network.into(),
                1,
                self.rate.into(),
            ),
            ("hello_bytes", self.hello_bytes as u64, 512, 64 << 10),
            ("hello_ms", self.hello_ms, 100, 60_000),
            ("idle_s", self.idle_s, 30, 86_400),
            ("stalled_s", self.stalled_s, 1, 3_600),
        ];
        in_range("limits", &ranges)
    }
}

impl Config {
    /// Reads the file (if any) and the environment; `overrides` are the flags.
    pub(crate) fn load(file: Option<&Path>, overrides: &toml::Table) -> anyhow::Result<Self> {
        let full = Config {
            log: Log {
                file: Some(PathBuf::new()),
                ..Log::default()
            },
            ..Config::default()
        };
        let config: Config = layered(file, overrides, &full)?;
        let listen = &config.listen;
        ports::check("listen.web", &listen.web, 443)?;
        if !listen.federation.is_empty() {
            ports::check("listen.federation", &listen.federation, 4307)?;
        }
        ports::check("listen.tunnel", &listen.tunnel, 4312)?;
        ports::check("listen.metrics", &listen.metrics, 9464)?;
        if !listen.media.is_empty() {
            ports::check("listen.media", &listen.media, 53_000)?;
        }
        config.limits.check()?;
        config.media.check()?;
        config.turn.check(&config.listen)?;
        config.log.options()?;
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("bc.toml");
        std::fs::write(&file, text)?;
        Config::load(Some(&file), &toml::Table::new())
    }

    #[test]
    fn an_empty_file_gives_the_defaults_and_the_rest_is_read() {
        assert_eq!(read("").expect("good"), Config::default());
        let config =
            read("[limits]\nrate = 9\nrate_per_network = 3\ndeny = ['192.0.2.0/24', '2001:db8::/32']")
                .expect("good");
        assert_eq!((config.limits.rate, config.limits.deny.len()), (9, 2));
        assert_eq!(config.limits.hello_ms, Limits::default().hello_ms);
    }

    #[test]
    fn what_makes_no_sense_names_its_key() {
        for (text, key) in [
            ("[listen]\nwep = ''", "listen.wep"),
            ("[listen]\ntunnel = '4312'", "listen.tunnel"),
            ("[limits]\nconnections = 10", "limits.connections_per_network"),
            ("[limits]\nhello_bytes = 10", "limits.hello_bytes"),
            ("[media]\nflows = 0", "media.flows"),
            ("[media]\naddresses = ['meet.example.com']", "addresses"),
            ("[limits]\ndeny = ['example.com']", "deny"),
            ("[turn]\nname = 'a b'", "turn.name"),
            ("[turn]\nname = 'turn.example.com'", "turn.certificate"),
            (
                "[listen]\nmedia = ''\n[turn]\nname = 'turn.example.com'\ncertificate = 'a'\nkey = 'b'",
                "listen.media",
            ),
            ("[log]\nformat = 'xml'", "xml"),
        ] {
            let error = format!("{:#}", read(text).expect_err("refused"));
            assert!(error.contains(key), "{error}");
        }
    }
}
