//! One connection, from its beginning to its end: drives a [`Link`] with a clock and QUIC.

use crate::{
    cascade::Event,
    codec::{self, FrameError, Frames, GREETING},
    doors::Close,
    figures::{add, set},
    outbox::{Outbox, Waiting},
    proof::{Proof, Step},
    standing::Standing,
    tls::DATAGRAM_BUFFER,
};
use bytes::Bytes;
use futures::FutureExt as _;
use plenary_cascade::{Control, Figures, Incoming, Link, Path, Priority, Stats};
use plenary_model::NodeId;
use quinn::{Connection, ConnectionError, ReadError, RecvStream, SendStream};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// What waits in QUIC leaves within this time at the link's rate: audio waits no longer behind video there.
const BUFFER_US: u64 = 2_000;
/// While QUIC takes nothing more, it is asked again this often.
const RETRY_US: u64 = 1_000;
/// How often the transport is asked how the way is, while something happens.
const PATH_US: u64 = 20_000;
const STATS_US: u64 = 1_000_000;
/// Datagrams taken at once, before anything else has its turn.
const BATCH: usize = 64;
/// Messages that QUIC has not taken, in bytes: a node that reads so little begins anew.
const UNSENT: usize = 4 << 20;
/// How long the other side may take to let us in.
const LET_IN: Duration = Duration::from_secs(2);
/// Datagrams hold for stream frames no longer than this.
const HOLD_US: u64 = 50_000;

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum End {
    /// The other end is not needed any more, or this node stops.
    Stopped,
    /// A newer connection is there.
    Replaced,
    /// We close it.
    Closed(Close),
    Lost(ConnectionError),
}

impl From<ConnectionError> for End {
    fn from(error: ConnectionError) -> Self {
        Self::Lost(error)
    }
}

/// The control streams, ours and theirs.
struct Streams {
    outgoing: SendStream,
    incoming: RecvStream,
}

pub(crate) struct Driver<'a, S> {
    events: &'a mpsc::Sender<Event>,
    node: NodeId,
    connection: Connection,
    standing: &'a mut S,
    outbox: &'a Arc<Outbox>,
    link: Link,
    begin: Instant,
    waiting: Waiting,
    /// Messages that QUIC has not taken yet.
    unsent: Vec<u8>,
    frames: Frames,
    /// What was counted when it was told last.
    told: Figures,
    path_us: u64,
    stats_us: u64,
    /// How much may wait in QUIC.
    buffer: usize,
    blocked: bool,
    /// QUIC writes datagrams before stream frames. In overload they hold until so many stream frames have left, or
    /// that time has come.
    hold: Option<(u64, u64)>,
    proof: Proof,
    scratch: Vec<u8>,
}

impl<'a, S: Standing> Driver<'a, S> {
    pub(crate) fn new(
        events: &'a mpsc::Sender<Event>,
        node: NodeId,
        connection: &Connection,
        standing: &'a mut S,
        outbox: &'a Arc<Outbox>,
    ) -> Self {
        Self {
            events,
            node,
            connection: connection.clone(),
            standing,
            outbox,
            link: Link::default(),
            begin: Instant::now(),
            waiting: Waiting::default(),
            unsent: Vec::new(),
            frames: Frames::default(),
            told: Figures::default(),
            path_us: 0,
            stats_us: STATS_US,
            buffer: 0,
            blocked: false,
            hold: None,
            proof: Proof::default(),
            scratch: Vec::new(),
        }
    }

    /// Says `Up` once the other side has let us in, and `Down` at the end.
    pub(crate) async fn run(mut self) -> End {
        let streams = tokio::select! {
            streams = tokio::time::timeout(LET_IN, open(&self.connection)) => streams,
            end = self.standing.over() => return end,
        };
        let streams = match streams {
            Ok(Ok(streams)) => streams,
            Ok(Err(end)) => return end,
            Err(_) => return End::Closed(Close::Protocol),
        };
        self.outbox.set_up(true);
        add(&self.outbox.figures.connections, 1);
        set(&self.outbox.figures.up, 1);
        let end = if self.events.send(Event::Up(self.node)).await.is_ok() {
            self.drive(streams).await
        } else {
            End::Stopped
        };
        self.outbox.set_up(false);
        set(&self.outbox.figures.up, 0);
        self.count();
        // Nobody listens any more where the node stops.
        self.events.send(Event::Down(self.node)).await.ok();
        end
    }

