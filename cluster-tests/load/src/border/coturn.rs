//! coturn as Debian has it: the peer. Each client has an allocation and a channel to who answers (RFC 8656).

use super::{
    CLIENTS_ON,
    clients::{CHANNEL, Echo},
};
use crate::{processes::free_ports, sfu::pinned};
use anyhow::{Context as _, bail, ensure};
use std::{
    net::{IpAddr, SocketAddr, UdpSocket},
    path::Path,
    process::{Child, Stdio},
    time::{Duration, Instant},
};

const READY_WITHIN: Duration = Duration::from_secs(20);
const COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const ALLOCATE: [u8; 2] = [0, 3];
const CHANNEL_BIND: [u8; 2] = [0, 9];
/// What a success response has in its type.
const SUCCESS: u8 = 1;

/// A running relay; it ends when this is dropped.
pub(super) struct Coturn {
    process: Child,
    pub(super) at: SocketAddr,
    answers: Echo,
}

impl Coturn {
    /// Without passwords: what an allocation costs once is not measured, and what a packet costs does not depend on it.
    pub(super) fn start(folder: &Path, processor: usize) -> anyhow::Result<Self> {
        let at = *free_ports(1)?.first().context("a free port")?;
        let port = at.port();
        let log = std::fs::File::create(folder.join("coturn.log"))?;
        let process = pinned(Path::new("turnserver"), Some(processor))
            .args([
                "-n",
                "--no-auth",
                "--no-tls",
                "--no-dtls",
                "--no-cli",
                "--allow-loopback-peers",
            ])
            .args([
                "--listening-ip=127.0.0.1",
                "--relay-ip=127.0.0.1",
                "--relay-threads=1",
            ])
            .args([
                "--user-quota=0",
                "--total-quota=0",
                "--min-port=20000",
                "--max-port=60000",
            ])
            .arg(format!("--listening-port={port}"))
            .arg(format!("--userdb={}", folder.join("turn.db").display()))
            .arg(format!("--pidfile={}", folder.join("turn.pid").display()))
            .arg("--log-file=stdout")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .context("turnserver cannot be started")?;
        let mut coturn = Self {
            process,
            at,
            answers: Echo::start(CLIENTS_ON)?,
        };
        coturn.wait()?;
        Ok(coturn)
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.connect(self.at)?;
        socket.set_read_timeout(Some(Duration::from_millis(100)))?;
        let until = Instant::now() + READY_WITHIN;
        while self.ask(&socket, [0, 1], &[]).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("turnserver ended ({status})");
            }
            ensure!(Instant::now() < until, "turnserver does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// An allocation and a channel.
    pub(super) fn open(&self, socket: &UdpSocket) -> anyhow::Result<()> {
        // REQUESTED-TRANSPORT: UDP.
        self.ask(socket, ALLOCATE, &[0, 0x19, 0, 4, 17, 0, 0, 0])
            .context("an allocation")?;
        let IpAddr::V4(address) = self.answers.at.ip() else {
            bail!("who answers has an IPv4 address");
        };
        let port = self.answers.at.port().to_be_bytes();
        let mut attributes = vec![0, 0x0C, 0, 4, CHANNEL[0], CHANNEL[1], 0, 0];
        // XOR-PEER-ADDRESS.
        attributes.extend([0, 0x12, 0, 8, 0, 1, port[0] ^ COOKIE[0], port[1] ^ COOKIE[1]]);
        attributes.extend(
            address
                .octets()
                .iter()
                .zip(COOKIE)
                .map(|(octet, mask)| octet ^ mask),
        );
        self.ask(socket, CHANNEL_BIND, &attributes).context("a channel")
    }

    fn ask(&self, socket: &UdpSocket, kind: [u8; 2], attributes: &[u8]) -> anyhow::Result<()> {
        let length = u16::try_from(attributes.len())?.to_be_bytes();
        let number: [u8; 12] = rand::random();
        let message = [&kind[..], &length, &COOKIE, &number, attributes].concat();
        let mut answer = [0; 1_024];
        for _ in 0..5 {
            socket.send(&message)?;
            let Ok(length) = socket.recv(&mut answer) else {
                continue;
            };
            let told = answer.get(..length).unwrap_or_default();
            if told.get(8..20) == Some(&number) {
                ensure!(told.first() == Some(&SUCCESS), "coturn refuses: {told:?}");
                return Ok(());
            }
        }
        bail!("coturn does not answer")
    }
}

impl Drop for Coturn {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
