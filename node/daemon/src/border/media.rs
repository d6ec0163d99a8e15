//! Media of clients from outside: a connection of its own to each controller, between it and the media threads.

use super::{Attempt, find, target};
use crate::{
    server::Server,
    turn::{Turn, TurnDoor},
};
use plenary_access::BorderController;
use plenary_border::Service;
use plenary_border_client::{
    FromOutside, TunnelError,
    media::{self, MediaTalk, MediaTunnel},
    wire::Reached,
};
use plenary_media_io::{Carrier, Named, Outside, TcpWay, Way};
use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, task::JoinSet};

/// While a controller passes no media on.
const WITHOUT_MEDIA: Duration = Duration::from_secs(60);
/// So long clients are told of a controller to which the connection is lost: most are back within a second, and who is told of no
/// address has to ask anew.
const TOLD_FOR: Duration = Duration::from_secs(30);
/// Names that are told at once.
const NAMES: usize = 256;

/// Keeps a connection for media to one controller until it is dropped.
pub(super) async fn keep(server: &Server, one: &BorderController, to: (&Outside, &Arc<Turn>)) -> Infallible {
    let mut door = None;
    loop {
        let attempt = Attempt::begin();
        match carry(server, one, to, &mut door).await {
            Ok(()) => {
                door = None;
                tracing::info!(controller = %one.name, "a Border Controller passes no media on");
                tokio::time::sleep(WITHOUT_MEDIA).await;
            }
            Err(trouble) => {
                tracing::debug!(controller = %one.name, %trouble, "media of a Border Controller");
                door = door.take().and_then(Door::after_a_loss);
                attempt.pause().await;
            }
        }
    }
}

/// Until the connection is lost; well where the controller passes no media on.
async fn carry(
    server: &Server,
    one: &BorderController,
    (outside, turn): (&Outside, &Arc<Turn>),
    door: &mut Option<Door>,
) -> Result<(), String> {
    let (endpoint, address) = find(&one.address).await?;
    let dialled = media::dial(&endpoint, &server.identity, &target(one, address)).await;
    let (tunnel, mut talk) = dialled.map_err(|error| plenary_identity::explain(&error))?;
    let reached = tunnel.reached().clone();
    if reached == Reached::default() {
        return Ok(());
    }
    let tunnel = Arc::new(tunnel);
    let _closes = Closes(tunnel.clone());
    let (names, changes) = outside.names();
    // Names come before addresses, so that nobody is told an address that does not know their name yet.
    talk.tell(names, Vec::new())
        .await
        .map_err(|error| error.to_string())?;
    match door.as_mut().filter(|door| door.reached == reached) {
        Some(kept) => kept.leads_to(tunnel.clone()),
        None => *door = Some(Door::open(reached.clone(), tunnel.clone(), (outside, turn))),
    }
    tracing::info!(controller = %one.name, ?reached, "media come by a Border Controller");
    let mut arrivals = outside.arrivals();
    let take = |come: Option<(SocketAddr, &[u8])>| match come {
        Some((client, bytes)) => {
            if let Some(address) = met_at(&reached.udp, client) {
                arrivals.put(client, address, bytes);
            }
        }
        None => arrivals.hand_over(),
    };
    // They end with their streams, which end with the tunnel.
    let mut by_tcp = JoinSet::new();
    let begin = |client: FromOutside| {
        while by_tcp.try_join_next().is_some() {}
        if let Some(at) = met_at(&reached.tcp, client.address)
            && client.service == Service::Media
        {
            let outside = outside.clone();
            by_tcp.spawn(async move { outside.take(client.stream, client.address, at).await });
        }
    };
    let serving = tunnel.serve(&server.identity, take, begin);
    let ended = tokio::select! {
        ended = serving => ended,
        ended = tell(&mut talk, changes) => ended,
    };
    match ended {
        Err(error) => Err(plenary_identity::explain(&error)),
    }
}