    async fn drive(&mut self, streams: Streams) -> End {
        let Streams {
            mut outgoing,
            mut incoming,
        } = streams;
        let connection = self.connection.clone();
        let outbox = self.outbox.clone();
        let sleep = tokio::time::sleep(Duration::ZERO);
        tokio::pin!(sleep);
        loop {
            if let Err(end) = self.work() {
                return end;
            }
            sleep.as_mut().reset(self.wake().into());
            let event = tokio::select! {
                biased;
                end = self.standing.over() => return end,
                written = outgoing.write(&self.unsent), if !self.unsent.is_empty() => match written {
                    Ok(bytes) => self.wrote(bytes),
                    Err(_) => Err(End::Closed(Close::Protocol)),
                },
                chunk = incoming.read_chunk(codec::MESSAGE, true) => match chunk {
                    Ok(Some(chunk)) => self.messages(&chunk.bytes).await,
                    Ok(None) | Err(ReadError::Reset(_)) => Err(End::Closed(Close::Protocol)),
                    Err(_) => Err(End::Lost(connection.closed().await)),
                },
                () = outbox.filled() => Ok(()),
                () = outbox.doubted() => {
                    self.proof.doubt(self.now_us(), rtt_us(&connection));
                    Ok(())
                }
                datagram = connection.read_datagram() => match datagram {
                    Ok(datagram) => self.datagrams(datagram).await,
                    Err(error) => Err(End::Lost(error)),
                },
                () = sleep.as_mut() => Ok(()),
            };
            if let Err(end) = event {
                return end;
            }
        }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.begin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Takes what waits in the outbox and gives QUIC as much as it is to have.
    fn work(&mut self) -> Result<(), End> {
        let now_us = self.now_us();
        if now_us >= self.path_us {
            self.look(now_us);
        }
        self.outbox.swap(&mut self.waiting);
        if self.waiting.overrun {
            return Err(End::Closed(Close::Protocol));
        }
        for (lane, priority) in
            self.waiting
                .packets
                .iter_mut()
                .zip([Priority::Audio, Priority::Content, Priority::Video])
        {
            for (stream, packet) in lane.drain(..) {
                self.link.handle_packet(now_us, stream, priority, packet);
            }
        }
        for message in self.waiting.messages.drain(..) {
            codec::write_frame(&message, &mut self.unsent);
        }
        for message in std::mem::take(&mut self.waiting.fleeting).into_values() {
            self.link.handle_message(codec::encode(&message));
        }
        if self.unsent.len() > UNSENT {
            return Err(End::Closed(Close::Protocol));
        }
        if now_us >= self.stats_us {
            self.stats_us = now_us + STATS_US;
            self.tell_stats();
        }
        self.prove(now_us)?;
        self.link.handle_timeout(now_us);
        self.transmit(now_us);
        Ok(())
    }

    /// Whether the other side is there, where that is in doubt.
    fn prove(&mut self, now_us: u64) -> Result<(), End> {
        if self.proof.due().is_none() {
            return Ok(());
        }
        let heard = self.connection.stats().udp_rx.datagrams;
        match self.proof.look(now_us, heard) {
            Step::Nothing => {}
            Step::Ask => self.tell_stats(),
            Step::Gone => return Err(End::Lost(ConnectionError::TimedOut)),
        }
        Ok(())
    }

    /// Asks the transport how the way is.
    fn look(&mut self, now_us: u64) {
        self.path_us = now_us + PATH_US;
        let path = self.connection.stats().path;
        let rtt_us = rtt_us(&self.connection);
        let bytes_per_s = path.cwnd.saturating_mul(1_000_000) / rtt_us;
        let bytes_per_s = self
            .standing
            .bytes_per_s()
            .map_or(bytes_per_s, |most| most.min(bytes_per_s));
        self.link.handle_path(now_us, Path { rtt_us, bytes_per_s });
        let buffer = usize::try_from(bytes_per_s.saturating_mul(BUFFER_US) / 1_000_000);
        let least = 2 * usize::from(path.current_mtu);
        self.buffer = buffer.unwrap_or(usize::MAX).clamp(least, DATAGRAM_BUFFER);
        let figures = &self.outbox.figures;
        set(&figures.rtt_us, rtt_us);
        set(&figures.rate, bytes_per_s);
        let largest = self.connection.max_datagram_size().unwrap_or_default();
        set(&figures.max_datagram, largest as u64);
        self.count();
    }

    fn count(&mut self) {
        let now = self.link.figures();
        self.outbox.figures.count(&self.told, &now);
        self.told = now;
    }

    fn tell_stats(&mut self) {
        let received = self.link.figures().received;
        let stats = Control::Stats(Stats {
            packets: received.packets,
            lost: received.lost,
            repaired: received.repaired,
        });
        self.link.handle_message(codec::encode(&stats));
    }

    fn transmit(&mut self, now_us: u64) {
        if self.holds(now_us) {
            return;
        }
        let Some(max) = self.connection.max_datagram_size() else {
            return;
        };
        let space = self.connection.datagram_send_buffer_space();
        let mut buffered = DATAGRAM_BUFFER.saturating_sub(space);
        self.blocked = false;
        loop {
            let full = buffered.saturating_add(max) > self.buffer.max(max) && buffered > 0;
            if full || !self.standing.may_send() {
                self.blocked = self.link.is_waiting();
                return;
            }
            self.scratch.clear();
            if !self.link.poll_transmit(now_us, max, &mut self.scratch) {
                return;
            }
            buffered += self.scratch.len();
            self.standing.sent(self.scratch.len());
            // Lost between two looks at the way: it is asked for again.
            drop(
                self.connection
                    .send_datagram(Bytes::copy_from_slice(&self.scratch)),
            );
        }
    }

    fn holds(&mut self, now_us: u64) -> bool {
        let Some((frames, until_us)) = self.hold else {
            return false;
        };
        let holds = now_us < until_us && self.connection.stats().frame_tx.stream <= frames;
        if !holds {
            self.hold = None;
        }
        holds
    }

    fn wrote(&mut self, bytes: usize) -> Result<(), End> {
        if self.blocked {
            let frames = self.connection.stats().frame_tx.stream;
            self.hold = Some((frames, self.now_us() + HOLD_US));
        }
        self.unsent.drain(..bytes);
        Ok(())
    }

    /// When there is something to do even if nothing happens.
    fn wake(&self) -> Instant {
        let now_us = self.now_us();
        let retry = (self.blocked || self.hold.is_some()).then_some(now_us + RETRY_US);
        let due = [
            retry,
            self.link.poll_timeout(),
            self.proof.due(),
            Some(self.stats_us),
        ];
        let due_us = due.into_iter().flatten().min().unwrap_or(self.stats_us);
        self.begin + Duration::from_micros(due_us)
    }

    /// Takes a datagram and those that are there already.
    async fn datagrams(&mut self, first: Bytes) -> Result<(), End> {
        let mut next = Some(first);
        let mut taken = 0;
        while let Some(datagram) = next.take() {
            let now_us = self.now_us();
            let bears = self.standing.bears(now_us, datagram.len());
            let incoming = if bears {
                self.link.handle_datagram(now_us, &datagram)
            } else {
                add(&self.outbox.figures.unread, 1);
                Incoming::Nothing
            };
            let message = match incoming {
                Incoming::Packet(stream, packet) => {
                    let event = Event::Packet(self.node, stream, packet);
                    match self.events.try_send(event) {
                        Ok(()) => {}
                        Err(mpsc::error::TrySendError::Full(_)) => add(&self.outbox.figures.unread, 1),
                        Err(mpsc::error::TrySendError::Closed(_)) => return Err(End::Stopped),
                    }
                    None
                }
                Incoming::Message(bytes) => Some(bytes.to_vec()),
                Incoming::Nothing => None,
            };
            if let Some(message) = message {
                self.message(&message, true).await?;
            }
            taken += 1;
            if taken < BATCH {
                next = match self.connection.read_datagram().now_or_never() {
                    Some(Ok(datagram)) => Some(datagram),
                    Some(Err(error)) => return Err(End::Lost(error)),
                    None => None,
                };
            }
        }
        Ok(())
    }

    async fn messages(&mut self, bytes: &[u8]) -> Result<(), End> {
        let messages = match self.frames.take(bytes) {
            Ok(messages) => messages,
            Err(error @ (FrameError::Greeting(_) | FrameError::TooLong(_))) => {
                tracing::warn!(node = %self.node, %error, "a link of the cascade is closed");
                return Err(End::Closed(Close::Protocol));
            }
        };
        if !self.standing.hears(self.now_us(), messages.len()) {
            tracing::warn!(node = %self.node, "a link of the cascade is closed: too many messages");
            return Err(End::Closed(Close::TooFast));
        }
        for message in messages {
            self.message(&message, false).await?;
        }
        Ok(())
    }

    /// What cannot be read may be of a newer version: it is left out.
    async fn message(&mut self, bytes: &[u8], fleeting: bool) -> Result<(), End> {
        let mut message = match codec::decode(bytes) {
            Ok(message) if message.is_fleeting() == fleeting => message,
            Ok(_) => {
                add(&self.outbox.figures.garbage, 1);
                return Ok(());
            }
            Err(error) => {
                tracing::debug!(node = %self.node, %error, "a message of the cascade is left out");
                add(&self.outbox.figures.garbage, 1);
                return Ok(());
            }
        };
        if !self.standing.take(&mut message) {
            add(&self.outbox.figures.garbage, 1);
            return Ok(());
        }
        if let Control::Stats(stats) = &message {
            set(&self.outbox.figures.lost_there, stats.lost);
        }
        let sent = self.events.send(Event::Message(self.node, message)).await;
        sent.map_err(|_| End::Stopped)
    }
}

/// At least 1.
fn rtt_us(connection: &Connection) -> u64 {
    u64::try_from(connection.rtt().as_micros())
        .unwrap_or(u64::MAX)
        .max(1)
}

/// Both sides open a stream and greet. Who dialled learns by the greeting that it was let in.
async fn open(connection: &Connection) -> Result<Streams, End> {
    let mut outgoing = connection.open_uni().await?;
    if outgoing.write_all(&[GREETING]).await.is_err() {
        return Err(End::Lost(connection.closed().await));
    }
    let incoming = connection.accept_uni().await?;
    Ok(Streams { outgoing, incoming })
}
