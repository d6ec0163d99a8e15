//! Media over TCP (RFC 6544, framed by RFC 4571), for networks that let no UDP through.
//!
//! Each connection is a task that reads and one that writes, on the thread of the shard that it belongs to. What does not
//! fit into the queue of a connection is lost, as datagrams are: media that waits is of no use.
//!
//! Where there are several shards, a [`Hall`] reads the first frame of a connection, which names a peer, and gives the
//! connection to the shard of that peer.

use crate::{
    demux::ufrag_of,
    figures::{Figures, add},
    steering::Steering,
};
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    time::timeout,
};

/// Connections of this node.
const CONNECTIONS: usize = 4_096;
/// Of them, those that have not shown yet that they belong to a session.
const STRANGERS: usize = 256;
/// How long a connection may say nothing. Clients check every few seconds whether this side is there.
const SILENT_FOR: Duration = Duration::from_secs(30);
/// The same for one that has not said anything yet.
const FIRST_WITHIN: Duration = Duration::from_secs(5);
/// Longest frame: nothing of WebRTC is larger.
const FRAME: usize = 4_096;
/// Frames of all connections that wait for the shard.
const INCOMING: usize = 1_024;
/// Frames that wait for one client: about 300 ms of a picture of high quality.
const OUTGOING: usize = 256;
/// Connections that wait for their shard to take them.
const ARRIVING: usize = 64;

/// A frame, and who sent it.
pub(crate) struct Frame {
    pub(crate) source: SocketAddr,
    /// The address of ours that they have connected to.
    pub(crate) destination: SocketAddr,
    pub(crate) bytes: Vec<u8>,
}

struct Connection {
    frames: mpsc::Sender<Vec<u8>>,
    stranger: bool,
}

type Table = Arc<Mutex<HashMap<SocketAddr, Connection>>>;

/// The place of a connection in the table, until this is dropped.
struct Entry(Table, SocketAddr);

impl Drop for Entry {
    fn drop(&mut self) {
        lock(&self.0).remove(&self.1);
    }
}

/// A connection that somebody reads from and writes to.
struct Accepted {
    stream: TcpStream,
    entry: Entry,
    /// What is to be written.
    queue: mpsc::Receiver<Vec<u8>>,
}

/// Where the connections of a shard come from.
pub(crate) enum Source {
    /// It is the only one.
    Listener(std::net::TcpListener),
    Hall(Arrivals),
}

/// The connections that a [`Hall`] gives to a shard.
pub(crate) struct Arrivals {
    connections: Table,
    arriving: mpsc::Receiver<Arrival>,
}

/// One of them, and its first frame.
struct Arrival {
    stream: std::net::TcpStream,
    entry: Entry,
    queue: mpsc::Receiver<Vec<u8>>,
    first: Vec<u8>,
}

/// The connections of a shard, and the way to all others.
pub(crate) struct Tcp {
    incoming: mpsc::Receiver<Frame>,
    connections: Table,
}

impl Tcp {
    /// To be called within the runtime of the shard.
    pub(crate) fn new(source: Source) -> io::Result<Self> {
        let (frames, incoming) = mpsc::channel(INCOMING);
        let connections = match source {
            Source::Listener(listener) => {
                listener.set_nonblocking(true)?;
                let listener = TcpListener::from_std(listener)?;
                let connections = Table::default();
                let serve = move |accepted| serve(accepted, None, frames.clone());
                tokio::spawn(accept(listener, connections.clone(), serve));
                connections
            }
            Source::Hall(arrivals) => {
                let connections = arrivals.connections.clone();
                tokio::spawn(take_in(arrivals, frames));
                connections
            }
        };
        Ok(Self {
            incoming,
            connections,
        })
    }

    pub(crate) async fn receive(&mut self) -> Option<Frame> {
        self.incoming.recv().await
    }

    pub(crate) fn try_receive(&mut self) -> Option<Frame> {
        self.incoming.try_recv().ok()
    }

    /// Queues a frame; `false` if there is no room or no such connection.
    pub(crate) fn send(&self, to: SocketAddr, bytes: &[u8]) -> bool {
        let connections = lock(&self.connections);
        let Some(connection) = connections.get(&to) else {
            return false;
        };
        let Ok(length) = u16::try_from(bytes.len()) else {
            return false;
        };
        let mut frame = Vec::with_capacity(bytes.len() + 2);
        frame.extend_from_slice(&length.to_be_bytes());
        frame.extend_from_slice(bytes);
        connection.frames.try_send(frame).is_ok()
    }

