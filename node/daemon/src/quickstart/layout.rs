//! What quickstart keeps in its data folder: where each node is, and the demo credentials.

use crate::{UsageError, config::Config};
use anyhow::{Context as _, bail};
use plenary_model::{Cid, NodeName, ServerName};
use serde::{Deserialize, Serialize};
use std::{
    io::Write as _,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
    os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _},
    path::{Path, PathBuf},
};

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Layout {
    pub(super) server: ServerName,
    pub(super) admin_login: String,
    pub(super) admin_password: String,
    pub(super) users: Vec<Credentials>,
    /// The demo room, once it is made.
    #[serde(default)]
    pub(super) room: Option<Cid>,
    pub(super) nodes: Vec<NodePlace>,
    #[serde(skip)]
    pub(super) folder: PathBuf,
    /// Held while this process lives.
    #[serde(skip)]
    lock: Option<nix::fcntl::Flock<std::fs::File>>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Credentials {
    pub(super) login: String,
    pub(super) password: String,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct NodePlace {
    pub(super) name: NodeName,
    pub(super) http: SocketAddr,
    pub(super) https: SocketAddr,
    pub(super) cluster: SocketAddr,
    pub(super) metrics: SocketAddr,
    /// Missing in folders of earlier builds: chosen at their next start.
    #[serde(default)]
    pub(super) media: Option<SocketAddr>,
    #[serde(default)]
    pub(super) federation: Option<SocketAddr>,
    #[serde(skip)]
    folder: PathBuf,
}

const FILE: &str = "quickstart.json";

impl Layout {
    /// Reads the folder, or plans a new one; adds nodes up to `nodes` and writes each node's configuration.
    pub(super) fn open(
        folder: &Path,
        server: &ServerName,
        http: SocketAddr,
        nodes: usize,
    ) -> anyhow::Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(|error| {
                UsageError::new(format!("the folder {} cannot be made: {error}", folder.display()))
            })?;
        let folder = folder.canonicalize()?;
        let lock = lock(&folder)?;
        let mut layout = match std::fs::read(folder.join(FILE)) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("{} is damaged", folder.join(FILE).display()))?,
            Err(_) => Self {
                server: server.clone(),
                admin_login: "admin".into(),
                admin_password: String::new(),
                users: Vec::new(),
                room: None,
                nodes: Vec::new(),
                folder: PathBuf::new(),
                lock: None,
            },
        };
        layout.folder = folder;
        layout.lock = Some(lock);
        layout.place_nodes(http, nodes)?;
        layout.save()?;
        Ok(layout)
    }

    fn place_nodes(&mut self, http: SocketAddr, nodes: usize) -> anyhow::Result<()> {
        let mut ports = Ports::default();
        for number in self.nodes.len() + 1..=nodes.max(self.nodes.len()) {
            let prefer = |port: u16| if number == 1 && http.port() != 0 { port } else { 0 };
            let wide = if http.ip().is_ipv4() {
                IpAddr::V4(Ipv4Addr::UNSPECIFIED)
            } else {
                IpAddr::V6(Ipv6Addr::UNSPECIFIED)
            };
            let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
            // With free ports everywhere nothing is offered to other machines, unless they reach the address: that is how
            // tests run.
            let https_ip = match http.ip() {
                _ if http.port() != 0 => wide,
                ip if ip.is_unspecified() => local,
                ip => ip,
            };
            self.nodes.push(NodePlace {
                name: format!("node-{number}")
                    .parse()
                    .context("node names are well formed")?,
                http: if number == 1 && http.port() != 0 {
                    http
                } else {
                    ports.free(http.ip(), 0)?
                },
                https: ports.free(https_ip, prefer(8443))?,
                cluster: ports.free_for_both(local, prefer(4308))?,
                metrics: ports.free(local, prefer(9464))?,
                media: None,
                federation: None,
                folder: PathBuf::new(),
            });
        }
        if let Some(first) = self.nodes.first_mut()
            && http.port() != 0
        {
            first.http = http;
        }
        let wide = self
            .nodes
            .first()
            .is_some_and(|first| !first.https.ip().is_loopback());
        for (at, place) in self.nodes.iter_mut().enumerate() {
            if place.media.is_none() {
                let ip = Ipv4Addr::UNSPECIFIED;
                let ip = if wide { ip } else { Ipv4Addr::LOCALHOST };
                place.media = Some(ports.free_for_both(ip.into(), if at == 0 && wide { 53_000 } else { 0 })?);
            }
            if place.federation.is_none() {
                let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
                place.federation = Some(ports.free_for_both(local, if at == 0 && wide { 4_307 } else { 0 })?);
            }
            place.folder = self.folder.join(place.name.as_str());
            place.write_config()?;
        }
        Ok(())
    }

    pub(super) fn is_founded(&self) -> bool {
        self.nodes.first().is_some_and(NodePlace::has_data)
    }

    /// Where the demo room is entered.
    pub(super) fn room_url(&self) -> Option<String> {
        let (cid, first) = (self.room.as_ref()?, self.nodes.first()?);
        Some(format!("{}/m/{cid}", first.url()))
    }

    /// The demo room, and where it is entered.
    pub(super) fn room_link(&self) -> Option<serde_json::Value> {
        let (cid, url) = (self.room.as_ref()?, self.room_url()?);
        Some(serde_json::json!({ "cid": cid, "url": url }))
    }

    /// Written beside and renamed, so that a crash leaves the old or the new file.
    pub(super) fn save(&self) -> anyhow::Result<()> {
        let fresh = self.folder.join("quickstart.json.new");
        std::fs::remove_file(&fresh).ok();
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        Ok(std::fs::rename(fresh, self.folder.join(FILE))?)
    }
}

