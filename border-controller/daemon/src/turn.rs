//! TURN over TLS (RFC 8656) at the port for the web, by a name of its own: the last way of media out of networks that let nothing else
//! through. What comes by it goes on as media by UDP do, from an address that stands for the client.

use crate::{
    config,
    media::{Media, Relayed},
    running::Running,
};
use anyhow::Context as _;
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use bytes::{Buf as _, Bytes, BytesMut};
use plenary_border::{
    Flows, HostName,
    turn::{Framed, Heard, LONGEST, Relay, framed},
};
use plenary_border_client::{media::Framer, turn::Turn as Offer};
use plenary_identity::WebTls;
use std::{
    io::{self, Cursor},
    net::{IpAddr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::TcpStream,
    sync::mpsc,
    time::timeout,
};
use tokio_rustls::TlsAcceptor;

/// Who has no allocation after this wants none.
const ALLOCATES_WITHIN: Duration = Duration::from_secs(10);
/// Messages of somebody without one.
const PATIENCE: u32 = 16;
/// How often it is looked whose allocation is over.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// Datagrams for a client that are written at once.
const AT_ONCE: usize = 32;

/// TURN at this controller.
pub(crate) struct Turn {
    offer: Offer,
    tls: WebTls,
    pub(crate) counts: Counts,
}

/// Counted since the program began; the first two at this moment.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) clients: AtomicU64,
    pub(crate) allocations: AtomicU64,
    /// Datagrams for others than this controller.
    pub(crate) elsewhere: AtomicU64,
    /// Who got no allocation.
    pub(crate) refused: AtomicU64,
}

impl Turn {
    /// With a secret of its own; `None` where it is not set up. `web`: where it listens for the web.
    pub(crate) fn load(config: &config::Turn, web: SocketAddr) -> anyhow::Result<Option<Self>> {
        if !config.is_on() {
            return Ok(None);
        }
        let name: HostName = config.name.parse().context("turn.name")?;
        let tls = WebTls::from_files(&config.certificate, &config.key);
        let tls = tls.context("the certificate of [turn] cannot be used")?;
        let mut secret = [0; 32];
        SystemRandom::new()
            .fill(&mut secret)
            .ok()
            .context("this machine gives no random numbers")?;
        Ok(Some(Self {
            offer: Offer::new(name, web.port(), secret),
            tls,
            counts: Counts::default(),
        }))
    }

    /// What nodes are told.
    pub(crate) fn offer(&self) -> &Offer {
        &self.offer
    }

    pub(crate) fn is_called(&self, name: &HostName) -> bool {
        self.offer.name == *name
    }

    /// Reads the certificate again if it changed.
    pub(crate) fn look_at_files(&self) {
        match self.tls.renew_if_due(SystemTime::now()) {
            Ok(true) => tracing::info!("the certificate of [turn] was read again"),
            Ok(false) => {}
            Err(error) => {
                tracing::warn!(%error, "the certificate of [turn] cannot be read; the one before is shown")
            }
        }
    }

    pub(crate) fn has_certificate_for_its_name(&self) -> bool {
        self.tls.is_for(self.offer.name.as_str())
    }

    pub(crate) fn until(&self) -> Option<SystemTime> {
        self.tls.until().ok()
    }
}

/// Counts somebody for as long as they are there.
struct Counted<'a>(&'a AtomicU64);

impl<'a> Counted<'a> {
    fn new(counter: &'a AtomicU64) -> Self {
        counter.fetch_add(1, Ordering::Relaxed);
        Self(counter)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Serves a client until either side ends it; `said` was read of its stream already.
pub(crate) async fn serve(
    running: &Arc<Running>,
    turn: &Turn,
    (socket, said): (TcpStream, Vec<u8>),
    from: SocketAddr,
) {
    let _counted = Counted::new(&turn.counts.clients);
    if let Err(error) = talk(running, turn, (socket, said), from).await {
        tracing::debug!(%from, %error, "a client by TURN");
    }
}

async fn talk(
    running: &Arc<Running>,
    turn: &Turn,
    (socket, said): (TcpStream, Vec<u8>),
    from: SocketAddr,
) -> io::Result<()> {
    let here = socket.local_addr()?;
    let (read, write) = socket.into_split();
    let stream = tokio::io::join(tokio::io::AsyncReadExt::chain(Cursor::new(said), read), write);
    let accepting = TlsAcceptor::from(turn.tls.server_config()).accept(stream);
    let stream = timeout(running.limits.hello_within(), accepting).await??;
    let media = running.media.clone();
    let users = turn.offer.users(SystemTime::now());
    let relay = Relay::new(
        turn.offer.name.as_str(),
        (here, from),
        media.addresses().to_vec(),
        users,
        Instant::now(),
    );
    let client = Client {
        relay,
        media,
        turn,
        relayed: Vec::new(),
        leaving: Vec::new(),
        framer: Framer::default(),
        heard: 0,
    };
    client.serve(stream, running, from).await
}

/// A relayed address, and what is for it.
struct Allocation<'a> {
    relayed: Relayed,
    coming: mpsc::Receiver<Bytes>,
    _counted: Counted<'a>,
}

struct Client<'a> {
    relay: Relay,
    media: Arc<Media<Flows>>,
    turn: &'a Turn,
    /// One of each family at most.
    relayed: Vec<Allocation<'a>>,
    /// To be written to the stream.
    leaving: Vec<u8>,
    framer: Framer,
    /// Messages without an allocation.
    heard: u32,
}

