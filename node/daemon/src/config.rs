//! Configuration of one node: TOML file, `PLENARY_…` variables over it, flags over those.

use crate::{acme::AcmeConfig, federation::FederationConfig};
use anyhow::bail;
use plenary_media_io::Marks;
use plenary_member::config::{Limits, Log};
use plenary_model::NodeName;
use plenary_program::{config::layered, ports};
use serde::{Deserialize, Serialize};
use std::{
    net::IpAddr,
    path::{Path, PathBuf},
};

/// Everything a node must know before it can read its own data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Config {
    /// Folder of all data of this node.
    pub(crate) data: PathBuf,
    /// Name of this node; only read when it founds or joins a server.
    pub(crate) name: Option<NodeName>,
    pub(crate) listen: Listen,
    pub(crate) advertise: Advertise,
    pub(crate) media: Media,
    pub(crate) turn: Turn,
    pub(crate) dns: Names,
    pub(crate) federation: FederationConfig,
    pub(crate) web: Web,
    pub(crate) log: Log,
    pub(crate) timing: Timing,
    pub(crate) limits: Limits,
}

/// Addresses to listen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Listen {
    /// Plain HTTP for browsers on this machine; empty: none.
    pub(crate) http: String,
    /// HTTPS for everyone; empty: none.
    pub(crate) https: String,
    /// Cluster traffic: Raft and gRPC between the nodes.
    pub(crate) cluster: String,
    /// Metrics, health and readiness; keep it on loopback.
    pub(crate) metrics: String,
    /// For servers of other enterprises; empty: it does not meet with any.
    pub(crate) federation: String,
    /// Media of all participants, by UDP.
    pub(crate) media: String,
}

/// How others reach this node, where it is not what it listens on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Advertise {
    /// `host:port` of the cluster port for the other nodes.
    pub(crate) cluster: Option<String>,
    /// Address of the web pages for browsers.
    pub(crate) url: Option<String>,
    /// Addresses to which browsers send media, where they are a translator's; empty: those of this machine.
    pub(crate) media: Vec<IpAddr>,
}

/// How this node forwards media.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Media {
    /// Threads that rooms are spread over; 0: as many as there are cores for this process.
    pub(crate) threads: usize,
    /// How sound and pictures are marked for the network (DSCP, 0 to 63); 0: not at all.
    pub(crate) dscp_audio: u8,
    pub(crate) dscp_video: u8,
}

impl Media {
    pub(crate) fn marks(&self) -> Marks {
        Marks {
            sound: self.dscp_audio,
            pictures: self.dscp_video,
        }
    }
}

impl Default for Media {
    fn default() -> Self {
        let Marks { sound, pictures } = Marks::default();
        Self {
            threads: 0,
            dscp_audio: sound,
            dscp_video: pictures,
        }
    }
}

/// STUN and TURN servers for clients that cannot reach this node themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Turn {
    /// URLs as of RFC 7064 and RFC 7065: `turn:turn.example.com:3478?transport=tcp`.
    pub(crate) servers: Vec<String>,
    /// File with the secret that the TURN servers share with this node.
    pub(crate) secret_file: Option<PathBuf>,
}

/// Whom to ask for the names of other servers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Names {
    /// Addresses with port; none: those of this machine.
    pub(crate) servers: Vec<String>,
    /// The name in their certificates, where they are asked by TLS (RFC 7858).
    pub(crate) tls_name: Option<String>,
    /// Answers must be signed up to the root of the Internet (DNSSEC).
    pub(crate) dnssec: bool,
    /// File with `DNSKEY` records up to which they may be signed as well, for names that are not on the Internet; answers must be
    /// signed then.
    pub(crate) dnssec_keys: Option<PathBuf>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Web {
    /// Further names and addresses that the HTTPS certificate covers.
    pub(crate) names: Vec<String>,
    /// Certificate chain and key for HTTPS (PEM), where the server's own authority shall not certify it.
    pub(crate) certificate: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    /// The same of an authority that is asked by ACME, for all nodes.
    pub(crate) acme: Option<AcmeConfig>,
    /// Proxies whose `X-Forwarded-For` is believed: addresses in CIDR notation.
    pub(crate) trusted_proxies: Vec<String>,
}

