//! Media over TCP (RFC 6544, framed by RFC 4571), for networks that let no UDP through.
//!
//! Each connection is a task that reads and one that writes, on the thread of the shard that it belongs to. What does not
//! fit into the queue of a connection is lost, as datagrams are: media that waits is of no use.
//!
//! Where there are several shards, a [`Hall`] reads the first frame of a connection, which names a peer, and gives the
//! connection to the shard of that peer. So do the [`Doors`] with connections that come by another way than a port.

use crate::{
    figures::{Figures, add},
    steering::Steering,
};
use plenary_stun::ufrag_of;
use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::timeout,
};
use tokio_util::either::Either;

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

/// What carries the bytes of a connection that comes by no socket of ours.
pub(crate) trait Carriage: AsyncRead + AsyncWrite + Send + Unpin {}

impl<Bytes: AsyncRead + AsyncWrite + Send + Unpin> Carriage for Bytes {}

type Carried = Box<dyn Carriage>;

/// A connection that somebody reads from and writes to.
struct Accepted {
    stream: Either<TcpStream, Carried>,
    /// The address of ours that they have connected to.
    at: SocketAddr,
    entry: Entry,
    /// What is to be written.
    queue: mpsc::Receiver<Vec<u8>>,
}

/// Where the connections of a shard come from.
pub(crate) struct Source {
    /// It is the only one, and takes them in itself.
    pub(crate) listener: Option<std::net::TcpListener>,
    pub(crate) arrivals: Arrivals,
}

/// The connections that [`Doors`] give to a shard.
pub(crate) struct Arrivals {
    connections: Table,
    arriving: mpsc::Receiver<Arrival>,
}

/// One of them, and its first frame.
struct Arrival {
    stream: Either<std::net::TcpStream, Carried>,
    at: SocketAddr,
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
        let Source { listener, arrivals } = source;
        let connections = arrivals.connections.clone();
        tokio::spawn(take_in(arrivals, frames.clone()));
        if let Some(listener) = listener {
            listener.set_nonblocking(true)?;
            let listener = TcpListener::from_std(listener)?;
            let serve = move |accepted| serve(accepted, None, frames.clone());
            tokio::spawn(accept(listener, connections.clone(), serve));
        }
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
        let Ok(local) = stream.set_nodelay(true).and_then(|()| stream.local_addr()) else {
            continue;
        };
        if let Some(accepted) = enter(&table, Either::Left(stream), address, local) {
            tokio::spawn(serve(accepted));
        }
    }
}

/// A place in the table; `None` where there is none.
fn enter(
    table: &Table,
    stream: Either<TcpStream, Carried>,
    from: SocketAddr,
    at: SocketAddr,
) -> Option<Accepted> {
    let canonical = |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let source = canonical(from);
    let mut connections = lock(table);
    let strangers = connections
        .values()
        .filter(|connection| connection.stranger)
        .count();
    if connections.len() >= CONNECTIONS || strangers >= STRANGERS || connections.contains_key(&source) {
        return None;
    }
    let (sender, queue) = mpsc::channel(OUTGOING);
    let connection = Connection {
        frames: sender,
        stranger: true,
    };
    connections.insert(source, connection);
    drop(connections);
    Some(Accepted {
        stream,
        at: canonical(at),
        entry: Entry(table.clone(), source),
        queue,
    })
}

/// Where connections wait until their first frame tells which shard they belong to.
pub(crate) struct Hall {
    pub(crate) listener: std::net::TcpListener,
    pub(crate) doors: Arc<Doors>,
}

/// The ways to all shards.
pub(crate) struct Doors {
    connections: Table,
    steering: Arc<Steering>,
    shards: Vec<mpsc::Sender<Arrival>>,
    figures: Arc<Figures>,
}

impl Doors {
    /// Gives also the end of each shard. `figures` count those who belong to nobody.
    pub(crate) fn new(steering: Arc<Steering>, figures: Arc<Figures>) -> (Arc<Self>, Vec<Arrivals>) {
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
        let doors = Self {
            connections,
            steering,
            shards,
            figures,
        };
        (Arc::new(doors), arrivals)
    }

    /// Serves a connection that came to `at` by another way than a port of ours, until either side ends it.
    pub(crate) async fn take(
        self: Arc<Self>,
        stream: impl Carriage + 'static,
        from: SocketAddr,
        at: SocketAddr,
    ) {
        if let Some(accepted) = enter(&self.connections, Either::Right(Box::new(stream)), from, at) {
            greet(accepted, self).await;
        }
    }
}

