//! Media of partners from outside: a connection of its own to each controller, between it and the port for partners.

use super::{Attempt, find, target};
use crate::server::Server;
use plenary_access::BorderController;
use plenary_border_client::{
    media::{self, MediaTalk, MediaTunnel},
    wire::Reached,
};
use plenary_cascade_io::{Carrier, Ways};
use std::{convert::Infallible, net::SocketAddr, sync::Arc, time::Duration};
use tokio::sync::mpsc;

/// While a controller lets no partners in.
const WITHOUT_PARTNERS: Duration = Duration::from_secs(60);

/// Keeps a connection for partners to one controller until it is dropped, where this node has a port for them.
pub(super) async fn keep(server: &Server, one: &BorderController) -> Infallible {
    let Some(ways) = server.crossing.get().map(|crossing| crossing.ways()) else {
        return std::future::pending().await;
    };
    loop {
        let attempt = Attempt::begin();
        match carry(server, one, &ways).await {
            Ok(()) => {
                tracing::info!(controller = %one.name, "a Border Controller lets no partners in");
                tokio::time::sleep(WITHOUT_PARTNERS).await;
            }
            Err(trouble) => {
                tracing::debug!(controller = %one.name, %trouble, "media of partners by a Border Controller");
                attempt.pause().await;
            }
        }
    }
}

/// Until the connection is lost; well where the controller lets no partners in.
async fn carry(server: &Server, one: &BorderController, ways: &Ways) -> Result<(), String> {
    let (endpoint, address) = find(&one.address).await?;
    let dialled = media::dial_for_partners(&endpoint, &server.identity, &target(one, address)).await;
    let (tunnel, mut talk) = dialled.map_err(|error| plenary_identity::explain(&error))?;
    if *tunnel.reached() == Reached::default() {
        return Ok(());
    }
    let tunnel = Arc::new(tunnel);
    let (proved, proves) = mpsc::unbounded_channel();
    let way = ways.open(Arc::new(Through {
        tunnel: tunnel.clone(),
        proved,
    }));
    tracing::info!(controller = %one.name, "partners come by a Border Controller");
    let take = |come: Option<(SocketAddr, &[u8])>| {
        if let Some((partner, datagram)) = come {
            way.arrive(partner, datagram);
        }
    };
    let ended = tokio::select! {
        ended = tunnel.serve(&server.identity, take, drop) => ended.map_err(|error| plenary_identity::explain(&error)),
        ended = tell(&tunnel, &mut talk, proves) => ended,
    };
    // Connections may know of the way a little longer than this task is there.
    tunnel.close();
    match ended {
        Err(trouble) => Err(trouble),
    }
}

struct Through {
    tunnel: Arc<MediaTunnel>,
    proved: mpsc::UnboundedSender<SocketAddr>,
}

impl Carrier for Through {
    fn carry(&self, partner: SocketAddr, datagram: &[u8]) {
        self.tunnel.send(partner, datagram);
    }

    fn prove(&self, partner: SocketAddr) {
        self.proved.send(partner).ok();
    }
}

/// Tells the controller who has proved who they are.
async fn tell(
    tunnel: &MediaTunnel,
    talk: &mut MediaTalk,
    mut proves: mpsc::UnboundedReceiver<SocketAddr>,
) -> Result<Infallible, String> {
    while let Some(partner) = proves.recv().await {
        if let Some(flow) = tunnel.flow_of(partner) {
            let told = talk.prove(&[flow]).await;
            told.map_err(|error| plenary_identity::explain(&error))?;
        }
    }
    std::future::pending().await
}
