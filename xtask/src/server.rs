//! A server to test against, started like by everyone else.

use crate::steps::{build, built};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// A running quickstart; it ends, and its folder goes, when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) urls: Vec<String>,
    pub(crate) admin: String,
    pub(crate) password: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Builds the program and starts it; it takes free ports.
    pub(crate) fn start(nodes: u8) -> anyhow::Result<Self> {
        build(&["plenary-node"])?;
        let folder = tempfile::tempdir()?;
        let mut process = built("plenary-node")
            .args([
                "quickstart",
                "--json",
                "--http",
                "127.0.0.1:0",
                "--nodes",
                &nodes.to_string(),
                "--data",
            ])
            .arg(folder.path().join("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("the server cannot be started")?;
        let mut line = String::new();
        let output = process.stdout.take().context("the output is piped")?;
        BufReader::new(output).read_line(&mut line)?;
        let ready: Value = match serde_json::from_str(&line) {
            Ok(ready) => ready,
            Err(_) => bail!("the server did not start: its reason is above"),
        };
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let urls = ready["nodes"].as_array().context("the server has nodes")?;
        Ok(Self {
            process,
            urls: urls.iter().map(|node| text(&node["url"])).collect(),
            admin: text(&ready["admin"]["login"]),
            password: text(&ready["admin"]["password"]),
            _folder: folder,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to end first, so that it ends its nodes.
        let asked = Command::new("kill").arg(self.process.id().to_string()).status();
        for _ in 0..300 {
            if asked.is_err() || !matches!(self.process.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