    /// The connection belongs to a session.
    pub(crate) fn welcome(&self, address: SocketAddr) {
        if let Some(connection) = lock(&self.connections).get_mut(&address) {
            connection.stranger = false;
        }
    }

    /// Ends the connection of somebody who said what no session of ours says.
    pub(crate) fn turn_away(&self, address: SocketAddr) {
        let mut connections = lock(&self.connections);
        if connections
            .get(&address)
            .is_some_and(|connection| connection.stranger)
        {
            connections.remove(&address);
        }
    }
}

fn lock(table: &Table) -> MutexGuard<'_, HashMap<SocketAddr, Connection>> {
    table.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept<Served>(listener: TcpListener, table: Table, serve: impl Fn(Accepted) -> Served)
where
    Served: Future<Output = ()> + Send + 'static,
{
    loop {
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a media connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let source = SocketAddr::new(address.ip().to_canonical(), address.port());
        let mut connections = lock(&table);
        let strangers = connections
            .values()
            .filter(|connection| connection.stranger)
            .count();
        if connections.len() >= CONNECTIONS || strangers >= STRANGERS || stream.set_nodelay(true).is_err() {
            continue;
        }
        let (sender, queue) = mpsc::channel(OUTGOING);
        let connection = Connection {
            frames: sender,
            stranger: true,
        };
        connections.insert(source, connection);
        drop(connections);
        tokio::spawn(serve(Accepted {
            stream,
            entry: Entry(table.clone(), source),
            queue,
        }));
    }
}

/// Where connections wait until their first frame tells which shard they belong to.
pub(crate) struct Hall {
    listener: std::net::TcpListener,
    connections: Table,
    doors: Arc<Doors>,
}

struct Doors {
    steering: Arc<Steering>,
    shards: Vec<mpsc::Sender<Arrival>>,
    figures: Arc<Figures>,
}

impl Hall {
    /// Gives also what each shard gets of it. `figures` count those who belong to nobody.
    pub(crate) fn new(
        listener: std::net::TcpListener,
        steering: Arc<Steering>,
        figures: Arc<Figures>,
    ) -> (Self, Vec<Arrivals>) {
        let connections = Table::default();
        let (shards, arrivals) = (0..steering.shards())
            .map(|_| {
                let (door, arriving) = mpsc::channel(ARRIVING);
                let connections = connections.clone();
                let arrivals = Arrivals {
                    connections,
                    arriving,
                };
                (door, arrivals)
            })
            .unzip();
        let doors = Doors {
            steering,
            shards,
            figures,
        };
        let hall = Self {
            listener,
            connections,
            doors: Arc::new(doors),
        };
        (hall, arrivals)
    }

    /// Takes connections in until it is dropped.
    pub(crate) async fn run(self) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(self.listener)?;
        let doors = self.doors;
        let greet = move |accepted| greet(accepted, doors.clone());
        accept(listener, self.connections, greet).await;
        Ok(())
    }
}

/// Who names nobody here, or says nothing for too long, gets no further.
async fn greet(mut accepted: Accepted, doors: Arc<Doors>) {
    let Ok(Ok(first)) = timeout(FIRST_WITHIN, frame(&mut accepted.stream)).await else {
        return;
    };
    let shard = ufrag_of(&first).and_then(|ufrag| doors.steering.of_ufrag(ufrag));
    let Some(door) = shard.and_then(|shard| doors.shards.get(shard)) else {
        add(&doors.figures.received, 1);
        add(&doors.figures.foreign, 1);
        return;
    };
    let Accepted { stream, entry, queue } = accepted;
    // It was made non-blocking by the one reactor, and stays so for the other.
    let Ok(stream) = stream.into_std() else { return };
    let arrival = Arrival {
        stream,
        entry,
        queue,
        first,
    };
    if door.send(arrival).await.is_err() {
        tracing::debug!("a media connection belongs to a thread that has ended");
    }
}