impl Client<'_> {
    async fn serve(
        mut self,
        mut stream: impl AsyncRead + AsyncWrite + Unpin,
        running: &Running,
        from: SocketAddr,
    ) -> io::Result<()> {
        let began = Instant::now();
        let idle = Duration::from_secs(running.limits.idle_s);
        let stalled = Duration::from_secs(running.limits.stalled_s);
        let mut heard = began;
        let mut came = BytesMut::with_capacity(2 * LONGEST);
        let mut looks = tokio::time::interval(LOOK_EVERY);
        loop {
            tokio::select! {
                read = stream.read_buf(&mut came) => {
                    if read? == 0 {
                        return stream.shutdown().await;
                    }
                    heard = Instant::now();
                    self.hear(&mut came)?;
                }
                (at, datagram) = next(&mut self.relayed) => self.tell(at, &datagram),
                _ = looks.tick() => {
                    if running.gate.is_denied(from.ip()) {
                        return stream.shutdown().await;
                    }
                    self.poll();
                }
            }
            if !self.leaving.is_empty() {
                timeout(stalled, stream.write_all(&self.leaving)).await??;
                // TLS keeps what the socket had no room for.
                timeout(stalled, stream.flush()).await??;
                self.leaving.clear();
            }
            let wants_none =
                self.relayed.is_empty() && (began.elapsed() >= ALLOCATES_WITHIN || self.heard > PATIENCE);
            if wants_none || heard.elapsed() >= idle {
                self.turn
                    .counts
                    .refused
                    .fetch_add(u64::from(wants_none), Ordering::Relaxed);
                return stream.shutdown().await;
            }
        }
    }

    /// All whole messages that came.
    fn hear(&mut self, came: &mut BytesMut) -> io::Result<()> {
        loop {
            let next = framed(came).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
            let Framed::Whole { message, taken } = next else {
                came.reserve(LONGEST);
                return Ok(());
            };
            let first = came.get(..message).unwrap_or_default();
            match self.relay.hear(first, Instant::now()) {
                Heard::Answer(answer) => self.leaving.extend(answer),
                Heard::Media { relayed, bytes } => self.media.bring(relayed, &bytes, &mut self.framer),
                Heard::Elsewhere => drop(self.turn.counts.elsewhere.fetch_add(1, Ordering::Relaxed)),
                Heard::Nothing => {}
            }
            came.advance(taken);
            if self.relayed.is_empty() {
                self.heard += 1;
                self.poll();
            }
        }
    }

    /// A datagram for one of its addresses, and those behind it.
    fn tell(&mut self, at: usize, first: &Bytes) {
        let Some(allocation) = self.relayed.get_mut(at) else {
            return;
        };
        let now = Instant::now();
        let more = std::iter::from_fn(|| allocation.coming.try_recv().ok());
        for datagram in std::iter::once(first.clone()).chain(more).take(AT_ONCE) {
            let told = self.relay.tell(allocation.relayed.address, &datagram, now);
            self.leaving.extend(told.into_iter().flatten());
        }
    }

    fn poll(&mut self) {
        let Self {
            relay,
            media,
            turn,
            relayed,
            ..
        } = self;
        let counts = &turn.counts;
        let mut given = Vec::new();
        let give = |beside: IpAddr| {
            let (one, coming) = media.relay(beside)?;
            let address = one.address;
            given.push(Allocation {
                relayed: one,
                coming,
                _counted: Counted::new(&counts.allocations),
            });
            Some(address)
        };
        let mut over = Vec::new();
        let leaving = relay.poll(Instant::now(), give, |address| over.push(address));
        relayed.extend(given);
        relayed.retain(|one| !over.contains(&one.relayed.address));
        self.leaving.extend(leaving.into_iter().flatten());
    }
}

/// The next datagram for one of them.
async fn next(all: &mut [Allocation<'_>]) -> (usize, Bytes) {
    std::future::poll_fn(|context| {
        for (at, one) in all.iter_mut().enumerate() {
            if let std::task::Poll::Ready(Some(datagram)) = one.coming.poll_recv(context) {
                return std::task::Poll::Ready((at, datagram));
            }
        }
        std::task::Poll::Pending
    })
    .await
}
