//! All clients of a run, on one thread with a processor of its own.

use super::{
    client::{Client, Counted},
    socket::Buffer,
    stay_on,
};
use anyhow::{Context as _, anyhow};
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags};
use std::{
    cell::Cell,
    collections::BTreeMap,
    sync::mpsc,
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::oneshot;

pub(super) const FRAMES_A_SECOND: u64 = 30;
/// Parts of the time between two frames.
const TURNS: u64 = 20;
/// Longest wait: orders are looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Timers of clients are looked at this often.
const WAKE_EVERY: Duration = Duration::from_millis(5);

/// Names a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Number(u64);

enum Order {
    Add(Number, Box<Client>),
    /// Without a word to the server.
    Remove(Number),
    /// Tells what was counted since it was asked last.
    Count(oneshot::Sender<anyhow::Result<Counted>>),
}

/// Ends, with all its clients, when it is dropped.
pub(super) struct Swarm {
    orders: Option<mpsc::Sender<Order>>,
    thread: Option<JoinHandle<()>>,
    last: Cell<u64>,
}

impl Swarm {
    /// On this processor, if one is named. Publishers will send so many packets in each frame.
    pub(super) fn start(processor: Option<usize>, packets: usize) -> anyhow::Result<Self> {
        let (orders, taken) = mpsc::channel();
        let mut crowd = Crowd::new(packets)?;
        let thread = std::thread::Builder::new()
            .name("clients".into())
            .spawn(move || {
                if let Some(Err(error)) = processor.map(stay_on) {
                    eprintln!("the clients may run on any processor: {error:#}");
                }
                crowd.run(&taken);
            })?;
        Ok(Self {
            orders: Some(orders),
            thread: Some(thread),
            last: Cell::new(0),
        })
    }

    pub(super) fn add(&self, client: Client) -> anyhow::Result<Number> {
        let number = self.last.get();
        self.last.set(number + 1);
        self.order(Order::Add(Number(number), Box::new(client)))?;
        Ok(Number(number))
    }

    pub(super) fn remove(&self, number: Number) -> anyhow::Result<()> {
        self.order(Order::Remove(number))
    }

    pub(super) async fn count(&self) -> anyhow::Result<Counted> {
        let (answer, counted) = oneshot::channel();
        self.order(Order::Count(answer))?;
        counted.await.context("the clients have ended")?
    }

    fn order(&self, order: Order) -> anyhow::Result<()> {
        let orders = self.orders.as_ref().context("the clients have ended")?;
        orders.send(order).map_err(|_| anyhow!("the clients have ended"))
    }
}

impl Drop for Swarm {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

struct Crowd {
    clients: BTreeMap<Number, Client>,
    epoll: Epoll,
    buffer: Buffer,
    counted: Counted,
    packets: usize,
}

impl Crowd {
    fn new(packets: usize) -> anyhow::Result<Self> {
        Ok(Self {
            clients: BTreeMap::new(),
            epoll: Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?,
            buffer: Buffer::new(),
            counted: Counted::nothing()?,
            packets,
        })
    }

    fn run(&mut self, orders: &mpsc::Receiver<Order>) {
        let start = Instant::now();
        let mut turn = 0;
        let mut next_wake = start;
        let mut events = [EpollEvent::empty(); 256];
        loop {
            loop {
                match orders.try_recv() {
                    Ok(order) => self.obey(order),
                    Err(mpsc::TryRecvError::Empty) => break,
                    Err(mpsc::TryRecvError::Disconnected) => return,
                }
            }
            let due = start + Duration::from_micros(1_000_000 * turn / (FRAMES_A_SECOND * TURNS));
            if Instant::now() >= due {
                self.publish(turn);
                turn += 1;
            }
            let wait = due.saturating_duration_since(Instant::now()).min(LOOK_EVERY);
            let wait = u8::try_from(wait.as_millis()).unwrap_or(0);
            let ready = self.epoll.wait(&mut events, wait).unwrap_or(0);
            for event in events.iter().take(ready) {
                if let Some(client) = self.clients.get_mut(&Number(event.data())) {
                    client.read(&mut self.buffer, &mut self.counted);
                }
            }
            let now = Instant::now();
            if now >= next_wake {
                next_wake = now + WAKE_EVERY;
                self.wake(now);
            }
        }
    }

    /// Cameras do not agree on when a frame begins: each has its own turn.
    fn publish(&mut self, turn: u64) {
        let frame = turn / TURNS;
        for (number, client) in &mut self.clients {
            if client.is_connected && number.0 % TURNS == turn % TURNS {
                client.publish(self.packets, frame, FRAMES_A_SECOND, &mut self.counted);
            }
        }
    }

    fn wake(&mut self, now: Instant) {
        for client in self.clients.values_mut().filter(|client| client.wake <= now) {
            client.wake(now, &mut self.counted);
        }
    }

    fn obey(&mut self, order: Order) {
        match order {
            Order::Add(number, mut client) => {
                let event = EpollEvent::new(EpollFlags::EPOLLIN, number.0);
                if let Err(error) = self.epoll.add(&client.socket, event) {
                    eprintln!("a client's socket cannot be waited for: {error}");
                }
                client.drain(None, &mut self.counted);
                self.clients.insert(number, *client);
            }
            // Its socket is closed, and so not waited for any more.
            Order::Remove(number) => {
                self.clients.remove(&number);
            }
            Order::Count(answer) => {
                answer.send(self.take_counted()).ok();
            }
        }
    }

    fn take_counted(&mut self) -> anyhow::Result<Counted> {
        for client in self.clients.values_mut() {
            client.take_counted(&mut self.counted);
        }
        let connected = self.counted.connected;
        let mut counted = std::mem::replace(&mut self.counted, Counted::nothing()?);
        counted.connected = connected;
        self.counted.connected = connected;
        Ok(counted)
    }
}
