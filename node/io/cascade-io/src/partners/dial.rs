//! Dialling the servers whose conferences people of this node attend.

use super::{
    Hall, Side,
    hello::{Answer, Hello, HelloError, hear, say},
    partner::Partner,
    table::Entry,
};
use crate::{
    dial::Backoff,
    doors::Close,
    driver::{Driver, End},
    tls,
};
use futures::{StreamExt as _, stream::FuturesUnordered};
use plenary_identity::{PartnerCertificate, PartnerRefusal};
use plenary_model::{NodeId, ServerName};
use quinn::Connection;
use std::{
    collections::BTreeMap,
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How long one address may take, for the handshake and the first words.
const WITHIN: Duration = Duration::from_secs(4);
/// An address that says nothing is tried so long before the next one is, too (RFC 8305 §5).
const HEAD_START: Duration = Duration::from_millis(300);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// A connection that held this long was a good one: after its end the first pause is short again.
const GOOD_AFTER: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
enum DialError {
    #[error("{0}")]
    Way(String),
    #[error("nobody answers at {0}")]
    Silent(SocketAddr),
    #[error("{0}")]
    Unfit(#[from] quinn::ConnectError),
    #[error("{0}")]
    Hello(#[from] HelloError),
    #[error("{0}")]
    NotBelieved(#[from] PartnerRefusal),
    #[error("it does not let this server in")]
    Declined,
}

/// Servers that somebody wants a link with.
#[derive(Default)]
pub(super) struct Attended(Mutex<BTreeMap<ServerName, Weak<Held>>>);

struct Held {
    link: NodeId,
    /// The link's task ends when this is dropped.
    _needed: mpsc::Sender<Infallible>,
}

/// Holds a link with a server; clones hold the same.
#[derive(Clone)]
pub struct Attending(Arc<Held>);

impl Attending {
    /// The link, as it stands among the nodes.
    pub fn link(&self) -> NodeId {
        self.0.link
    }
}

impl std::fmt::Debug for Attending {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Attending({})", self.0.link)
    }
}

pub(super) fn attend(hall: &Arc<Hall>, server: &ServerName) -> Attending {
    let mut attended = hall.attended.0.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(held) = attended.get(server).and_then(Weak::upgrade) {
        return Attending(held);
    }
    let (needed, unneeded) = mpsc::channel(1);
    let held = Arc::new(Held {
        link: hall.table.number(),
        _needed: needed,
    });
    attended.retain(|_, held| held.strong_count() > 0);
    attended.insert(server.clone(), Arc::downgrade(&held));
    let (link, server, hall_of_task) = (held.link, server.clone(), hall.clone());
    hall.runtime.spawn(async move {
        let hall = hall_of_task;
        let entry = hall.table.enter(link, &server, Side::Home);
        keep(&hall, &entry, unneeded).await;
    });
    Attending(held)
}

/// Has a link, or tries to get one, until nobody needs it any more.
async fn keep(hall: &Hall, entry: &Entry<'_>, mut needed: mpsc::Receiver<Infallible>) {
    let server = &entry.known.server;
    let mut backoff = Backoff::up_to(LONGEST_PAUSE);
    let mut stopping = hall.stopping.subscribe();
    let mut said = false;
    let mut pause = Duration::ZERO;
    let mut lost = None;
    loop {
        let dialled = async {
            tokio::time::sleep(pause).await;
            let mut met = hall.circle.meets(server).await;
            if met.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
            let (connection, certificate) = dial(hall, server, lost).await?;
            Ok::<_, DialError>((connection, certificate, met))
        };
        let dialled = tokio::select! {
            biased;
            _ = needed.recv() => return,
            _ = stopping.wait_for(|stops| *stops) => return,
            dialled = dialled => dialled,
        };
        let (connection, certificate, met) = match dialled {
            Ok(dialled) => dialled,
            Err(error) => {
                say_why(server, &error, &mut said);
                pause = backoff.next();
                continue;
            }
        };
        said = false;
        let since = Instant::now();
        let shown = (tls::chain(&connection), &certificate);
        let mut partner = Partner::new(hall, server, Side::Home, shown, met, Some(&mut needed));
        let outbox = &entry.known.outbox;
        let driver = Driver::new(&hall.events, entry.link, &connection, &mut partner, outbox);
        match driver.run().await {
            End::Stopped | End::Replaced => return Close::Stopping.close(&connection),
            End::Closed(close) => close.close(&connection),
            End::Lost(error) => {
                tracing::info!(%server, %error, "the link for media with a server ended");
                lost = Some(connection.remote_address());
            }
        }
        let was_good = since.elapsed() >= GOOD_AFTER;
        if was_good {
            backoff.reset();
        }
        pause = if was_good { Duration::ZERO } else { backoff.next() };
    }
}

/// The first failure is for people, the others for those who look closely.
fn say_why(server: &ServerName, error: &DialError, said: &mut bool) {
    if std::mem::replace(said, true) {
        tracing::debug!(%server, %error, "a server cannot be dialled for media");
    } else {
        tracing::warn!(%server, %error, "a server cannot be dialled for media; its conferences are silent here");
    }
}

/// The first address of a server that answers as it should; each has its start before the next one, and the one that was
/// lost comes last.
async fn dial(
    hall: &Hall,
    server: &ServerName,
    lost: Option<SocketAddr>,
) -> Result<(Connection, PartnerCertificate), DialError> {
    let mut addresses = hall.circle.way(server).await.map_err(DialError::Way)?;
    addresses.sort_by_key(|address| Some(*address) == lost);
    let mut left = addresses.into_iter();
    let mut trying = FuturesUnordered::new();
    let mut last = DialError::Way(format!("{server} has no address"));
    loop {
        if let Some(address) = left.next() {
            trying.push(async move {
                let greeted = tokio::time::timeout(WITHIN, greet(hall, server, address)).await;
                greeted.unwrap_or(Err(DialError::Silent(address)))
            });
        }
        let tried = tokio::select! {
            tried = trying.next() => tried,
            () = tokio::time::sleep(HEAD_START), if left.len() > 0 => continue,
        };
        match tried {
            Some(Ok(dialled)) => return Ok(dialled),
            Some(Err(error)) => last = error,
            None => return Err(last),
        }
    }
}

async fn greet(
    hall: &Hall,
    server: &ServerName,
    address: SocketAddr,
) -> Result<(Connection, PartnerCertificate), DialError> {
    let connecting = hall
        .endpoint
        .connect_with(hall.client.clone(), address, server.as_str())?;
    let connection = connecting.await.map_err(HelloError::from)?;
    let certificate = match hall.believes(server, &tls::chain(&connection)) {
        Ok(certificate) => certificate,
        Err(why) => {
            let words = format!("this server does not believe that you are {server}: {why}");
            Close::NotBelieved.close_saying(&connection, &words);
            return Err(why.into());
        }
    };
    let hello = Hello {
        server: hall.me.to_string(),
        wanted: server.to_string(),
    };
    say(&connection, &hello).await?;
    let answer: Answer = hear(&connection).await?;
    if !answer.ok {
        Close::Stopping.close(&connection);
        return Err(DialError::Declined);
    }
    Ok((connection, certificate))
}
