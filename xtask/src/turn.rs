//! A TURN server to test against: coturn of Debian, on this machine only.

use crate::packages;
use anyhow::{Context as _, bail};
use std::{
    fs::File,
    io::Read as _,
    net::{Ipv4Addr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// It ends, and its folder goes, when this is dropped.
pub(crate) struct TurnServer {
    process: Child,
    port: u16,
    folder: tempfile::TempDir,
}

impl TurnServer {
    pub(crate) fn start() -> anyhow::Result<Self> {
        packages::need("turnserver", "coturn", "media through a TURN server")?;
        let folder = tempfile::tempdir()?;
        let port = free_port()?;
        let secret = secret()?;
        std::fs::write(folder.path().join("secret"), &secret)?;
        let settings = format!(
            "listening-ip=127.0.0.1\nrelay-ip=127.0.0.1\nlistening-port={port}\nuse-auth-secret\n\
             static-auth-secret={secret}\nrealm=plenary.test\nno-tls\nno-dtls\nno-cli\n\
             allow-loopback-peers\nlog-file=stdout\nsimple-log\nuserdb={0}/users\npidfile={0}/pid\n",
            folder.path().display()
        );
        let file = folder.path().join("turnserver.conf");
        std::fs::write(&file, settings)?;
        let process = Command::new("turnserver")
            .arg("-c")
            .arg(&file)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("turnserver cannot be started")?;
        let mut server = Self {
            process,
            port,
            folder,
        };
        server.wait()?;
        Ok(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("turn:127.0.0.1:{}?transport=udp", self.port)
    }

    pub(crate) fn secret_file(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    fn wait(&mut self) -> anyhow::Result<()> {
        let until = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = self.process.try_wait()? {
                bail!("turnserver ended ({status})");
            }
            if Instant::now() > until {
                bail!("turnserver does not listen");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for TurnServer {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

/// A port that is free by TCP and UDP; this program cannot choose its own.
fn free_port() -> anyhow::Result<u16> {
    for _ in 0..100 {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    bail!("no port is free by TCP and UDP")
}

/// Not guessed by anybody on this machine.
fn secret() -> anyhow::Result<String> {
    let mut bytes = [0; 16];
    File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
