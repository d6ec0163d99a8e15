//! The ports for the outside: who may come in, what they ask for, and to which node that leads.

use crate::{
    flow,
    running::Running,
    turn::{self, Turn},
};
use plenary_border::{First, Hello, HostName, Refused, Service, first, hello};
use quinn::Connection;
use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    io::AsyncReadExt as _,
    net::{TcpListener, TcpStream},
};

/// Bytes that are asked for at a time until the ClientHello is whole.
const CHUNK: usize = 4 << 10;

/// Accepts until the task is dropped.
pub(crate) async fn accept(running: Arc<Running>, service: Service, listener: TcpListener) {
    loop {
        let (socket, from) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of descriptors or memory: others may be freed meanwhile.
                tracing::warn!(%error, service = service.as_str(), "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let (place, waiting) = match running.gate.admit(from.ip()) {
            Ok(places) => places,
            Err(why) => {
                refuse(&running, from, why);
                continue;
            }
        };
        let running = running.clone();
        tokio::spawn(async move {
            serve(&running, service, socket, from, waiting).await;
            drop(place);
        });
    }
}

/// Serves a client to its end; `waiting` is its place among those who have not said yet what they want.
async fn serve<W>(
    running: &Arc<Running>,
    service: Service,
    mut socket: TcpStream,
    from: SocketAddr,
    waiting: W,
) {
    match begin(running, service, &mut socket, from, waiting).await {
        Ok(Begun::Flow(taken)) => {
            running.counts.begun.fetch_add(1, Ordering::Relaxed);
            flow::carry(running, socket, taken).await;
        }
        Ok(Begun::Turn(turn, said)) => turn::serve(running, &turn, (socket, said), from).await,
        // Counted before it hears of it.
        Err(why) => refuse(running, from, why),
    }
}

/// Who serves a client.
enum Begun {
    /// A node.
    Flow(flow::Taken),
    /// The controller itself, with what was read already.
    Turn(Arc<Turn>, Vec<u8>),
}

async fn begin<W>(
    running: &Arc<Running>,
    service: Service,
    socket: &mut TcpStream,
    from: SocketAddr,
    waiting: W,
) -> Result<Begun, Refused> {
    let (asked, said) = listen(running, service, socket).await?;
    drop(waiting);
    Ok(match asked {
        Asked::Host(name) => Begun::Flow(flow::open(running, service, &name, from, &said).await?),
        Asked::Session(node) => Begun::Flow(flow::open_media(&node, from, &said).await?),
        Asked::Turn(turn) => Begun::Turn(turn, said),
    })
}

fn refuse(running: &Running, from: SocketAddr, why: Refused) {
    running.counts.refuse(why);
    running.gate.refused(from.ip());
    // One line for each would be a gift to whoever floods; the figures say how many.
    tracing::debug!(%from, reason = %why, "a connection from outside was refused");
}

/// What a client wants.
enum Asked {
    Host(HostName),
    /// Media of a session that this node has.
    Session(Connection),
    /// The controller itself.
    Turn(Arc<Turn>),
}

/// What the client asks for, with all that it said so far.
async fn listen(
    running: &Running,
    service: Service,
    socket: &mut TcpStream,
) -> Result<(Asked, Vec<u8>), Refused> {
    socket.set_nodelay(true).ok();
    let within = running.limits.hello_within();
    let most = running.limits.hello_bytes;
    let is_web = service == Service::Web;
    let has_media = is_web && running.media.has_tcp();
    let first = tokio::time::timeout(within, read_first(socket, has_media, most));
    let (asked, said) = first.await.map_err(|_| Refused::SlowHello)??;
    let asked = match asked {
        Said::Host(name) => match running
            .turn
            .as_ref()
            .filter(|turn| is_web && turn.is_called(&name))
        {
            Some(turn) => Asked::Turn(turn.clone()),
            None => Asked::Host(name),
        },
        Said::Session(name) => {
            let node = running.media.tunnel_soon(&name).await;
            Asked::Session(node.ok_or(Refused::UnknownName)?)
        }
    };
    Ok((asked, said))
}

/// What a client says first.
enum Said {
    Host(HostName),
    /// An ICE name.
    Session(String),
}

async fn read_first(
    socket: &mut TcpStream,
    mut may_be_media: bool,
    most: usize,
) -> Result<(Said, Vec<u8>), Refused> {
    let mut said = Vec::new();
    let mut needed = 1;
    loop {
        while said.len() < needed {
            // Never more than is needed or one chunk: what claims to be long is held only as far as it came.
            let room = (needed - said.len()).clamp(1, CHUNK) as u64;
            let came = (&mut *socket).take(room).read_buf(&mut said).await;
            if came.map_err(|_| Refused::BadHello)? == 0 {
                return Err(Refused::BadHello);
            }
        }
        if may_be_media {
            match first::read(&said)? {
                First::Media(name) => return Ok((Said::Session(name), said)),
                First::Needs(more) => {
                    needed = more;
                    continue;
                }
                First::Other => may_be_media = false,
            }
        }
        match hello::read(&said, most)? {
            Hello::Names(name) => return Ok((Said::Host(name), said)),
            Hello::Nameless => return Err(Refused::NoName),
            Hello::Needs(more) => needed = more,
        }
    }
}
