//! Two instances with SQLite: one serves, and one follows it (docs/decisions/0027). The one that follows has a copy of the other's
//! database, answers searches and hears of presence; what changes is told to the other one alone.
//!
//! ```text
//!  leader of a server ──Feed──► the first ──► its disk ◄──Copy── the one that follows ──► its own disk ──► index
//!          └──── presence ──────────────────────────────────────────────┘
//! ```

use crate::{
    refusal::Refusal,
    running::Running,
    store::{After, digest_of_keys, digest_of_servers},
};
use plenary_contracts::directory::v1::{
    CopiedEntry, CopiedServer, CopyEntriesRequest, CopyEntriesResponse, CopyRequest, CopyResponse,
    directory_client::DirectoryClient,
};
use plenary_directory_client::{Code, client};
use plenary_model::ServerName;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::watch;
use tonic::transport::Channel;

/// What is new is asked for so often.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// After an attempt that failed.
const AGAIN: Duration = Duration::from_secs(1);
const CONNECT_WITHIN: Duration = Duration::from_secs(2);
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// Each says to the other that it is there.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// Entries of one page, and bytes after which it is full.
const PAGE: i64 = 2_000;
const PAGE_BYTES: usize = 1 << 20;
/// Longest name and address of an instance.
const TEXT: usize = 256;

/// The instance that this one follows.
pub(crate) struct First {
    /// `host:port`.
    pub(crate) address: String,
    /// Whether it answered at the last attempt.
    pub(crate) answers: watch::Sender<bool>,
    /// Everything that it has was here once, or it is away and something is here.
    pub(crate) settled: watch::Sender<bool>,
}

impl First {
    pub(crate) fn at(address: String) -> Self {
        Self {
            address,
            answers: watch::Sender::new(false),
            settled: watch::Sender::new(false),
        }
    }
}

/// When others were last noted as being there.
#[derive(Default)]
pub(crate) struct Beaten(Mutex<BTreeMap<String, Instant>>);

impl Beaten {
    fn is_due(&self, name: &str) -> bool {
        let mut beaten = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beaten.retain(|_, at| at.elapsed() < BEAT_EVERY);
        let is_due = !beaten.contains_key(name);
        if is_due {
            beaten.insert(name.to_owned(), Instant::now());
        }
        is_due
    }
}