/// Serves what a hall gives.
async fn take_in(mut arrivals: Arrivals, frames: mpsc::Sender<Frame>) {
    while let Some(arrival) = arrivals.arriving.recv().await {
        let Arrival {
            stream,
            entry,
            queue,
            first,
        } = arrival;
        match TcpStream::from_std(stream) {
            Ok(stream) => {
                let accepted = Accepted { stream, entry, queue };
                tokio::spawn(serve(accepted, Some(first), frames.clone()));
            }
            Err(error) => tracing::warn!(%error, "a media connection could not be taken over"),
        }
    }
}

/// Until either side ends it. `first`: a frame that was read already.
async fn serve(accepted: Accepted, first: Option<Vec<u8>>, frames: mpsc::Sender<Frame>) {
    let Accepted { stream, entry, queue } = accepted;
    let source = entry.1;
    let Ok(local) = stream.local_addr() else {
        return;
    };
    let destination = SocketAddr::new(local.ip().to_canonical(), local.port());
    let (reader, writer) = stream.into_split();
    // Whose sender is gone from the table has nothing to write any more.
    tokio::select! {
        () = read(reader, source, destination, first, frames) => {}
        () = write(writer, queue) => {}
    }
}

async fn read(
    mut reader: OwnedReadHalf,
    source: SocketAddr,
    destination: SocketAddr,
    first: Option<Vec<u8>>,
    frames: mpsc::Sender<Frame>,
) {
    let mut patience = FIRST_WITHIN;
    let mut come = first;
    loop {
        let bytes = match come.take() {
            Some(bytes) => bytes,
            None => match timeout(patience, frame(&mut reader)).await {
                Ok(Ok(bytes)) => bytes,
                _ => return,
            },
        };
        patience = SILENT_FOR;
        let frame = Frame {
            source,
            destination,
            bytes,
        };
        if frames.send(frame).await.is_err() {
            return;
        }
    }
}

async fn frame(reader: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = usize::from(reader.read_u16().await?);
    if length == 0 || length > FRAME {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).await?;
    Ok(bytes)
}

async fn write(mut writer: OwnedWriteHalf, mut queue: mpsc::Receiver<Vec<u8>>) {
    while let Some(frame) = queue.recv().await {
        if !matches!(timeout(SILENT_FOR, writer.write_all(&frame)).await, Ok(Ok(()))) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn start() -> (Tcp, SocketAddr) {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it is bound");
        (Tcp::new(Source::Listener(listener)).expect("a listener"), address)
    }

    #[tokio::test]
    async fn frames_come_whole_and_answers_go_back() {
        let (mut tcp, address) = start();
        let mut client = TcpStream::connect(address).await.expect("it listens");
        // In two parts.
        client.write_all(&[0, 5, b'h', b'e']).await.expect("it is open");
        client
            .write_all(&[b'l', b'l', b'o', 0, 1, b'!'])
            .await
            .expect("it is open");
        let first = tcp.receive().await.expect("a frame");
        assert_eq!(first.bytes, b"hello");
        assert_eq!(tcp.receive().await.expect("a frame").bytes, b"!");
        assert!(tcp.send(first.source, b"back"));
        let mut answer = [0; 6];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"\0\x04back");
    }

    #[tokio::test]
    async fn strangers_are_turned_away_and_long_frames_end_a_connection() {
        let (mut tcp, address) = start();
        let mut client = TcpStream::connect(address).await.expect("it listens");
        client.write_all(&[0, 1, 7]).await.expect("it is open");
        let frame = tcp.receive().await.expect("a frame");
        tcp.turn_away(frame.source);
        assert_eq!(client.read(&mut [0; 8]).await.expect("it is closed"), 0);
        let mut client = TcpStream::connect(address).await.expect("it listens");
        client.write_all(&[0xff, 0xff, 0]).await.expect("it is open");
        assert!(matches!(client.read(&mut [0; 8]).await, Ok(0) | Err(_)));
        assert!(!tcp.send(frame.source, b"x"));
    }

    #[tokio::test]
    async fn who_does_not_read_loses_frames_and_costs_no_more_than_the_queue() {
        let (mut tcp, address) = start();
        let mut client = TcpStream::connect(address).await.expect("it listens");
        client.write_all(&[0, 1, 7]).await.expect("it is open");
        let frame = tcp.receive().await.expect("a frame");
        let mut lost = 0;
        for _ in 0..20_000 {
            lost += usize::from(!tcp.send(frame.source, &[0; 1_200]));
            if lost == 0 {
                tokio::task::yield_now().await;
            }
        }
        assert!(lost > 0);
    }
}
