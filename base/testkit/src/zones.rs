//! A real DNS server (`knot` of Debian) with zones of a test.

use crate::{FreePorts, Process};
use nix::sys::signal::Signal;
use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::{net::TcpStream, time::sleep};

const PATIENCE: Duration = Duration::from_secs(20);
const LOOK: Duration = Duration::from_millis(20);

/// It ends when this is dropped.
pub struct Zones {
    pub address: SocketAddr,
    process: Process,
    folder: TempDir,
    /// The number of what is served.
    changes: u32,
}

impl Zones {
    /// Serves these zones on loopback, each with its records, as lines of a zone file.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn serve(zones: &[(&str, String)]) -> io::Result<Self> {
        Self::serve_at(Ipv4Addr::LOCALHOST, zones).await
    }

    /// The same at another address of this machine.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn serve_at(listen: Ipv4Addr, zones: &[(&str, String)]) -> io::Result<Self> {
        Self::serve_signed(listen, zones, &[]).await
    }

    /// The same, with these of the zones signed (DNSSEC).
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn serve_signed(
        listen: Ipv4Addr,
        zones: &[(&str, String)],
        signed: &[&str],
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let at = folder.path().display();
        let address = FreePorts::default().next(listen.into())?;
        let port = address.port();
        let mut config = format!(
            "server:\n  rundir: \"{at}\"\n  listen: {listen}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\nlog:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"{at}\"\npolicy:\n  - id: one\n    single-type-signing: on\nzone:\n"
        );
        for (zone, records) in zones {
            config += &format!(
                "  - domain: {zone}\n    storage: \"{at}\"\n    file: {zone}.zone\n    journal-content: none\n    zonefile-sync: -1\n    dnssec-signing: {}\n    dnssec-policy: one\n",
                if signed.contains(zone) { "on" } else { "off" }
            );
            write(&folder, zone, 1, records)?;
        }
        let file = folder.path().join("knot.conf");
        fs::write(&file, config)?;
        let log = folder.path().join("knot.log");
        let file = file
            .to_str()
            .ok_or_else(|| io::Error::other("temporary paths are UTF-8"))?;
        let mut process = Process::start(&[], Path::new("/usr/sbin/knotd"), &["--config", file], &log)?;
        let deadline = Instant::now() + PATIENCE;
        while TcpStream::connect(address).await.is_err() {
            if !process.is_running() || Instant::now() >= deadline {
                return Err(io::Error::other(process.last_words()));
            }
            sleep(LOOK).await;
        }
        Ok(Self {
            address,
            process,
            folder,
            changes: 1,
        })
    }

    /// Other records for one of the zones, a moment later.
    ///
    /// # Errors
    /// When they cannot be written, or nobody serves them any more.
    pub fn change(&mut self, zone: &str, records: &str) -> io::Result<()> {
        self.changes += 1;
        write(&self.folder, zone, self.changes, records)?;
        self.process.signal(Signal::SIGHUP)
    }

    /// The key that a zone is signed with, as a `DNSKEY` record.
    ///
    /// # Errors
    /// When there is none.
    pub async fn key(&self, zone: &str) -> io::Result<String> {
        let deadline = Instant::now() + PATIENCE;
        let folder = self.folder.path();
        loop {
            let told = Command::new("/usr/sbin/keymgr")
                .args(["--dir", &folder.join("keys").display().to_string()])
                .args([zone, "dnskey"])
                .output()?;
            let told = String::from_utf8_lossy(&told.stdout).into_owned();
            if let Some((_, key)) = told.trim().split_once(" DNSKEY ") {
                return Ok(format!("{zone}. IN DNSKEY {key}\n"));
            }
            if Instant::now() >= deadline {
                return Err(io::Error::other(format!("{zone} has no key: {told}")));
            }
            sleep(LOOK).await;
        }
    }
}

fn write(folder: &TempDir, zone: &str, serial: u32, records: &str) -> io::Result<()> {
    let head = format!(
        "$ORIGIN {zone}.\n$TTL 60\n@ SOA ns admin {serial} 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n"
    );
    fs::write(folder.path().join(format!("{zone}.zone")), head + records)
}