/// Why nothing was copied.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the database of this instance")]
    Database(#[from] sqlx::Error),
    #[error("the other instance says no")]
    Status(#[from] tonic::Status),
    #[error("the way to it")]
    Way(#[from] tonic::transport::Error),
    #[error("the other instance does not answer")]
    Late,
}

/// Follows until the task is dropped; returns at once where nobody is followed.
pub(crate) async fn copy(running: Arc<Running>) {
    let Some(first) = &running.first else {
        return std::future::pending().await;
    };
    let mut was_good = true;
    let mut way = None;
    loop {
        let copied = step(&running, first, &mut way).await;
        let is_good = copied.is_ok();
        first.answers.send_replace(is_good);
        match copied {
            Ok(()) => {
                first.settled.send_replace(true);
                if !was_good {
                    tracing::info!(first = %first.address, "the first instance is followed again");
                }
            }
            Err(trouble) => {
                if was_good {
                    let trouble = anyhow::Error::from(trouble);
                    tracing::warn!(first = %first.address, trouble = %format!("{trouble:#}"), "the first instance is not followed; what is here is found");
                }
                way = None;
                // What is here is better than nothing.
                let is_something = running
                    .store
                    .servers()
                    .await
                    .is_ok_and(|servers| !servers.is_empty());
                if is_something {
                    first.settled.send_replace(true);
                }
            }
        }
        was_good = is_good;
        tokio::time::sleep(if was_good { LOOK_EVERY } else { AGAIN }).await;
    }
}

async fn answer<T>(
    asked: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(ANSWER_WITHIN, asked).await {
        Ok(answer) => Ok(answer?.into_inner()),
        Err(_) => Err(Trouble::Late),
    }
}

/// Copies all that is new.
async fn step(
    running: &Running,
    first: &First,
    way: &mut Option<DirectoryClient<Channel>>,
) -> Result<(), Trouble> {
    let client = match way {
        Some(client) => client,
        None => way.insert(client(
            &running.identity,
            Some(&running.facts.directory),
            &first.address,
            CONNECT_WITHIN,
        )?),
    };
    let here = running.store.servers_to_copy().await?;
    let request = CopyRequest {
        name: running.facts.name.to_string(),
        address: running.address.clone(),
        servers: digest_of_servers(&here),
        keys: digest_of_keys(&running.store.keys_to_copy().await?),
    };
    let told = answer(client.copy(request)).await?;
    let by = |text: &str| text.len() <= TEXT && !text.is_empty();
    if by(&told.name) && by(&told.address) && running.beaten.is_due(&told.name) {
        running.store.beat(&told.name, &told.address).await?;
    }
    if !told.same_keys {
        running.store.take_keys(&told.keys).await?;
    }
    if told.same_servers {
        return Ok(());
    }
    let mut gone: BTreeMap<&str, &CopiedServer> =
        here.iter().map(|server| (server.name.as_str(), server)).collect();
    for server in &told.servers {
        let known = gone.remove(server.name.as_str());
        if known.is_none_or(|known| known.version != server.version) {
            one(running, client, known, server).await?;
        }
    }
    for name in gone.into_keys() {
        tracing::warn!(server = %name, "the first instance does not have the server any more");
        running.store.drop_copy(name).await?;
    }
    Ok(())
}

/// What there is to read of a server; `true`: all of it.
fn is_anew(known: Option<&CopiedServer>, now: &CopiedServer) -> bool {
    known.is_none_or(|known| {
        let is_same = !now.incarnation.is_empty() && known.incarnation == now.incarnation;
        // The other has gone back behind what is here: it was restored, and counts as it is.
        let was_set_back = now.version < known.version || is_same && now.position < known.position;
        was_set_back || known.version < now.floor
    })
}

/// Copies what is new of one server.
async fn one(
    running: &Running,
    client: &mut DirectoryClient<Channel>,
    known: Option<&CopiedServer>,
    now: &CopiedServer,
) -> Result<(), Trouble> {
    let all = is_anew(known, now);
    if all {
        running.store.begin_copy(&now.name).await?;
    }
    let mut request = CopyEntriesRequest {
        server: now.name.clone(),
        // Of all that come none is left out that changes meanwhile: it would be taken for one that is gone.
        to: if all { i64::MAX } else { now.version },
        after_version: match known {
            Some(known) if !all => Some(known.version + 1),
            _ => None,
        },
        after_id: String::new(),
    };
    let shown = loop {
        let page = answer(client.copy_entries(request.clone())).await?;
        running.store.take_page(&now.name, &page.entries, all).await?;
        let Some(last) = page.entries.last().filter(|_| page.more) else {
            break page.share;
        };
        request.after_id.clone_from(&last.id);
        if request.after_version.is_some() {
            request.after_version = Some(last.version);
        }
    };
    running.store.end_copy(now, &shown, all).await?;
    Ok(())
}

/// What another instance, which follows this one, does not have.
pub(crate) async fn tell(running: &Running, request: CopyRequest) -> Result<CopyResponse, Refusal> {
    running.must_not_follow()?;
    let by = |text: &str| text.len() <= TEXT && !text.is_empty();
    if !by(&request.name) || !by(&request.address) {
        return Err(Refusal::BadMessage(
            "it does not say who asks, and where it is".into(),
        ));
    }
    if running.beaten.is_due(&request.name) {
        running.store.beat(&request.name, &request.address).await?;
    }
    let servers = running.store.servers_to_copy().await?;
    let keys = running.store.keys_to_copy().await?;
    let same_servers = digest_of_servers(&servers) == request.servers;
    let same_keys = digest_of_keys(&keys) == request.keys;
    Ok(CopyResponse {
        name: running.facts.name.to_string(),
        address: running.address.clone(),
        same_servers,
        servers: if same_servers { Vec::new() } else { servers },
        same_keys,
        keys: if same_keys { Vec::new() } else { keys },
    })
}

/// A page of entries of one server.
pub(crate) async fn tell_entries(
    running: &Running,
    request: CopyEntriesRequest,
) -> Result<CopyEntriesResponse, Refusal> {
    running.must_not_follow()?;
    let server: ServerName = request
        .server
        .parse()
        .map_err(|_| Refusal::BadMessage("a server has another name".into()))?;
    let after = match request.after_version {
        Some(version) => After::Version(version, request.after_id),
        None => After::Id(request.after_id),
    };
    let share = running.store.share_to_copy(server.as_str()).await?;
    let rows = running.store.entries(&server, &after, request.to, PAGE).await?;
    let mut more = rows.len() as i64 == PAGE;
    let mut entries = Vec::with_capacity(rows.len());
    let mut bytes = 0;
    for row in rows {
        if bytes > PAGE_BYTES {
            more = true;
            break;
        }
        bytes += row.id.len() + row.body.len() + 16;
        entries.push(CopiedEntry {
            id: row.id,
            version: row.version,
            body: row.body,
        });
    }
    Ok(CopyEntriesResponse { entries, more, share })
}

/// What is not known here may be known to the first instance, which was told of it a moment ago.
pub(crate) fn or_follows(running: &Running, refusal: Refusal) -> Refusal {
    let is_unknown = matches!(refusal.code(), Code::KeyUnknown | Code::NotConnected);
    match &running.first {
        Some(first) if is_unknown => Refusal::Follows(first.address.clone()),
        _ => refusal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_was_set_back_or_forgot_too_much_is_copied_anew() {
        let server = |version, floor, position| CopiedServer {
            version,
            floor,
            position,
            incarnation: "7".into(),
            ..CopiedServer::default()
        };
        let here = server(10, 1, 100);
        assert!(is_anew(None, &here));
        assert!(!is_anew(Some(&here), &server(12, 10, 120)));
        assert!(is_anew(Some(&here), &server(12, 11, 120)), "more was forgotten");
        assert!(is_anew(Some(&here), &server(9, 1, 120)), "the versions went back");
        assert!(
            is_anew(Some(&here), &server(12, 1, 99)),
            "the positions went back"
        );
        let other = CopiedServer {
            incarnation: "8".into(),
            ..server(12, 1, 1)
        };
        assert!(
            !is_anew(Some(&here), &other),
            "positions of another store mean nothing"
        );
    }
}
