//! A Border Controller, enrolled by a node of this process, which answers as an ICE agent and repeats media, or whatever clients
//! for the web say.

mod web;

use super::{CLIENTS_ON, on_clients};
use crate::{processes::free_ports, sfu::pinned};
use anyhow::{Context as _, bail, ensure};
use plenary_border_client::{EnrolError, Enrolments, Target, enrol, media};
use plenary_identity::{
    EnterpriseCa, Identity, JoinSecret, MACHINE_KEY_FILE, MachineKey, PROGRAM_LIFETIME, Program,
};
use plenary_links::clock_ms;
use plenary_model::{NodeId, NodeName};
use quinn::Endpoint;
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Stdio},
    sync::{Arc, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

const READY_WITHIN: Duration = Duration::from_secs(30);
const INVITATION: &str = "border-1";
/// ICE names that clients ask for: each may be asked for only so often.
const NAMES: u16 = 256;
const SERVER: &str = "paris.example.com";

/// A running controller; it and its node end when this is dropped.
pub(crate) struct Ours {
    process: Child,
    /// Where clients come to.
    pub(crate) at: SocketAddr,
    web: SocketAddr,
    ends: Option<oneshot::Sender<()>>,
    node: Option<JoinHandle<()>>,
}

struct Desk<'a> {
    node: &'a Identity,
    name: NodeName,
}

#[async_trait::async_trait]
impl Enrolments for Desk<'_> {
    async fn enter(
        &self,
        request: &[u8],
        _version: &str,
    ) -> Result<Vec<rustls::pki_types::CertificateDer<'static>>, String> {
        let certified = self
            .node
            .certify_controller(&self.name, NodeId(1), request, PROGRAM_LIFETIME);
        certified.map_err(|error| error.to_string())
    }
}

impl Ours {
    /// Its node answers as an ICE agent, and repeats media.
    pub(super) async fn for_media(
        binary: &Path,
        folder: &Path,
        flows: usize,
        processor: usize,
    ) -> anyhow::Result<Self> {
        let bounds = format!("[media]\nflows = {flows}\nflows_per_network = {flows}\n");
        let answer = |node, tunnel, ended, ready| {
            on_this_thread(async move { answer(&node, tunnel, ended, &ready).await })
        };
        Self::start(binary, folder, &bounds, processor, answer).await
    }

    /// Its node takes clients that ask for a name, and repeats what they say; they come as fast as they can.
    pub(crate) async fn for_web(
        binary: &Path,
        folder: &Path,
        name: &str,
        processor: usize,
    ) -> anyhow::Result<Self> {
        let bounds = "[limits]\nconnections = 20000\nconnections_per_network = 20000\nwaiting = 20000\nrate = 1000000\n\
                      rate_per_network = 1000000\n";
        let name = name.to_owned();
        let answer = move |node, tunnel, ended, ready| {
            on_this_thread(async move { web::repeat(&node, tunnel, &name, ended, ready).await })
        };
        let mut ours = Self::start(binary, folder, bounds, processor, answer).await?;
        ours.at = ours.web;
        Ok(ours)
    }

    async fn start(
        binary: &Path,
        folder: &Path,
        bounds: &str,
        processor: usize,
        answer: impl FnOnce(Identity, SocketAddr, oneshot::Receiver<()>, mpsc::Sender<()>) -> anyhow::Result<()>
        + Send
        + 'static,
    ) -> anyhow::Result<Self> {
        let ports = free_ports(4)?;
        let [web, tunnel, media, metrics] = *ports.as_slice() else {
            bail!("four ports");
        };
        let text = format!(
            "data = '{}'\n[listen]\nweb = '{web}'\ntunnel = '{tunnel}'\nmedia = '{media}'\nmetrics = '{metrics}'\n{bounds}",
            folder.join("controller").display()
        );
        let config = folder.join("controller.toml");
        std::fs::write(&config, text)?;
        let node = identity(folder)?;
        let secret = JoinSecret::random()?;
        let hash = secret.hash();
        let token = node.controller_token(INVITATION.into(), secret, tunnel.to_string(), clock_ms() + 60_000);
        let log = std::fs::File::create(folder.join("controller.log"))?;
        let process = pinned(binary, Some(processor))
            .arg("--config")
            .arg(&config)
            .args(["join", &token.encode()])
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("the Border Controller cannot be started")?;
        // It ends with `ours`, whatever happens from here on.
        let mut ours = Self {
            process,
            at: media,
            web,
            ends: None,
            node: None,
        };
        welcome(&node, tunnel, &hash).await?;
        let (ends, ended) = oneshot::channel();
        let (tell, told) = mpsc::channel();
        ours.ends = Some(ends);
        ours.node = Some(on_clients(CLIENTS_ON, move || {
            if let Err(error) = answer(node, tunnel, ended, tell) {
                eprintln!("the node behind the Border Controller ended: {error:#}");
            }
        }));
        tokio::task::spawn_blocking(move || told.recv_timeout(READY_WITHIN))
            .await?
            .context("the node has no tunnel")?;
        Ok(ours)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(node) = self.node.take() {
            node.join().ok();
        }
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn identity(folder: &Path) -> anyhow::Result<Identity> {
    let root = EnterpriseCa::create(&folder.join("root"), &"Demo".parse()?)?;
    let folder = folder.join("node");
    std::fs::create_dir_all(&folder)?;
    let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE))?;
    let ca = root.certify(Program::Node, &SERVER.parse()?, &[])?;
    Ok(Identity::create(
        &folder,
        machine,
        ca,
        "node-1".parse()?,
        NodeId(1),
    )?)
}