fn lock(folder: &Path) -> anyhow::Result<nix::fcntl::Flock<std::fs::File>> {
    let file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(folder.join("lock"))
        .map_err(|error| {
            UsageError::new(format!(
                "the folder {} cannot be written: {error}",
                folder.display()
            ))
        })?;
    nix::fcntl::Flock::lock(file, nix::fcntl::FlockArg::LockExclusiveNonblock).map_err(|_| {
        UsageError::new(format!(
            "another quickstart is running with the folder {}; stop it or give --data another one",
            folder.display()
        ))
        .into()
    })
}

/// Hands out free ports, each once.
#[derive(Default)]
struct Ports {
    held: Vec<TcpListener>,
    held_udp: Vec<UdpSocket>,
}

/// The first port that systems give to whoever connects somewhere.
const GIVEN_TO_CLIENTS: u16 = 32_768;
/// So many ports are tried before the system chooses.
const TRIES: usize = 32;

impl Ports {
    /// `preferred` if it is free, else any; held until all are chosen so that none comes twice.
    fn free(&mut self, ip: IpAddr, preferred: u16) -> anyhow::Result<SocketAddr> {
        let listener = candidates(preferred).find_map(|port| TcpListener::bind((ip, port)).ok());
        let listener = listener.with_context(|| format!("no free port on {ip}"))?;
        let address = listener.local_addr()?;
        self.held.push(listener);
        Ok(address)
    }

    /// One that is free for UDP and for TCP.
    fn free_for_both(&mut self, ip: IpAddr, preferred: u16) -> anyhow::Result<SocketAddr> {
        for port in candidates(preferred).chain([0; 16]) {
            let Ok(socket) = UdpSocket::bind((ip, port)) else {
                continue;
            };
            let address = socket.local_addr()?;
            if let Ok(listener) = TcpListener::bind(address) {
                self.held_udp.push(socket);
                self.held.push(listener);
                return Ok(address);
            }
        }
        bail!("no port on {ip} is free for both UDP and TCP")
    }
}

/// `preferred` unless it is 0, then some by chance, at last whichever the system chooses.
///
/// Nodes listen later than their ports are chosen. Of those that the system chooses, another program may get one in the
/// meantime by connecting somewhere.
fn candidates(preferred: u16) -> impl Iterator<Item = u16> {
    const FIRST: u16 = 10_240;
    let by_chance = std::iter::repeat_with(|| {
        FIRST + u16::from_ne_bytes(crate::secret::random_bytes()) % (GIVEN_TO_CLIENTS - FIRST)
    });
    let preferred = (preferred != 0).then_some(preferred);
    preferred.into_iter().chain(by_chance.take(TRIES)).chain([0])
}

/// How this machine reaches what listens there.
fn reached(at: SocketAddr) -> String {
    if at.ip().is_loopback() || at.ip().is_unspecified() {
        return format!("localhost:{}", at.port());
    }
    at.to_string()
}

impl NodePlace {
    pub(super) fn url(&self) -> String {
        format!("http://{}", reached(self.http))
    }

    pub(super) fn https_url(&self) -> String {
        format!("https://{}", reached(self.https))
    }

    pub(super) fn config_file(&self) -> PathBuf {
        self.folder.join("node.toml")
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.folder.join("node.log")
    }

    /// Whether the node has founded or joined the server.
    pub(super) fn has_data(&self) -> bool {
        crate::data::folder(&self.folder.join("data")).is_made()
    }

    fn write_config(&self) -> anyhow::Result<()> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        let mut config = Config {
            data: self.folder.join("data"),
            name: Some(self.name.clone()),
            ..Config::default()
        };
        config.listen.http = self.http.to_string();
        config.listen.https = self.https.to_string();
        config.listen.cluster = self.cluster.to_string();
        config.listen.metrics = self.metrics.to_string();
        config.listen.media = self.media.map(|media| media.to_string()).unwrap_or_default();
        config.listen.federation = self
            .federation
            .map(|address| address.to_string())
            .unwrap_or_default();
        config.advertise.cluster = Some(self.cluster.to_string());
        config.advertise.url = Some(self.url());
        Ok(std::fs::write(
            self.config_file(),
            toml::to_string_pretty(&config)?,
        )?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_reached_where_they_listen() {
        for (at, url) in [
            ("127.0.0.1:8080", "localhost:8080"),
            ("[::]:80", "localhost:80"),
            ("192.0.2.1:80", "192.0.2.1:80"),
            ("[2001:db8::1]:80", "[2001:db8::1]:80"),
        ] {
            assert_eq!(reached(at.parse().expect("an address")), url);
        }
    }

    #[test]
    fn ports_are_none_that_others_get_for_connecting_somewhere() {
        let mut chosen: Vec<u16> = candidates(8080).collect();
        assert_eq!((chosen.remove(0), chosen.pop()), (8080, Some(0)));
        assert_eq!(chosen.len(), TRIES);
        assert!(
            chosen
                .iter()
                .all(|port| (10_240..GIVEN_TO_CLIENTS).contains(port))
        );
        assert!(candidates(0).next().is_some_and(|port| port >= 10_240));
    }
}
