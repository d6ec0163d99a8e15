//! An enterprise, controllers as processes, nodes at their tunnels, and clients outside.

use plenary_border::{Offer, Policy, Service};
use plenary_border_client::{
    EnrolError, Enrolments, FromOutside, Inside, Target, TunnelError, enrol, tunnel,
};
use plenary_contracts::border::v1::Figures;
use plenary_identity::{EnterpriseCa, Identity, JoinSecret, MACHINE_KEY_FILE, MachineKey, Program, WebTls};
use plenary_links::clock_ms;
use plenary_model::{NodeId, NodeName};
use plenary_testkit::{FreePorts, Process, eventually};
use quinn::Endpoint;
use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::watch,
    task::JoinHandle,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, client::TlsStream, rustls};

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_plenary-border-controller");
pub(crate) const PARIS: &str = "paris.example.com";
pub(crate) const LONG: Duration = Duration::from_secs(30);
pub(crate) const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) struct World {
    pub(crate) folder: TempDir,
    root: EnterpriseCa,
}

/// What the log of a server decides of a token: it is good once.
pub(crate) struct Desk {
    node: Identity,
    name: NodeName,
    member: NodeId,
    used: AtomicBool,
    lifetime: Duration,
}

#[async_trait::async_trait]
impl Enrolments for Desk {
    async fn enter(
        &self,
        request: &[u8],
        _version: &str,
    ) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, String> {
        if self.used.swap(true, Ordering::SeqCst) {
            return Err("the token was used already".into());
        }
        self.node
            .certify_controller(&self.name, self.member, request, self.lifetime)
            .map_err(|error| error.to_string())
    }
}

pub(crate) struct Token {
    pub(crate) text: String,
    pub(crate) hash: [u8; 32],
    pub(crate) desk: Desk,
}

impl World {
    pub(crate) fn new() -> Self {
        // Another test of this process may have been first.
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        let folder = tempfile::tempdir().unwrap();
        let root = EnterpriseCa::create(&folder.path().join("root"), &"Demo".parse().unwrap()).unwrap();
        Self { folder, root }
    }

    pub(crate) fn node(&self, number: u64) -> Identity {
        let folder = self.folder.path().join(format!("node-{number}"));
        std::fs::create_dir_all(&folder).unwrap();
        let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).unwrap();
        let ca = self
            .root
            .certify(Program::Node, &PARIS.parse().unwrap(), &[])
            .unwrap();
        let name = format!("node-{number}").parse().unwrap();
        Identity::create(&folder, machine, ca, name, NodeId(number)).unwrap()
    }

    pub(crate) fn token(&self, node: &Identity, tunnel: SocketAddr, lifetime: Duration) -> Token {
        let secret = JoinSecret::random().unwrap();
        let hash = secret.hash();
        let token = node.controller_token("bc-1".into(), secret, tunnel.to_string(), clock_ms() + 60_000);
        Token {
            text: token.encode(),
            hash,
            desk: Desk {
                node: node.clone(),
                name: "dmz-1".parse().unwrap(),
                member: NodeId(1),
                used: AtomicBool::new(false),
                lifetime,
            },
        }
    }

    /// A TLS client that trusts the enterprise, as a browser with its root installed.
    pub(crate) fn browser(&self) -> Arc<rustls::ClientConfig> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.root.certificate().clone()).unwrap();
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth();
        Arc::new(config)
    }
}

/// A controller's configuration and addresses; it may not run yet.
pub(crate) struct Controller {
    pub(crate) web: SocketAddr,
    pub(crate) federation: SocketAddr,
    pub(crate) tunnel: SocketAddr,
    pub(crate) media: SocketAddr,
    metrics: SocketAddr,
    pub(crate) config: PathBuf,
    log: PathBuf,
    process: Option<Process>,
}

impl Controller {
    pub(crate) fn new(world: &World, name: &str, limits: &str) -> Self {
        let mut ports = FreePorts::default();
        let mut port = || ports.next(Ipv4Addr::LOCALHOST.into()).unwrap();
        let (web, federation, tunnel, metrics, media) = (port(), port(), port(), port(), port());
        drop(ports);
        let data = world.folder.path().join(name);
        let text = format!(
            "data = '{}'\n[listen]\nweb = '{web}'\nfederation = '{federation}'\ntunnel = '{tunnel}'\n\
             media = '{media}'\nmetrics = '{metrics}'\n[limits]\n{limits}\n",
            data.display()
        );
        let config = world.folder.path().join(format!("{name}.toml"));
        std::fs::write(&config, text).unwrap();
        Self {
            web,
            federation,
            tunnel,
            media,
            metrics,
            config,
            log: world.folder.path().join(format!("{name}.log")),
            process: None,
        }
    }

    pub(crate) fn start(&mut self, arguments: &[&str]) {
        let config = self.config.to_str().unwrap();
        let arguments = [&["--config", config], arguments].concat();
        self.process = Some(Process::start(&[], Path::new(PROGRAM), &arguments, &self.log).unwrap());
    }

