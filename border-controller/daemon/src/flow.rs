//! One client from outside: its way to a node, and its bytes both ways.

use crate::running::{Place, Running};
use plenary_border::{HostName, Refused, Service, TunnelId};
use plenary_border_client::wire;
use plenary_contracts::border::v1::FlowTaken;
use quinn::{Connection, RecvStream, SendStream, VarInt};
use std::{
    collections::BTreeSet,
    io,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
};

/// How long a node may take to take a client: first, so that a dead one costs its clients no more than this, then where all
/// were slow.
const PATIENCE: [Duration; 2] = [Duration::from_millis(500), Duration::from_secs(3)];
/// A tunnel that did not answer comes last for so long: then it does, or QUIC has found it dead.
const SILENT: Duration = Duration::from_millis(2_500);
/// Bytes of one client that are held in each direction.
const BUFFER: usize = 8 << 10;
/// The error with which streams are given up.
const GIVEN_UP: VarInt = VarInt::from_u32(1);

/// A stream that a node has taken.
pub(crate) struct Taken {
    send: SendStream,
    receive: RecvStream,
    /// Free again when it ends; of media nothing is counted.
    _place: Option<Place>,
}

/// Brings a client to a node: what it said so far goes along. While no node has answered nothing of it has had an effect, so
/// the next one may be asked.
pub(crate) async fn open(
    running: &Arc<Running>,
    service: Service,
    name: &HostName,
    from: SocketAddr,
    said: &[u8],
) -> Result<Taken, Refused> {
    let mut last = Refused::NoNode;
    for patience in PATIENCE {
        let mut tried = BTreeSet::new();
        loop {
            let (place, connection) = match running.choose(service, name, &tried) {
                Ok(chosen) => chosen,
                Err(why) => {
                    last = why;
                    break;
                }
            };
            tried.insert(place.id);
            let begun = tokio::time::timeout(patience, begin(&connection, service, from, said));
            match begun.await {
                Ok(Ok((send, receive))) => {
                    running.with_desk(|desk| desk.heard(place.id, true));
                    return Ok(Taken {
                        send,
                        receive,
                        _place: Some(place),
                    });
                }
                // Whether it is lost or busy will turn out; meanwhile others are asked first.
                Ok(Err(_)) | Err(_) => silent(running, place.id),
            }
        }
        if last == Refused::UnknownName {
            break;
        }
    }
    Err(last)
}

/// Brings a client with media by TCP to the node that has its session.
pub(crate) async fn open_media(
    connection: &Connection,
    from: SocketAddr,
    said: &[u8],
) -> Result<Taken, Refused> {
    let [_, patience] = PATIENCE;
    let begun = tokio::time::timeout(patience, begin(connection, Service::Media, from, said)).await;
    match begun {
        Ok(Ok((send, receive))) => Ok(Taken {
            send,
            receive,
            _place: None,
        }),
        Ok(Err(_)) | Err(_) => Err(Refused::NoNode),
    }
}

fn silent(running: &Arc<Running>, id: TunnelId) {
    running.with_desk(|desk| desk.heard(id, false));
    let running = running.clone();
    tokio::spawn(async move {
        tokio::time::sleep(SILENT).await;
        running.with_desk(|desk| desk.heard(id, true));
    });
}

async fn begin(
    connection: &Connection,
    service: Service,
    from: SocketAddr,
    said: &[u8],
) -> anyhow::Result<(SendStream, RecvStream)> {
    let (mut send, mut receive) = connection.open_bi().await?;
    wire::write(&mut send, &wire::flow(service, from)).await?;
    send.write_all(said).await?;
    let FlowTaken {} = wire::read(&mut receive, wire::FLOW).await?;
    Ok((send, receive))
}

/// Carries bytes until both ends have said all, one of them breaks off, nothing comes for too long, or an end takes nothing.
pub(crate) async fn carry(running: &Running, client: TcpStream, taken: Taken) {
    let Taken {
        mut send,
        mut receive,
        _place,
    } = taken;
    let (mut from, mut to) = client.into_split();
    let activity = Activity::new();
    let stalled = Duration::from_secs(running.limits.stalled_s);
    let counts = &running.counts;
    let inwards = pump(&mut from, &mut send, &activity, stalled, &counts.received);
    let outwards = pump(&mut receive, &mut to, &activity, stalled, &counts.sent);
    let both = async { tokio::try_join!(inwards, outwards).map(drop) };
    let idle = activity.idle(Duration::from_secs(running.limits.idle_s));
    let carried = tokio::select! {
        carried = both => carried,
        () = idle => Err(io::ErrorKind::TimedOut.into()),
    };
    if let Err(error) = carried {
        tracing::debug!(%error, "a connection from outside broke off");
        // Errors mean that they have ended already. Dropped, they would end as if all had been said.
        send.reset(GIVEN_UP).ok();
        receive.stop(GIVEN_UP).ok();
    }
}

async fn pump(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    activity: &Activity,
    stalled: Duration,
    count: &AtomicU64,
) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER];
    loop {
        let bytes = from.read(&mut buffer).await?;
        activity.now();
        let Some(came) = buffer.get(..bytes).filter(|came| !came.is_empty()) else {
            return to.shutdown().await;
        };
        let written = tokio::time::timeout(stalled, to.write_all(came)).await;
        written.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
        count.fetch_add(bytes as u64, Ordering::Relaxed);
    }
}

/// When something came last.
struct Activity {
    began: Instant,
    last_ms: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            began: Instant::now(),
            last_ms: AtomicU64::new(0),
        }
    }

    fn now(&self) {
        let ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_ms.store(ms, Ordering::Relaxed);
    }

    /// Returns once nothing came for so long.
    async fn idle(&self, most: Duration) {
        loop {
            let last = Duration::from_millis(self.last_ms.load(Ordering::Relaxed));
            let quiet = self.began.elapsed().saturating_sub(last);
            if quiet >= most {
                return;
            }
            tokio::time::sleep(most - quiet).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_said_arrives_and_who_takes_nothing_is_given_up() {
        let (mut client, mut near) = tokio::io::duplex(64);
        let (mut far, mut node) = tokio::io::duplex(64);
        let (activity, count) = (Activity::new(), AtomicU64::new(0));
        let stalled = Duration::from_millis(200);
        client.write_all(b"hello").await.expect("written");
        let pumped = async {
            let pumping = pump(&mut near, &mut far, &activity, stalled, &count);
            let talk = async {
                let mut said = [0; 5];
                node.read_exact(&mut said).await.expect("it arrives");
                assert_eq!(&said, b"hello");
                client.write_all(&[7; 64]).await.expect("written");
                client.write_all(&[7; 64]).await.expect("written");
            };
            tokio::join!(pumping, talk).0
        };
        let error = pumped.await.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert!(count.load(Ordering::Relaxed) >= 5);
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_told_from_rare_words() {
        let activity = Activity::new();
        let waited = tokio::time::timeout(Duration::from_secs(1), activity.idle(Duration::from_secs(3600)));
        assert!(waited.await.is_err(), "it is not silent for that long");
        activity.idle(Duration::ZERO).await;
    }
}
