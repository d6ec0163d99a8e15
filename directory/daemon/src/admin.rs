//! Administrators of this machine: a Unix socket in the data folder, for root and the user that the instance runs as.
//!
//! One line of JSON each way, then the connection ends.

mod answer;
mod ask;

pub(crate) use ask::{Add, Events, Remove, Servers, Status};

use crate::running::Running;
use anyhow::Context as _;
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use plenary_model::ServerName;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};

/// Longest request: a key with room to spare.
const REQUEST_BYTES: u64 = 64 * 1024;
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 16;

/// What an administrator wants.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Wish {
    Status,
    Servers,
    Add { key: String },
    Remove { server: ServerName },
    Events { before: Option<String>, most: u32 },
}

/// What is said to it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Done(Value),
    Refused { code: String, reason: String },
}

/// Listens; a socket that an earlier run left is replaced.
pub(crate) fn listen(running: &Running, path: &Path) -> anyhow::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("{} cannot be listened on", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    tracing::debug!(instance = %running.facts.name, socket = %path.display(), "administrators may ask");
    Ok(listener)
}

/// Answers until the task is dropped.
pub(crate) async fn serve(running: Arc<Running>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(AT_ONCE));
    loop {
        let Ok(place) = places.clone().acquire_owned().await else {
            return;
        };
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                tracing::warn!(%error, "an administrator was not heard");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let running = running.clone();
        tokio::spawn(async move {
            if let Err(error) = converse(&running, stream).await {
                tracing::debug!(error = %format!("{error:#}"), "an administrator was not answered");
            }
            drop(place);
        });
    }
}

async fn converse(running: &Running, stream: UnixStream) -> anyhow::Result<()> {
    let peer = getsockopt(&stream, PeerCredentials)?;
    let uid = nix::unistd::Uid::from_raw(peer.uid());
    let (input, mut output) = stream.into_split();
    let said = match uid.is_root() || uid == nix::unistd::Uid::effective() {
        false => Said::Refused {
            code: "not_allowed".into(),
            reason: "only root and the user that the instance runs as may ask".into(),
        },
        true => {
            let mut line = String::new();
            let mut input = BufReader::new(input.take(REQUEST_BYTES));
            tokio::time::timeout(REQUEST_WITHIN, input.read_line(&mut line)).await??;
            let wish = serde_json::from_str(&line).context("a request of another version")?;
            answer::answer(running, format!("uid {uid}"), wish).await
        }
    };
    let mut text = serde_json::to_string(&said)?;
    text.push('\n');
    Ok(output.write_all(text.as_bytes()).await?)
}