fn endpoint() -> std::io::Result<Endpoint> {
    Endpoint::client((Ipv4Addr::LOCALHOST, 0).into())
}

async fn welcome(node: &Identity, tunnel: SocketAddr, hash: &[u8; 32]) -> anyhow::Result<()> {
    let (endpoint, deadline) = (endpoint()?, Instant::now() + READY_WITHIN);
    let desk = Desk {
        node,
        name: "dmz-1".parse()?,
    };
    loop {
        match enrol(&endpoint, tunnel, node, (INVITATION, hash), clock_ms(), &desk).await {
            Ok(()) => return Ok(()),
            Err(EnrolError::Unreached(_)) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            Err(error) => return Err(error).context("the Border Controller is not enrolled"),
        }
    }
}

fn on_this_thread(work: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(work)
}

/// A node's end for media: requests succeed, media go back.
async fn answer(
    node: &Identity,
    address: SocketAddr,
    mut ended: oneshot::Receiver<()>,
    ready: &mpsc::Sender<()>,
) -> anyhow::Result<()> {
    let endpoint = endpoint()?;
    let target = target(address)?;
    let deadline = Instant::now() + READY_WITHIN;
    let (tunnel, mut talk) = loop {
        match media::dial(&endpoint, node, &target).await {
            Ok(dialled) => break dialled,
            Err(error) if Instant::now() > deadline => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    talk.tell((0..NAMES).map(name).collect(), Vec::new()).await?;
    ready.send(()).ok();
    let tunnel = Arc::new(tunnel);
    let back = tunnel.clone();
    let mut success = Vec::new();
    let take = |come: Option<(SocketAddr, &[u8])>| {
        let Some((client, bytes)) = come else { return };
        if bytes.starts_with(&[0, 1]) {
            success.clear();
            success.extend([1, 1, 0, 0]);
            success.extend(bytes.get(4..20).unwrap_or_default());
            back.send(client, &success);
        } else {
            back.send(client, bytes);
        }
    };
    tokio::select! {
        lost = tunnel.serve(node, take, drop) => match lost { Err(error) => Err(error.into()) },
        _ = &mut ended => Ok(()),
    }
}

fn target(address: SocketAddr) -> anyhow::Result<Target> {
    Ok(Target {
        name: "dmz-1".parse()?,
        member: NodeId(1),
        address,
    })
}

fn name(number: u16) -> String {
    format!("name-{number}")
}

/// Asks until the node has answered, as ICE does.
pub(super) fn open(socket: &UdpSocket) -> anyhow::Result<()> {
    let number: [u8; 12] = rand::random();
    let user = format!("{}:them", name(rand::random::<u16>() % NAMES));
    let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend(number);
    message.extend([0, 6, 0, u8::try_from(user.len())?]);
    message.extend(user.as_bytes());
    message.resize(message.len().next_multiple_of(4), 0);
    let mut answer = [0; 256];
    for _ in 0..10 {
        socket.send(&message)?;
        if let Ok(length) = socket.recv(&mut answer) {
            ensure!(
                answer.get(8..20) == Some(&number) && length >= 20,
                "something else came back"
            );
            return Ok(());
        }
    }
    bail!("the node behind the Border Controller does not answer")
}
