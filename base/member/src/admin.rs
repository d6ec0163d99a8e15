//! Administrators of this machine: a Unix socket in the data folder, for root and the user that the member runs as.
//!
//! One line of JSON each way, then the connection ends. What may be wished for is the program's matter: [`listen`] and [`serve`] are the
//! member's side, [`ask`] that of a command, and [`Shown`] is how the command shows what it was told.

mod shown;

pub use shown::{Shown, cell};

use crate::Kind;
use anyhow::{Context as _, bail};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    io::{BufRead as _, Write as _},
    os::unix::{fs::PermissionsExt as _, net::UnixStream as BlockingStream},
    path::Path,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
};

/// Longest request: a licence file with room to spare.
const REQUEST_BYTES: u64 = 256 * 1024;
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
const AT_ONCE: usize = 16;

/// What is said to a wish.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    Done(Value),
    /// With a stable word and a sentence.
    Refused {
        code: String,
        reason: String,
    },
}

/// Answers wishes of administrators.
pub trait Desk: Send + Sync + 'static {
    type Wish: DeserializeOwned + Send;

    /// `by` says who wishes it: `uid 0`.
    fn answer(&self, by: String, wish: Self::Wish) -> impl Future<Output = Said> + Send;
}

/// Listens; a socket that an earlier run left is replaced.
///
/// # Errors
/// When the system refuses.
pub fn listen(path: &Path) -> anyhow::Result<UnixListener> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| format!("{} cannot be removed", path.display()));
        }
        _ => {}
    }
    let listener =
        UnixListener::bind(path).with_context(|| format!("{} cannot be listened on", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
    tracing::debug!(socket = %path.display(), "administrators may ask");
    Ok(listener)
}

/// Answers until the task is dropped.
pub async fn serve(kind: &'static Kind, desk: Arc<impl Desk>, listener: UnixListener) {
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
        let desk = desk.clone();
        tokio::spawn(async move {
            if let Err(error) = converse(kind, &*desk, stream).await {
                tracing::debug!(error = %format!("{error:#}"), "an administrator was not answered");
            }
            drop(place);
        });
    }
}

async fn converse(kind: &Kind, desk: &impl Desk, stream: UnixStream) -> anyhow::Result<()> {
    let peer = getsockopt(&stream, PeerCredentials)?;
    let uid = nix::unistd::Uid::from_raw(peer.uid());
    let (input, mut output) = stream.into_split();
    let said = match uid.is_root() || uid == nix::unistd::Uid::effective() {
        false => Said::Refused {
            code: "not_allowed".into(),
            reason: format!("only root and the user that the {} runs as may ask", kind.member),
        },
        true => {
            let mut line = String::new();
            let mut input = BufReader::new(input.take(REQUEST_BYTES));
            tokio::time::timeout(REQUEST_WITHIN, input.read_line(&mut line)).await??;
            let wish = serde_json::from_str(&line).context("a request of another version")?;
            desk.answer(format!("uid {uid}"), wish).await
        }
    };
    let mut text = serde_json::to_string(&said)?;
    text.push('\n');
    Ok(output.write_all(text.as_bytes()).await?)
}

/// Asks the member that runs on this machine.
///
/// # Errors
/// When none runs, it may not be asked, or it refuses.
pub fn ask(kind: &Kind, path: &Path, wish: &impl Serialize) -> anyhow::Result<Value> {
    let member = kind.member;
    let mut stream = BlockingStream::connect(path).with_context(|| {
        format!(
            "no {member} runs here, or you may not ask it ({}); run this as root on its machine",
            path.display()
        )
    })?;
    let mut text = serde_json::to_string(wish)?;
    text.push('\n');
    stream.write_all(text.as_bytes())?;
    let mut line = String::new();
    std::io::BufReader::new(stream).read_line(&mut line)?;
    match serde_json::from_str(&line).with_context(|| format!("the {member} gave no answer; see its log"))? {
        Said::Done(value) => Ok(value),
        Said::Refused { code, reason } => bail!("{reason} ({code})"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plenary_identity::Program;
    use serde_json::json;

    static KIND: Kind = Kind {
        program: Program::Directory,
        command: "plenary-directory",
        member: "instance",
        group: "Directory",
        usual_name: "dir-1",
        facts: "directory.json",
        format: 1,
        parts: &[],
        missing: "a Directory",
    };

    struct Echo;

    impl Desk for Echo {
        type Wish = Value;

        async fn answer(&self, by: String, wish: Value) -> Said {
            match wish.as_str() {
                Some("no") => Said::Refused {
                    code: "refused".into(),
                    reason: "it says no".into(),
                },
                _ => Said::Done(json!({ "by": by, "wish": wish })),
            }
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn administrators_are_answered_and_others_find_nobody() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin.sock");
        let nobody = ask(&KIND, &path, &json!("status")).expect_err("nobody runs");
        assert!(nobody.to_string().contains("no instance runs here"), "{nobody}");
        for _ in 0..2 {
            // The second time the socket of the first one lies there.
            let listener = listen(&path).expect("listens");
            let serving = tokio::spawn(serve(&KIND, Arc::new(Echo), listener));
            let (asked, at) = (json!({ "add": 1 }), path.clone());
            let told = tokio::task::spawn_blocking(move || {
                let told = ask(&KIND, &at, &asked);
                (told, ask(&KIND, &at, &json!("no")))
            });
            let (told, refused) = told.await.expect("asked");
            let told = told.expect("answered");
            assert_eq!(told["wish"], json!({ "add": 1 }));
            assert!(told["by"].as_str().is_some_and(|by| by.starts_with("uid ")));
            assert_eq!(refused.expect_err("refused").to_string(), "it says no (refused)");
            serving.abort();
        }
    }
}