impl Hall {
    /// Takes connections in until it is dropped.
    pub(crate) async fn run(self) -> io::Result<()> {
        self.listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(self.listener)?;
        let (doors, connections) = (self.doors.clone(), self.doors.connections.clone());
        let greet = move |accepted| greet(accepted, doors.clone());
        accept(listener, connections, greet).await;
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
    let Accepted {
        stream,
        at,
        entry,
        queue,
    } = accepted;
    let stream = match stream {
        // It was made non-blocking by the one reactor, and stays so for the other.
        Either::Left(socket) => match socket.into_std() {
            Ok(socket) => Either::Left(socket),
            Err(_) => return,
        },
        Either::Right(carried) => Either::Right(carried),
    };
    let arrival = Arrival {
        stream,
        at,
        entry,
        queue,
        first,
    };
    if door.send(arrival).await.is_err() {
        tracing::debug!("a media connection belongs to a thread that has ended");
    }
}

/// Serves what doors give.
async fn take_in(mut arrivals: Arrivals, frames: mpsc::Sender<Frame>) {
    while let Some(arrival) = arrivals.arriving.recv().await {
        let Arrival {
            stream,
            at,
            entry,
            queue,
            first,
        } = arrival;
        let stream = match stream {
            Either::Left(socket) => match TcpStream::from_std(socket) {
                Ok(socket) => Either::Left(socket),
                Err(error) => {
                    tracing::warn!(%error, "a media connection could not be taken over");
                    continue;
                }
            },
            Either::Right(carried) => Either::Right(carried),
        };
        let accepted = Accepted {
            stream,
            at,
            entry,
            queue,
        };
        tokio::spawn(serve(accepted, Some(first), frames.clone()));
    }
}

/// Until either side ends it. `first`: a frame that was read already.
async fn serve(accepted: Accepted, first: Option<Vec<u8>>, frames: mpsc::Sender<Frame>) {
    let Accepted {
        stream,
        at,
        entry,
        queue,
    } = accepted;
    let from = entry.1;
    match stream {
        Either::Left(socket) => {
            let (reader, writer) = socket.into_split();
            talk(reader, writer, queue, (from, at), first, frames).await;
        }
        Either::Right(carried) => {
            let (reader, writer) = tokio::io::split(carried);
            talk(reader, writer, queue, (from, at), first, frames).await;
        }
    }
}

async fn talk(
    reader: impl AsyncRead + Unpin,
    writer: impl AsyncWrite + Unpin,
    queue: mpsc::Receiver<Vec<u8>>,
    (from, at): (SocketAddr, SocketAddr),
    first: Option<Vec<u8>>,
    frames: mpsc::Sender<Frame>,
) {
    // Whose sender is gone from the table has nothing to write any more.
    tokio::select! {
        () = read(reader, from, at, first, frames) => {}
        () = write(writer, queue) => {}
    }
}

async fn read(
    mut reader: impl AsyncRead + Unpin,
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

async fn write(mut writer: impl AsyncWrite + Unpin, mut queue: mpsc::Receiver<Vec<u8>>) {
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
        let (_, mut arrivals) = doors();
        let source = Source {
            listener: Some(listener),
            arrivals: arrivals.remove(0),
        };
        (Tcp::new(source).expect("a listener"), address)
    }

    fn doors() -> (Arc<Doors>, Vec<Arrivals>) {
        Doors::new(Arc::new(Steering::new(1)), Arc::default())
    }

    /// A binding request for a name.
    fn asks(name: &str) -> Vec<u8> {
        let user = format!("{name}:them");
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        message.extend([7; 12]);
        message.extend([0, 6, 0, u8::try_from(user.len()).expect("short")]);
        message.extend(user.as_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        let length = u16::try_from(message.len()).expect("short");
        [&length.to_be_bytes()[..], &message].concat()
    }

    #[tokio::test]
    async fn what_is_carried_is_served_as_what_comes_to_the_port_if_it_asks_for_a_name_of_ours() {
        let (doors, mut arrivals) = doors();
        let place = crate::steering::Place {
            me: 0,
            steering: doors.steering.clone(),
        };
        place.name("ours");
        let source = Source {
            listener: None,
            arrivals: arrivals.remove(0),
        };
        let mut tcp = Tcp::new(source).expect("no socket is needed");
        let (from, at): (SocketAddr, SocketAddr) =
            (([192, 0, 2, 1], 9).into(), ([203, 0, 113, 7], 443).into());
        let (mut client, near) = tokio::io::duplex(4_096);
        tokio::spawn(doors.clone().take(near, from, at));
        client.write_all(&asks("ours")).await.expect("it is open");
        let frame = tcp.receive().await.expect("a frame");
        assert_eq!((frame.source, frame.destination), (from, at));
        assert!(tcp.send(from, b"back"));
        let mut answer = [0; 6];
        client.read_exact(&mut answer).await.expect("an answer");
        assert_eq!(&answer, b"\0\x04back");
        let (mut stranger, near) = tokio::io::duplex(4_096);
        tokio::spawn(doors.take(near, ([192, 0, 2, 1], 10).into(), at));
        stranger.write_all(&asks("none")).await.expect("it is open");
        assert_eq!(stranger.read(&mut [0; 8]).await.expect("it is closed"), 0);
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