/// Raft's clock. Larger for nodes far apart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Timing {
    pub(crate) heartbeat_ms: u64,
    pub(crate) election_min_ms: u64,
    pub(crate) election_max_ms: u64,
    /// How long a node that is cut off from the others goes on with meetings; the same on all nodes of a server. Seats
    /// of a lost node are free again a little later.
    pub(crate) alive_limit_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            data: "/var/lib/plenary".into(),
            name: None,
            listen: Listen::default(),
            advertise: Advertise::default(),
            media: Media::default(),
            turn: Turn::default(),
            dns: Names::default(),
            federation: FederationConfig::default(),
            web: Web::default(),
            log: Log::at("info,openraft=error,memory_serve=warn"),
            timing: Timing::default(),
            limits: Limits::default(),
        }
    }
}

impl Default for Listen {
    fn default() -> Self {
        Self {
            http: String::new(),
            https: "[::]:443".into(),
            cluster: "[::]:4308".into(),
            metrics: "127.0.0.1:9464".into(),
            federation: String::new(),
            media: "[::]:53000".into(),
        }
    }
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            heartbeat_ms: 50,
            election_min_ms: 150,
            election_max_ms: 300,
            alive_limit_ms: 600_000,
        }
    }
}

impl Timing {
    /// What all members of a group have of it.
    pub(crate) fn raft(&self) -> plenary_member::config::Timing {
        plenary_member::config::Timing {
            heartbeat_ms: self.heartbeat_ms,
            election_min_ms: self.election_min_ms,
            election_max_ms: self.election_max_ms,
        }
    }
}

impl Config {
    /// Reads the file (if any) and the environment; `overrides` are the flags.
    ///
    /// Unknown keys are refused with the nearest key that exists.
    pub(crate) fn load(file: Option<&Path>, overrides: &toml::Table) -> anyhow::Result<Self> {
        let config: Config = layered(file, overrides, &full())?;
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> anyhow::Result<()> {
        for (key, text) in [
            ("listen.http", &self.listen.http),
            ("listen.https", &self.listen.https),
            ("listen.cluster", &self.listen.cluster),
            ("listen.metrics", &self.listen.metrics),
            ("listen.federation", &self.listen.federation),
            ("listen.media", &self.listen.media),
        ] {
            let optional = matches!(key, "listen.http" | "listen.https" | "listen.federation");
            if !(optional && text.is_empty()) {
                ports::check(key, text, 8443)?;
            }
        }
        self.timing.raft().check()?;
        if self.timing.alive_limit_ms < 2_000 {
            bail!("configuration: timing.alive_limit_ms must be at least 2000");
        }
        let most = plenary_media_io::Options::MOST_THREADS;
        if self.media.threads > most {
            bail!("configuration: media.threads must be at most {most}; 0 is as many as there are cores");
        }
        for (key, value) in [
            ("dscp_audio", self.media.dscp_audio),
            ("dscp_video", self.media.dscp_video),
        ] {
            if value > Marks::MOST {
                bail!("configuration: media.{key} is {value}; it must be a DSCP of 0 to 63, such as 46 (EF)");
            }
        }
        self.turn.check()?;
        self.dns.dns(&self.listen.federation)?;
        self.federation.check()?;
        if self.web.certificate.is_some() != self.web.key.is_some() {
            bail!("configuration: web.certificate and web.key are given together or not at all");
        }
        if let Some(acme) = &self.web.acme {
            acme.check()?;
            if self.web.certificate.is_some() {
                bail!("configuration: web.certificate and web.acme exclude each other; take one of them out");
            }
        }
        Ok(self.log.check_format()?)
    }
}

impl Turn {
    fn check(&self) -> anyhow::Result<()> {
        const KINDS: [&str; 4] = ["stun:", "stuns:", "turn:", "turns:"];
        for url in &self.servers {
            let rest = KINDS.iter().find_map(|kind| url.strip_prefix(kind));
            let is_host = |rest: &str| !rest.starts_with(['/', ':', '?']) && !rest.is_empty();
            if !rest.is_some_and(is_host) || !url.bytes().all(|byte| byte.is_ascii_graphic()) {
                bail!(
                    "configuration: turn.servers has {url:?}; a server is written like \
                     turn:turn.example.com:3478?transport=udp or stun:stun.example.com"
                );
            }
        }
        let needs = self.servers.iter().find(|url| url.starts_with("turn"));
        if let (Some(url), None) = (needs, &self.secret_file) {
            bail!(
                "configuration: {url:?} needs turn.secret_file, the file with the secret that the TURN server \
                 shares with this node"
            );
        }
        Ok(())
    }
}

/// One with every key, to know which there are.
fn full() -> Config {
    Config {
        name: "node-1".parse().ok(),
        advertise: Advertise {
            cluster: Some(String::new()),
            url: Some(String::new()),
            media: Vec::new(),
        },
        log: Log {
            file: Some(PathBuf::new()),
            ..Log::at("")
        },
        turn: Turn {
            secret_file: Some(PathBuf::new()),
            ..Turn::default()
        },
        web: Web {
            certificate: Some(PathBuf::new()),
            key: Some(PathBuf::new()),
            acme: Some(AcmeConfig::full()),
            ..Web::default()
        },
        ..Config::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> anyhow::Result<Config> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("node.toml");
        std::fs::write(&file, text)?;
        Config::load(Some(&file), &toml::Table::new())
    }

    #[test]
    fn an_empty_file_gives_the_defaults() {
        assert_eq!(load("").expect("good"), Config::default());
    }

    #[test]
    fn what_a_section_leaves_out_is_as_by_default() {
        let log = load("[log]\nformat = \"json\"").expect("good").log;
        assert_eq!(log.level, Config::default().log.level);
        assert_eq!(log.format, "json");
    }

    #[test]
    fn unknown_keys_are_refused_with_the_nearest_one() {
        let error = load("[listen]\nhtps = \"[::]:443\"")
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains("listen.htps") && error.contains("listen.https"),
            "{error}"
        );
    }