    pub(crate) fn process(&mut self) -> &mut Process {
        self.process.as_mut().unwrap()
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Starts it with a token and has a node enrol it.
    pub(crate) async fn enrolled(world: &World, node: &Identity, lifetime: Duration, limits: &str) -> Self {
        let mut controller = Self::new(world, "dmz-1", limits);
        let token = world.token(node, controller.tunnel, lifetime);
        controller.start(&["join", &token.text]);
        controller.enrol(node, &token).await.unwrap();
        eventually("it runs", LONG, async || controller.metrics().await.ok()).await;
        controller
    }

    /// Has a node enrol it, as soon as it listens.
    pub(crate) async fn enrol(&self, node: &Identity, token: &Token) -> Result<(), EnrolError> {
        let endpoint = endpoint();
        let invitation = ("bc-1", &token.hash);
        eventually("it waits to be enrolled", LONG, async || {
            match enrol(&endpoint, self.tunnel, node, invitation, clock_ms(), &token.desk).await {
                Err(EnrolError::Unreached(_)) => None,
                done => Some(done),
            }
        })
        .await
    }

    pub(crate) async fn ask(&self, path: &str) -> io::Result<String> {
        let mut stream = TcpStream::connect(self.metrics).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut text = String::new();
        stream.read_to_string(&mut text).await?;
        Ok(text)
    }

    pub(crate) async fn metrics(&self) -> io::Result<String> {
        self.ask("/metrics").await
    }

    /// One figure; 0 where it is not there.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let text = self.metrics().await.unwrap_or_default();
        let line = text
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        line.and_then(|value| value.trim().parse().ok())
            .unwrap_or_default()
    }

    pub(crate) async fn refused(&self, why: &str) -> f64 {
        self.figure(&format!("plenary_border_refused_total{{reason=\"{why}\"}}"))
            .await
    }

    pub(crate) async fn refuses(&self, why: &str, more_than: f64) {
        eventually(why, LONG, async || {
            (self.refused(why).await > more_than).then_some(())
        })
        .await;
    }

    pub(crate) async fn tunnels(&self, count: f64) {
        eventually("the tunnels are there", LONG, async || {
            (self.figure("plenary_border_tunnels").await == count).then_some(())
        })
        .await;
    }
}

pub(crate) fn endpoint() -> Endpoint {
    Endpoint::client((Ipv4Addr::LOCALHOST, 0).into()).unwrap()
}

/// The web server of a node behind a tunnel: says who it is and whom it sees.
#[derive(Clone)]
pub(crate) struct Web {
    node: Identity,
    tls: WebTls,
    pub(crate) heard: Arc<Mutex<Vec<Figures>>>,
}

impl Inside for Web {
    fn serve(&self, client: FromOutside) {
        let (name, acceptor) = (
            self.node.me().name.clone(),
            TlsAcceptor::from(self.tls.server_config()),
        );
        tokio::spawn(async move {
            let mut stream = acceptor.accept(client.stream).await?;
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(stream.read_u8().await?);
            }
            if head.starts_with(b"GET /stay ") {
                // Says all it is told, until the client has said all.
                let (mut from, mut to) = tokio::io::split(stream);
                tokio::io::copy(&mut from, &mut to).await?;
                return to.shutdown().await;
            }
            let text = format!(
                "{name} serves {} to {}",
                client.service.as_str(),
                client.address.ip()
            );
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            stream.write_all(answer.as_bytes()).await?;
            stream.shutdown().await
        });
    }

    fn certify(
        &self,
        target: &Target,
        request: &[u8],
    ) -> Option<Vec<rustls::pki_types::CertificateDer<'static>>> {
        self.node
            .certify_controller(&target.name, target.member, request, WEEK)
            .ok()
    }

    fn hear(&self, _target: &Target, _version: &str, figures: Option<Figures>) {
        self.heard.lock().unwrap().extend(figures);
    }
}

/// A node with its tunnel.
pub(crate) struct Node {
    pub(crate) web: Web,
    pub(crate) offer: watch::Sender<Offer>,
    pub(crate) policy: watch::Sender<Policy>,
    pub(crate) task: JoinHandle<TunnelError>,
}

pub(crate) fn offer() -> Offer {
    let names = BTreeSet::from([PARIS.parse().unwrap()]);
    Offer {
        names: BTreeMap::from([(Service::Web, names.clone()), (Service::Federation, names)]),
        drains: false,
        most: 1_000,
    }
}

impl Node {
    /// Dials the controller at `address`.
    pub(crate) fn dial(identity: &Identity, address: SocketAddr) -> Self {
        let web = Web {
            node: identity.clone(),
            tls: identity.web(&[PARIS.parse().unwrap()]).unwrap(),
            heard: Arc::default(),
        };
        let (sender, receiver) = watch::channel(offer());
        let (policy, policies) = watch::channel(Policy::default());
        let target = Target {
            name: "dmz-1".parse().unwrap(),
            member: NodeId(1),
            address,
        };
        let (identity, inside) = (identity.clone(), web.clone());
        let task = tokio::spawn(async move {
            let endpoint = endpoint();
            let Err(error) =
                tunnel::run(&endpoint, &identity, &target, "1", (receiver, policies), &inside).await;
            error
        });
        Self {
            web,
            offer: sender,
            policy,
            task,
        }
    }
}

pub(crate) async fn connect(
    world: &World,
    address: SocketAddr,
    name: &str,
) -> io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    let name = name.to_owned().try_into().map_err(io::Error::other)?;
    TlsConnector::from(world.browser()).connect(name, socket).await
}

/// What is served to a client that asks for this name.
pub(crate) async fn fetch(world: &World, address: SocketAddr, name: &str) -> io::Result<String> {
    let mut stream = connect(world, address, name).await?;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await?;
    body(&mut stream).await
}

async fn body(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<String> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    Ok(body.to_owned())
}
