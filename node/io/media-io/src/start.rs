//! Starts the threads of an engine: a shard for each, and a gate for what is of all.

use crate::{
    cascade::{self, Cascade, Router},
    engine::{Command, Event, Options},
    figures::Figures,
    gate::Gate,
    ground::Ground,
    outside::Ways,
    shard::{Parts, Shard},
    steering::{Place, Steering},
    tcp::{Doors, Hall, Source},
};
use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc as std_mpsc},
};
use tokio::sync::mpsc;

/// Commands that may wait for a media thread.
const QUEUE: usize = 256;

/// What there is of an engine's threads.
pub(crate) struct Threads {
    /// By shard.
    pub(crate) commands: Vec<mpsc::Sender<Command>>,
    /// Of each shard, then of the gate.
    pub(crate) figures: Vec<Arc<Figures>>,
    pub(crate) steering: Arc<Steering>,
    pub(crate) ways: Arc<Ways>,
    /// For connections that come by no port of ours.
    pub(crate) doors: Arc<Doors>,
    pub(crate) local: SocketAddr,
}

pub(crate) fn start(
    socket: UdpSocket,
    listener: Option<TcpListener>,
    cascade: Option<Cascade>,
    options: Options,
    events: mpsc::UnboundedSender<Event>,
) -> io::Result<Threads> {
    let local = socket.local_addr()?;
    let ways = Arc::new(Ways::default());
    let ground = Arc::new(ground(&options, local, listener.as_ref(), ways.clone())?);
    let shards = count(&options);
    let steering = Arc::new(Steering::new(shards));
    let figures: Vec<Arc<Figures>> = (0..=shards).map(|_| Arc::default()).collect();
    let mut gate = Gate::default();
    let of_gate = figures.last().cloned().unwrap_or_default();
    let (doors, arrivals) = Doors::new(steering.clone(), of_gate);
    let mut listener = listener;
    if shards > 1
        && let Some(listener) = listener.take()
    {
        let doors = doors.clone();
        gate.hall = Some(Hall { listener, doors });
    }
    let cascades = cascades(cascade, shards, &figures, &mut gate);
    let (runs, all_run) = mpsc::channel(1);
    let mut commands = Vec::new();
    let mut starting = Vec::new();
    let parts = plenary_udp::several(socket, shards)?
        .into_iter()
        .zip(arrivals)
        .zip(cascades);
    for ((me, ((socket, arrivals), cascade)), figures) in parts.enumerate().zip(&figures) {
        let tcp = Source {
            listener: listener.take(),
            arrivals,
        };
        let (sender, inbox) = mpsc::channel(QUEUE);
        let place = Place {
            me,
            steering: steering.clone(),
        };
        let parts = Parts {
            place,
            socket,
            tcp,
            cascade,
            ground: ground.clone(),
            options: options.clone(),
            figures: figures.clone(),
            events: events.clone(),
            runs: runs.clone(),
        };
        starting.push(spawn(parts, inbox)?);
        commands.push(sender);
    }
    for told in starting {
        told.recv()
            .unwrap_or_else(|_| Err(io::Error::other("a media thread did not start")))?;
    }
    gate.start(all_run)?;
    Ok(Threads {
        commands,
        figures,
        steering,
        ways,
        doors,
        local,
    })
}

fn count(options: &Options) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let wanted = match options.threads {
        0 => cores(),
        some => some,
    };
    wanted.min(Options::MOST_THREADS)
}

/// What all peers have in common.
fn ground(
    options: &Options,
    local: SocketAddr,
    listener: Option<&TcpListener>,
    ways: Arc<Ways>,
) -> io::Result<Ground> {
    let certificate = str0m::crypto::from_feature_flags()
        .dtls_provider
        .generate_certificate()
        .ok_or_else(|| io::Error::other("no DTLS certificate could be made"))?;
    let mut addresses = options.addresses.clone();
    if addresses.is_empty() && !local.ip().is_unspecified() {
        addresses.push(local.ip());
    }
    let on = |port: u16| {
        addresses
            .iter()
            .map(move |ip| SocketAddr::new(*ip, port))
            .collect()
    };
    let tcp_port = listener.map(TcpListener::local_addr).transpose()?;
    Ok(Ground {
        certificate,
        candidates: on(local.port()),
        tcp_candidates: tcp_port.map_or_else(Vec::new, |local| on(local.port())),
        ways,
    })
}

/// The end of the links that each shard holds.
fn cascades(
    cascade: Option<Cascade>,
    shards: usize,
    figures: &[Arc<Figures>],
    gate: &mut Gate,
) -> Vec<Option<Cascade>> {
    match cascade {
        None => (0..shards).map(|_| None).collect(),
        Some(cascade) if shards == 1 => vec![Some(cascade)],
        Some(Cascade { me, links, events }) => {
            let mut ends = Vec::new();
            let mut routes = Vec::new();
            for figures in figures.iter().take(shards) {
                let (route, events) = mpsc::channel(cascade::WAITING);
                routes.push((route, figures.clone()));
                ends.push(Some(Cascade {
                    me,
                    links: links.clone(),
                    events,
                }));
            }
            gate.router = Some(Router::new(events, routes));
            ends
        }
    }
}

/// Starts a shard's thread. The receiver hears whether it runs.
fn spawn(parts: Parts, inbox: mpsc::Receiver<Command>) -> io::Result<std_mpsc::Receiver<io::Result<()>>> {
    let (tell, told) = std_mpsc::channel();
    let Place { me, steering } = &parts.place;
    let name = match steering.shards() {
        1 => "media".to_owned(),
        _ => format!("media-{me}"),
    };
    let thread = std::thread::Builder::new().name(name.clone());
    thread.spawn(move || {
        let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => runtime,
            Err(error) => return drop(tell.send(Err(error))),
        };
        let made = {
            let _within = runtime.enter();
            Shard::new(parts)
        };
        match made {
            Ok(shard) => {
                drop(tell.send(Ok(())));
                let run = AssertUnwindSafe(|| runtime.block_on(shard.run(inbox)));
                if catch_unwind(run).is_err() {
                    tracing::error!(
                        thread = name,
                        "a media thread failed: the sessions of its rooms are over, and none begin there until the node \
                         is started again"
                    );
                }
            }
            Err(error) => drop(tell.send(Err(error))),
        }
    })?;
    Ok(told)
}

#[cfg(test)]
mod tests;
