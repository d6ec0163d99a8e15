//! HAProxy and nginx as Debian has them, each with one thread, passing TLS on by the name that is asked for.

use crate::{processes::free_ports, sfu::pinned};
use anyhow::Context as _;
use std::{
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

#[derive(Debug, Clone, Copy)]
pub(super) enum Peer {
    HaProxy,
    Nginx,
}

/// A running one; it ends when this is dropped.
pub(super) struct Running {
    process: Child,
    pub(super) at: SocketAddr,
}

impl Peer {
    pub(super) const ALL: [Self; 2] = [Self::HaProxy, Self::Nginx];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::HaProxy => "HAProxy",
            Self::Nginx => "nginx",
        }
    }

    /// Passes what asks for `name` on to `inside`.
    pub(super) fn start(
        self,
        folder: &Path,
        name: &str,
        inside: SocketAddr,
        processor: usize,
    ) -> anyhow::Result<Running> {
        let at = *free_ports(1)?.first().context("a free port")?;
        let config = folder.join(self.name());
        let text = match self {
            Self::HaProxy => haproxy(at, name, inside),
            Self::Nginx => nginx(at, name, inside, folder),
        };
        std::fs::write(&config, text)?;
        let mut command = self.command(&config, folder, processor);
        let log = std::fs::File::create(folder.join(format!("{}.log", self.name())))?;
        let process = command
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} cannot be started", self.name()))?;
        Ok(Running { process, at })
    }

    fn command(self, config: &Path, folder: &Path, processor: usize) -> Command {
        let program = match self {
            Self::HaProxy => "/usr/sbin/haproxy",
            Self::Nginx => "/usr/sbin/nginx",
        };
        let mut command = pinned(Path::new(program), Some(processor));
        match self {
            Self::HaProxy => command.arg("-db").arg("-f").arg(config),
            Self::Nginx => command
                .arg("-c")
                .arg(config)
                .arg("-p")
                .arg(folder)
                .args(["-e", "stderr"]),
        };
        command
    }
}

impl Running {
    pub(super) fn pid(&self) -> u32 {
        self.process.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}

fn haproxy(at: SocketAddr, name: &str, inside: SocketAddr) -> String {
    format!(
        "global\n  maxconn 20000\n  nbthread 1\n\
         defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n\
         frontend outside\n  bind {at}\n  tcp-request inspect-delay 5s\n\
         \x20 tcp-request content accept if {{ req.ssl_hello_type 1 }}\n\
         \x20 use_backend inside if {{ req.ssl_sni -i {name} }}\n\
         backend inside\n  server node {inside}\n"
    )
}

fn nginx(at: SocketAddr, name: &str, inside: SocketAddr, folder: &Path) -> String {
    format!(
        "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n\
         daemon off;\nmaster_process off;\nworker_processes 1;\npid {}/nginx.pid;\nerror_log stderr error;\n\
         worker_rlimit_nofile 65536;\nevents {{ worker_connections 40000; }}\n\
         stream {{\n  map $ssl_preread_server_name $inside {{ {name} {inside}; }}\n\
         \x20 server {{ listen {at}; ssl_preread on; tcp_nodelay on; proxy_pass $inside; }}\n}}\n",
        folder.display()
    )
}
