//! Media over TCP (RFC 6544, framed by RFC 4571), for networks that let no UDP through.
//!
//! Each connection is a task that reads and one that writes, on the media thread. What does not fit into the queue of a
//! connection is lost, as datagrams are: media that waits is of no use.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
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

/// All connections of a node.
pub(crate) struct Tcp {
    incoming: mpsc::Receiver<Frame>,
    connections: Table,
}

impl Tcp {
    /// To be called within the runtime of the media thread.
    pub(crate) fn new(listener: std::net::TcpListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (frames, incoming) = mpsc::channel(INCOMING);
        let connections = Table::default();
        tokio::spawn(accept(listener, connections.clone(), frames));
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

async fn accept(listener: TcpListener, table: Table, frames: mpsc::Sender<Frame>) {
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
        tokio::spawn(serve(stream, source, table.clone(), frames.clone(), queue));
    }
}

/// Until either side ends it.
async fn serve(
    stream: TcpStream,
    source: SocketAddr,
    table: Table,
    frames: mpsc::Sender<Frame>,
    queue: mpsc::Receiver<Vec<u8>>,
) {
    let Ok(local) = stream.local_addr() else {
        lock(&table).remove(&source);
        return;
    };
    let destination = SocketAddr::new(local.ip().to_canonical(), local.port());
    let (reader, writer) = stream.into_split();
    // Whose sender is gone from the table has nothing to write any more.
    tokio::select! {
        () = read(reader, source, destination, frames) => {}
        () = write(writer, queue) => {}
    }
    lock(&table).remove(&source);
}

async fn read(
    mut reader: OwnedReadHalf,
    source: SocketAddr,
    destination: SocketAddr,
    frames: mpsc::Sender<Frame>,
) {
    let mut patience = FIRST_WITHIN;
    loop {
        let Ok(Ok(bytes)) = timeout(patience, frame(&mut reader)).await else {
            return;
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

async fn frame(reader: &mut OwnedReadHalf) -> io::Result<Vec<u8>> {
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
        (Tcp::new(listener).expect("a listener"), address)
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
