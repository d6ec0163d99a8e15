//! A server to test against, started like by everyone else.

use crate::steps::{build, built, target};
use anyhow::{Context as _, bail};
use serde_json::Value;
use std::{
    io::{BufRead as _, BufReader},
    process::{Child, Stdio},
    time::Duration,
};

/// A running quickstart; it ends, and its folder goes, when this is dropped.
pub(crate) struct Server {
    process: Child,
    pub(crate) urls: Vec<String>,
    /// `[{"url","config","pid"}]`: which process is which node.
    pub(crate) nodes: String,
    pub(crate) admin: String,
    pub(crate) password: String,
    /// The demo room.
    pub(crate) room: String,
    _folder: tempfile::TempDir,
}

impl Server {
    /// Builds the program and starts it with these variables; it takes free ports.
    pub(crate) fn start(nodes: u8, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        build(&["plenary-node"])?;
        // One after the other: each looks which ports are free, and listens there a moment later.
        let turn = std::fs::File::create(target().join("quickstart.lock"))?;
        turn.lock().context("another server is being started")?;
        let folder = tempfile::tempdir()?;
        let mut process = built("plenary-node")
            .args([
                "quickstart",
                "--json",
                "--until-stdin-closes",
                "--http",
                "127.0.0.1:0",
                "--nodes",
                &nodes.to_string(),
                "--data",
            ])
            .arg(folder.path().join("data"))
            // Held by this process alone: however it ends, the server does too.
            .envs(settings.iter().map(|(name, value)| (*name, value)))
            .stdin(Stdio::piped())
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
        drop(turn);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let urls = ready["nodes"].as_array().context("the server has nodes")?;
        let nodes: Vec<Value> = urls
            .iter()
            .map(|node| serde_json::json!({"url": node["url"], "config": node["config"], "pid": node["pid"]}))
            .collect();
        Ok(Self {
            process,
            nodes: serde_json::to_string(&nodes)?,
            urls: urls.iter().map(|node| text(&node["url"])).collect(),
            admin: text(&ready["admin"]["login"]),
            password: text(&ready["admin"]["password"]),
            room: text(&ready["room"]["cid"]),
            _folder: folder,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Asked to end first, so that it ends its nodes.
        drop(self.process.stdin.take());
        for _ in 0..300 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
