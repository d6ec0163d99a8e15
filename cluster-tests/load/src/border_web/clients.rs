//! Clients who ask for a name as browsers do, and somebody who repeats what is said.

use crate::border::on_clients;
use anyhow::{Context as _, ensure};
use hdrhistogram::Histogram;
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::{
    net::{Ipv4Addr, SocketAddr},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::oneshot,
    task::LocalSet,
    time::timeout,
};

const READY_WITHIN: Duration = Duration::from_secs(30);
/// No step of a client takes so long where a relay works.
const PATIENCE: Duration = Duration::from_secs(10);
/// Bytes that a flowing connection has under way.
const BLOCK: usize = 64 << 10;
const TRIP: usize = 64;

/// What rustls says first to a server of this name.
pub(super) fn hello(name: &str) -> anyhow::Result<Vec<u8>> {
    let config = ClientConfig::builder()
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let mut connection = ClientConnection::new(Arc::new(config), name.to_owned().try_into()?)?;
    let mut hello = Vec::new();
    connection.write_tls(&mut hello)?;
    Ok(hello)
}

pub(super) struct Clients {
    at: SocketAddr,
    hello: Vec<u8>,
}

impl Clients {
    pub(super) fn new(at: SocketAddr, hello: Vec<u8>) -> Self {
        Self { at, hello }
    }

    /// A connection through the relay: it said its hello, and that came back.
    async fn connect(&self) -> anyhow::Result<TcpStream> {
        let opening = async {
            let mut stream = TcpStream::connect(self.at).await?;
            stream.set_nodelay(true)?;
            stream.write_all(&self.hello).await?;
            let mut back = vec![0; self.hello.len()];
            stream.read_exact(&mut back).await?;
            ensure!(back == self.hello, "something else came back");
            Ok(stream)
        };
        timeout(PATIENCE, opening).await.context("nothing came back")?
    }

    /// Waits until the relay passes something on.
    pub(super) async fn until_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            match self.connect().await {
                Ok(_) => return Ok(()),
                Err(error) if Instant::now() > deadline => {
                    return Err(error.context("the relay is not ready"));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
    }

    /// Opens connections one after the other, so many at a time. How long each took, in nanoseconds.
    pub(super) async fn open(&self, at_once: usize, length: Duration) -> anyhow::Result<Histogram<u64>> {
        let began = Instant::now();
        let one = async || {
            let mut times = Histogram::new(3)?;
            while began.elapsed() < length {
                let opening = Instant::now();
                drop(self.connect().await?);
                times.record(opening.elapsed().as_nanos() as u64)?;
            }
            anyhow::Ok(times)
        };
        let mut all = Histogram::new(3)?;
        for times in together((0..at_once).map(|_| one())).await {
            all.add(times?)?;
        }
        Ok(all)
    }

    /// Has bytes flow there and back by so many connections. How many came through, both ways together.
    pub(super) async fn flow(&self, at_once: usize, length: Duration) -> anyhow::Result<u64> {
        let one = async || {
            let (mut hear, mut say) = self.connect().await?.into_split();
            let began = Instant::now();
            let block = vec![7; BLOCK];
            let saying = async {
                while began.elapsed() < length {
                    say.write_all(&block).await?;
                }
                say.shutdown().await
            };
            let hearing = async {
                let (mut buffer, mut sum) = (vec![0; BLOCK], 0);
                loop {
                    match hear.read(&mut buffer).await? {
                        0 => return std::io::Result::Ok(sum),
                        bytes => sum += bytes as u64,
                    }
                }
            };
            let ((), came) = tokio::try_join!(saying, hearing)?;
            anyhow::Ok(came * 2)
        };
        let mut sum = 0;
        for came in together((0..at_once).map(|_| one())).await {
            sum += came?;
        }
        Ok(sum)
    }

    /// Says few bytes and waits for them, again and again. How long each took, in nanoseconds.
    pub(super) async fn trips(&self, length: Duration) -> anyhow::Result<Histogram<u64>> {
        let mut stream = self.connect().await?;
        let (began, mut times, mut buffer) = (Instant::now(), Histogram::new(3)?, [7; TRIP]);
        while began.elapsed() < length {
            let going = Instant::now();
            stream.write_all(&buffer).await?;
            stream.read_exact(&mut buffer).await?;
            times.record(going.elapsed().as_nanos() as u64)?;
        }
        Ok(times)
    }

    /// Opens so many connections and keeps them.
    pub(super) async fn keep(&self, count: usize) -> anyhow::Result<Vec<TcpStream>> {
        let mut kept = Vec::with_capacity(count);
        for _ in 0..count {
            kept.push(self.connect().await?);
        }
        Ok(kept)
    }
}

/// Runs these on this thread at a time, and gives what they gave.
async fn together<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut waiting: Vec<_> = all.map(Box::pin).map(Some).collect();
    let mut done = Vec::with_capacity(waiting.len());
    std::future::poll_fn(|context| {
        for place in &mut waiting {
            if let Some(task) = place
                && let std::task::Poll::Ready(given) = task.as_mut().poll(context)
            {
                done.push(given);
                *place = None;
            }
        }
        if waiting.iter().all(Option::is_none) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    done
}

/// Repeats all that is said to it, until it is dropped.
pub(super) struct Echo {
    pub(super) at: SocketAddr,
    ends: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Echo {
    pub(super) fn start(processor: usize) -> anyhow::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let at = listener.local_addr()?;
        let (ends, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let thread = on_clients(processor, move || {
            let local = Rc::new(LocalSet::new());
            let tasks = local.clone();
            local.block_on(&runtime, async move {
                let Ok(listener) = TcpListener::from_std(listener) else {
                    return;
                };
                let accepting = async {
                    while let Ok((mut stream, _)) = listener.accept().await {
                        stream.set_nodelay(true).ok();
                        tasks.spawn_local(async move {
                            let (mut from, mut to) = stream.split();
                            tokio::io::copy(&mut from, &mut to).await.ok();
                            to.shutdown().await.ok();
                        });
                    }
                };
                tokio::select! {
                    () = accepting => {}
                    _ = ended => {}
                }
            });
        });
        Ok(Self {
            at,
            ends: Some(ends),
            thread: Some(thread),
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        drop(self.ends.take());
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}
