//! A three-node etcd, as Debian packages it (`etcd-server`), with its usual settings.

use crate::processes::{Cluster, free_ports};
use anyhow::Context as _;
use std::{path::Path, process::Command};

pub(crate) async fn start(folder: &Path) -> anyhow::Result<Cluster> {
    let version = Command::new("etcd").arg("--version").output();
    let version = version.context("etcd is not installed: apt-get install etcd-server")?;
    let version = String::from_utf8_lossy(&version.stdout);
    eprintln!("{}", version.lines().next().unwrap_or_default());
    std::fs::create_dir_all(folder)?;
    let ports = free_ports(6)?;
    let (clients, peers) = ports.split_at(3);
    let all: Vec<String> = (1..=3)
        .zip(peers)
        .map(|(node, peer)| format!("etcd-{node}=http://{peer}"))
        .collect();
    let mut cluster = Cluster::new("etcd", clients.to_vec());
    for (node, (client, peer)) in (1..=3).zip(clients.iter().zip(peers)) {
        let name = format!("etcd-{node}");
        let (client, peer) = (format!("http://{client}"), format!("http://{peer}"));
        let mut command = Command::new("etcd");
        command
            .args(["--name", &name, "--logger", "zap", "--log-level", "error"])
            .arg("--data-dir")
            .arg(folder.join(&name))
            .args([
                "--listen-client-urls",
                &client,
                "--advertise-client-urls",
                &client,
            ])
            .args([
                "--listen-peer-urls",
                &peer,
                "--initial-advertise-peer-urls",
                &peer,
            ])
            .args([
                "--initial-cluster",
                &all.join(","),
                "--initial-cluster-state",
                "new",
            ])
            // It keeps every version of a key; the usual 2 GB could end a long run.
            .args(["--quota-backend-bytes", "8589934592"]);
        cluster.spawn(&mut command, &folder.join(format!("{name}.log")))?;
    }
    cluster.leading().await?;
    Ok(cluster)
}