/// The address of the controller that a client came to: the one of its family.
fn met_at(addresses: &[SocketAddr], client: SocketAddr) -> Option<SocketAddr> {
    let same = |address: &&SocketAddr| address.is_ipv4() == client.is_ipv4();
    addresses.iter().find(same).copied()
}

/// Media threads may know of the tunnel a little longer than this task is there.
struct Closes(Arc<MediaTunnel>);

impl Drop for Closes {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// What clients are told of a controller: an address of each family.
struct Door {
    reached: Reached,
    through: Arc<Through>,
    lost: Option<Instant>,
    _turn: Option<TurnDoor>,
    by_udp: Vec<Way>,
    _by_tcp: Vec<TcpWay>,
}

impl Door {
    fn open(reached: Reached, tunnel: Arc<MediaTunnel>, (outside, turn): (&Outside, &Arc<Turn>)) -> Self {
        let through = Arc::new(Through(RwLock::new(Some(tunnel))));
        let udp = families(&reached.udp).map(|address| outside.open(address, through.clone()));
        let tcp = families(&reached.tcp).map(|address| outside.open_tcp(address));
        Self {
            by_udp: udp.collect(),
            _by_tcp: tcp.collect(),
            _turn: reached.turn.clone().map(|offered| turn.open(offered)),
            reached,
            through,
            lost: None,
        }
    }

    fn leads_to(&mut self, tunnel: Arc<MediaTunnel>) {
        self.through.set(Some(tunnel));
        if self.lost.take().is_some() {
            self.by_udp.iter().for_each(Way::regain);
        }
    }

    /// Leads nowhere for a while; `None`: for too long.
    fn after_a_loss(mut self) -> Option<Self> {
        self.through.set(None);
        if self.lost.is_none() {
            self.by_udp.iter().for_each(Way::lose);
        }
        let lost = *self.lost.get_or_insert_with(Instant::now);
        (lost.elapsed() < TOLD_FOR).then_some(self)
    }
}

/// The connection of the moment.
struct Through(RwLock<Option<Arc<MediaTunnel>>>);

impl Through {
    fn set(&self, tunnel: Option<Arc<MediaTunnel>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = tunnel;
    }
}

impl Carrier for Through {
    fn carry(&self, client: SocketAddr, datagram: &[u8]) -> bool {
        let tunnel = self.0.read().unwrap_or_else(PoisonError::into_inner);
        tunnel
            .as_ref()
            .is_some_and(|tunnel| tunnel.send(client, datagram))
    }
}

/// The first address of each family.
fn families(addresses: &[SocketAddr]) -> impl Iterator<Item = SocketAddr> {
    let first = [
        addresses.iter().find(|address| address.is_ipv4()),
        addresses.iter().find(|address| address.is_ipv6()),
    ];
    first.into_iter().flatten().copied()
}

/// Tells the controller which names begin and end.
async fn tell(
    talk: &mut MediaTalk,
    mut changes: mpsc::UnboundedReceiver<Named>,
) -> Result<Infallible, TunnelError> {
    let mut come = Vec::new();
    loop {
        if changes.recv_many(&mut come, NAMES).await == 0 {
            return std::future::pending().await;
        }
        // In their order: a name that began and ended in between is told as both.
        let (mut begun, mut ended) = (Vec::new(), Vec::new());
        for named in come.drain(..) {
            match named {
                Named::Begun(name) => begun.push(name),
                Named::Ended(name) => ended.push(name),
            }
        }
        talk.tell(begun, ended).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_is_met_at_the_address_of_its_family() {
        let [v4, v6]: [SocketAddr; 2] =
            ["203.0.113.7:53000", "[2001:db8::7]:53000"].map(|one| one.parse().expect("good"));
        let client = "192.0.2.1:9".parse().expect("good");
        assert_eq!(met_at(&[v6, v4], client), Some(v4));
        assert_eq!(met_at(&[v6], client), None);
    }
}
