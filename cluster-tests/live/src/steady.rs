//! Whether this machine itself stood still: a stream of datagrams on loopback, twenty milliseconds apart.

use anyhow::Context as _;
use std::{
    net::UdpSocket,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

const EVERY: Duration = Duration::from_millis(20);
/// A stream whose datagrams come later than this after each other stutters.
const STUTTER: Duration = Duration::from_millis(150);

pub(crate) struct Steady {
    ended: Arc<AtomicBool>,
    sender: JoinHandle<()>,
    receiver: JoinHandle<Duration>,
}

impl Steady {
    pub(crate) fn begin() -> anyhow::Result<Self> {
        let inward = UdpSocket::bind("127.0.0.1:0")?;
        let outward = UdpSocket::bind("127.0.0.1:0")?;
        outward.connect(inward.local_addr()?)?;
        inward.set_read_timeout(Some(EVERY))?;
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        let sender = std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                // What is not sent is missed by the receiver.
                outward.send(b"steady").ok();
                std::thread::sleep(EVERY);
            }
        });
        let over = Arc::clone(&ended);
        let receiver = std::thread::spawn(move || {
            let (mut last, mut longest, mut buffer) = (Instant::now(), Duration::ZERO, [0; 16]);
            while !over.load(Ordering::Relaxed) {
                if inward.recv(&mut buffer).is_ok() {
                    longest = longest.max(last.elapsed());
                    last = Instant::now();
                }
            }
            longest.max(last.elapsed())
        });
        Ok(Self {
            ended,
            sender,
            receiver,
        })
    }

    /// Gives how long it stood still, if it did.
    pub(crate) fn end(self) -> anyhow::Result<Option<Duration>> {
        self.ended.store(true, Ordering::Relaxed);
        self.sender.join().ok().context("the sender ended")?;
        let longest = self.receiver.join().ok().context("the receiver ended")?;
        Ok((longest > STUTTER).then_some(longest))
    }
}