    #[test]
    fn bad_addresses_name_their_key() {
        let error = load("[listen]\nhttps = \"443\"")
            .expect_err("refused")
            .to_string();
        assert!(error.contains("listen.https"), "{error}");
    }

    #[test]
    fn threads_and_marks_of_media_are_bounded() {
        let threads = |count: i32| load(&format!("[media]\nthreads = {count}"));
        assert_eq!(threads(64).expect("good").media.threads, 64);
        let marked = |point: u8| load(&format!("[media]\ndscp_video = {point}"));
        assert_eq!(marked(0).expect("good").media.marks().pictures, 0);
        assert!(
            marked(64)
                .expect_err("too large")
                .to_string()
                .contains("dscp_video")
        );
        for bad in [65, -1] {
            let error = format!("{:#}", threads(bad).expect_err("refused"));
            assert!(error.contains("threads"), "{error}");
        }
    }

    #[test]
    fn turn_servers_are_urls_and_need_their_secret() {
        let text = "[turn]\nservers = [\"stun:s.example.com\", \"turns:t.example.com:5349\"]\n";
        let error = load(text).expect_err("refused").to_string();
        assert!(error.contains("turn.secret_file"), "{error}");
        load(&format!("{text}secret_file = \"/etc/plenary/turn.secret\"")).expect("good");
        for url in [
            "turn.example.com",
            "http://t.example.com",
            "turn:",
            "turn://t",
            "turn:a b",
        ] {
            let error = load(&format!("[turn]\nservers = [{url:?}]")).expect_err("refused");
            assert!(error.to_string().contains("turn.servers"), "{error}");
        }
    }

    #[test]
    fn a_certificate_by_acme_needs_consent_and_no_files() {
        let acme = load("[web.acme]\nagree = true").expect("good").web.acme;
        assert!(acme.expect("given").directory.starts_with("https://acme"));
        let refused = |text: &str| load(text).expect_err("refused").to_string();
        let silent = refused("[web.acme]\ncontact = \"it@example.com\"");
        assert!(silent.contains("web.acme.agree"), "{silent}");
        let both = refused("[web]\ncertificate = \"/a\"\nkey = \"/b\"\n[web.acme]\nagree = true");
        assert!(both.contains("exclude each other"), "{both}");
        let nearest = refused("[web.acme]\nagree = true\ncontakt = \"it@example.com\"");
        assert!(nearest.contains("web.acme.contact"), "{nearest}");
    }

    #[test]
    fn flags_win_over_the_file() {
        let folder = tempfile::tempdir().expect("folder");
        let file = folder.path().join("node.toml");
        std::fs::write(&file, "data = \"/a\"").expect("written");
        let flags = toml::Table::from_iter([("data".to_owned(), toml::Value::from("/b"))]);
        assert_eq!(
            Config::load(Some(&file), &flags).expect("good").data,
            PathBuf::from("/b")
        );
    }

    #[test]
    fn what_is_no_toml_is_told_in_one_line_with_its_number() {
        for text in [
            "name = \"a\"\ndata = [\n",
            "name = \"a\"\nname = \"b\"\n",
            "name = \"a\"\n}",
        ] {
            let error = format!("{:#}", load(text).expect_err("refused"));
            assert_eq!(error.lines().count(), 1, "{error}");
            assert!(error.contains("node.toml") && error.contains("line 2"), "{error}");
        }
    }

    #[test]
    fn a_missing_file_is_an_error() {
        assert!(Config::load(Some(Path::new("/nonexistent/node.toml")), &toml::Table::new()).is_err());
    }
}
