//! Clients with a socket each, who send at a pace and hear what comes back; and somebody who answers without a relay.

use super::on_clients;
use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use std::{
    net::{Ipv4Addr, SocketAddr, UdpSocket},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How a packet is written for the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Plain,
    /// Behind the head of a channel (RFC 8656 §12.4).
    Channel,
}

/// The channel that each client binds.
pub(super) const CHANNEL: [u8; 2] = [0x40, 0];
/// Where the moment stands at which a packet was sent; before it is a first byte of SRTP.
const MOMENT: std::ops::Range<usize> = 8..16;
const TICK: Duration = Duration::from_millis(1);
/// What is under way may come so much later.
const LINGER: Duration = Duration::from_millis(300);

impl Way {
    fn head(self, bytes: usize) -> Vec<u8> {
        match self {
            Self::Plain => Vec::new(),
            Self::Channel => {
                let length = u16::try_from(bytes).unwrap_or(u16::MAX).to_be_bytes();
                [CHANNEL, length].concat()
            }
        }
    }
}

/// What came of some seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Told {
    pub(super) sent: u64,
    pub(super) came: u64,
    /// There and back.
    pub(super) p50_us: f64,
    pub(super) p99_us: f64,
}

pub(super) struct Clients {
    sockets: Arc<Vec<UdpSocket>>,
    at: SocketAddr,
    head: Vec<u8>,
    bytes: usize,
    processor: usize,
}

impl Clients {
    pub(super) fn new(at: SocketAddr, way: Way, bytes: usize, processor: usize) -> Self {
        Self {
            sockets: Arc::default(),
            at,
            head: way.head(bytes),
            bytes,
            processor,
        }
    }

    /// So many clients, each of whom `open` brings to where its packets pass.
    pub(super) fn open(
        &mut self,
        flows: usize,
        open: impl Fn(&UdpSocket) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let mut sockets = Vec::with_capacity(flows);
        for _ in 0..flows {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            socket.connect(self.at)?;
            socket.set_read_timeout(Some(Duration::from_secs(1)))?;
            open(&socket)?;
            sockets.push(socket);
        }
        self.sockets = Arc::new(sockets);
        Ok(())
    }

    /// Sends so many packets a second by each client for so long.
    pub(super) fn send(&self, packets: u32, length: Duration) -> anyhow::Result<Told> {
        for socket in &*self.sockets {
            socket.set_nonblocking(true)?;
        }
        let began = Instant::now();
        let heard = Arc::new(Heard::default());
        let hears = self.hear(heard.clone(), began)?;
        let sent = Arc::new(AtomicU64::new(0));
        let (sockets, counted) = (self.sockets.clone(), sent.clone());
        let mut packet = self.head.clone();
        packet.resize(self.head.len() + self.bytes, 0);
        let body = self.head.len();
        let a_second = f64::from(packets) * sockets.len() as f64;
        let says = on_clients(self.processor, move || {
            if let Some(first) = packet.get_mut(body) {
                *first = 128;
            }
            let mut next = sockets.iter().cycle();
            while began.elapsed() < length {
                let due = (began.elapsed().as_secs_f64() * a_second) as u64;
                let mut missing = due.saturating_sub(counted.load(Ordering::Relaxed));
                while missing > 0 {
                    let now = began.elapsed().as_nanos() as u64;
                    let place = body + MOMENT.start..body + MOMENT.end;
                    if let Some(place) = packet.get_mut(place) {
                        place.copy_from_slice(&now.to_be_bytes());
                    }
                    let Some(socket) = next.next() else { return };
                    socket.send(&packet).ok();
                    counted.fetch_add(1, Ordering::Relaxed);
                    missing -= 1;
                }
                std::thread::sleep(TICK);
            }
        });
        says.join().ok().context("a thread failed")?;
        std::thread::sleep(LINGER);
        heard.ends.store(true, Ordering::Relaxed);
        hears.join().ok().context("a thread failed")?;
        let times = heard.times.lock().unwrap_or_else(PoisonError::into_inner);
        let times = times.as_ref().context("nothing came back")?;
        ensure!(!times.is_empty(), "nothing came back");
        let micros = |share: f64| times.value_at_quantile(share) as f64 / 1_000.0;
        Ok(Told {
            sent: sent.load(Ordering::Relaxed),
            came: times.len(),
            p50_us: micros(0.5),
            p99_us: micros(0.99),
        })
    }

    fn hear(&self, heard: Arc<Heard>, began: Instant) -> anyhow::Result<JoinHandle<()>> {
        let epoll = Epoll::new(EpollCreateFlags::empty())?;
        for (at, socket) in self.sockets.iter().enumerate() {
            epoll.add(socket, EpollEvent::new(EpollFlags::EPOLLIN, at as u64))?;
        }
        let (sockets, body) = (self.sockets.clone(), self.head.len());
        Ok(on_clients(self.processor, move || {
            let mut times = Histogram::<u64>::new(3).ok();
            let (mut events, mut buffer) = (vec![EpollEvent::empty(); 256], vec![0; 4_096]);
            while !heard.ends.load(Ordering::Relaxed) {
                let ready = epoll.wait(&mut events, EpollTimeout::from(20_u8)).unwrap_or(0);
                for event in events.iter().take(ready) {
                    let Some(socket) = sockets.get(event.data() as usize) else {
                        continue;
                    };
                    while let Ok(length) = socket.recv(&mut buffer) {
                        let now = began.elapsed().as_nanos() as u64;
                        let moment = buffer.get(body + MOMENT.start..(body + MOMENT.end).min(length));
                        let moment = moment
                            .and_then(|moment| moment.try_into().ok())
                            .map(u64::from_be_bytes);
                        if let (Some(times), Some(moment)) = (&mut times, moment) {
                            times.record(now.saturating_sub(moment)).ok();
                        }
                    }
                }
            }
            *heard.times.lock().unwrap_or_else(PoisonError::into_inner) = times;
        }))
    }
}

#[derive(Default)]
struct Heard {
    ends: AtomicBool,
    times: Mutex<Option<Histogram<u64>>>,
}

/// Sends back what it gets, until it is dropped.
pub(super) struct Echo {
    pub(super) at: SocketAddr,
    ends: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    pub(super) fn start(processor: usize) -> anyhow::Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
        socket.set_read_timeout(Some(Duration::from_millis(50)))?;
        let (at, ends) = (socket.local_addr()?, Arc::new(AtomicBool::new(false)));
        let over = ends.clone();
        let thread = on_clients(processor, move || {
            let mut buffer = vec![0; 4_096];
            while !over.load(Ordering::Relaxed) {
                if let Ok((length, from)) = socket.recv_from(&mut buffer) {
                    let came = buffer.get(..length).unwrap_or_default();
                    socket.send_to(came, from).ok();
                }
            }
        });
        Ok(Self {
            at,
            ends,
            thread: Some(thread),
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
