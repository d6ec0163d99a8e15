//! The port for nodes from inside: their tunnels.

use crate::{
    counts, media,
    running::{Running, Up},
};
use anyhow::Context as _;
use plenary_border_client::{
    quic::{self, Close, MEDIA, PARTNERS},
    wire::{self, LONGEST},
};
use plenary_contracts::border::v1::{
    FromController, FromNode, Hello, from_controller::What as Say, from_node::What,
};
use plenary_identity::{PeerIdentity, SignedPolicy, SignedRevocations};
use plenary_links::{Share, Shares};
use quinn::{Connection, Endpoint, Incoming, RecvStream, SendStream};
use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant, SystemTime},
};

/// Handshakes at a time, in all and for one address; and tunnels.
const HANDSHAKES: (usize, usize) = (64, 16);
const TUNNELS: (usize, usize) = (256, 64);
/// From so many handshakes on, who dials must first show that the address is theirs (Retry, RFC 9000 §8.1.2).
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);
/// How often nodes hear what was counted.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// A node that was asked for a certificate and did not answer is given up; another one is asked.
const RENEWED_WITHIN: Duration = Duration::from_secs(60);

/// Accepts tunnels until the endpoint is closed.
pub(crate) async fn accept(running: Arc<Running>, endpoint: Endpoint) {
    let handshakes = Shares::new(HANDSHAKES.0, HANDSHAKES.1);
    let tunnels = Shares::new(TUNNELS.0, TUNNELS.1);
    while let Some(incoming) = endpoint.accept().await {
        let from = incoming.remote_address();
        if !incoming.remote_address_validated() {
            // It costs an honest node a round trip, and a forged address gets no more than that.
            incoming.retry().ok();
            continue;
        }
        let Some(share) = handshakes.take(Some(from.ip())) else {
            incoming.ignore();
            continue;
        };
        let (running, tunnels) = (running.clone(), tunnels.clone());
        tokio::spawn(async move {
            match tokio::time::timeout(HANDSHAKE_WITHIN, shake(incoming)).await {
                Ok(Ok(connection)) => {
                    drop(share);
                    let place = tunnels.take(Some(from.ip()));
                    let_in(&running, connection, place).await;
                }
                Ok(Err(error)) => {
                    let reason = plenary_identity::explain(&error);
                    tracing::info!(%reason, %from, "a handshake on the tunnel's port failed");
                }
                Err(_) => tracing::info!(%from, "a handshake on the tunnel's port took too long"),
            }
        });
    }
}

async fn shake(incoming: Incoming) -> Result<Connection, quinn::ConnectionError> {
    incoming.accept()?.await
}

async fn let_in(running: &Arc<Running>, connection: Connection, place: Option<Share>) {
    let from = connection.remote_address();
    let Some(peer) = quic::peer(&connection) else {
        tracing::info!(%from, "somebody without a certificate dialled the tunnel's port");
        return Close::Stranger.close(&connection);
    };
    let Some(_place) = place else {
        return Close::TooMany.close(&connection);
    };
    let node = peer.name.name.clone();
    let protocol = quic::protocol(&connection).unwrap_or_default();
    let member = peer.name.member;
    tracing::info!(%node, %from, protocol = %protocol.escape_ascii(), "a tunnel is up");
    let served = match protocol.as_slice() {
        MEDIA => tokio::select! {
            ended = media::serve(&running.media, &connection, member) => ended,
            () = revoked(running, &peer) => Ok(Close::Revoked),
        },
        PARTNERS => tokio::select! {
            ended = media::serve(&running.partners, &connection, member) => ended,
            () = revoked(running, &peer) => Ok(Close::Revoked),
        },
        _ => {
            let up = running.up(member, connection.clone());
            serve(running, &connection, &peer, &up).await
        }
    };
    match served {
        Ok(close) => {
            tracing::warn!(%node, ?close, "a tunnel was closed");
            close.close(&connection);
        }
        Err(error) => {
            let why = connection
                .close_reason()
                .map_or_else(|| format!("{error:#}"), |why| why.to_string());
            tracing::info!(%node, %from, %why, "a tunnel is gone");
            Close::Protocol.close(&connection);
        }
    }
}

/// Until the tunnel is lost, or is to be closed.
async fn serve(
    running: &Arc<Running>,
    connection: &Connection,
    peer: &PeerIdentity,
    up: &Up,
) -> anyhow::Result<Close> {
    let (send, receive) = tokio::time::timeout(HANDSHAKE_WITHIN, connection.accept_bi())
        .await
        .context("the node said nothing")??;
    tokio::select! {
        ended = tell(running, connection, send) => ended.map(|()| Close::Stopping),
        ended = listen(running, receive, up) => ended.map(|()| Close::Protocol),
        () = revoked(running, peer) => Ok(Close::Revoked),
        why = connection.closed() => Err(why.into()),
    }
}

async fn tell(running: &Running, connection: &Connection, mut send: SendStream) -> anyhow::Result<()> {
    let mut say = async |what| wire::write(&mut send, &FromController { what: Some(what) }).await;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    say(Say::Hello(Hello { version })).await?;
    loop {
        say(Say::Figures(counts::figures_for(running, connection))).await?;
        if let Some(request) = next_certificate(running) {
            say(Say::Renewal(request)).await?;
        }
        tokio::time::sleep(TELL_EVERY).await;
    }
}

/// A request for the next certificate, where one is due and nobody is answering one.
fn next_certificate(running: &Running) -> Option<Vec<u8>> {
    let mut pending = running.renewal.lock().unwrap_or_else(PoisonError::into_inner);
    if pending
        .as_ref()
        .is_some_and(|(_, since)| since.elapsed() < RENEWED_WITHIN)
    {
        return None;
    }
    match running.identity.renewal(SystemTime::now()) {
        Ok(renewal) => {
            let renewal = renewal?;
            let request = renewal.request.clone();
            *pending = Some((renewal, Instant::now()));
            Some(request)
        }
        Err(error) => {
            tracing::error!(%error, "the next certificate cannot be asked for");
            None
        }
    }
}

async fn listen(running: &Running, mut receive: RecvStream, up: &Up) -> anyhow::Result<()> {
    loop {
        let said: FromNode = wire::read(&mut receive, LONGEST).await?;
        match said.what {
            Some(What::Announcement(announcement)) => {
                let offer = wire::read_announcement(&announcement);
                tracing::info!(tunnel = up.id.0, ?offer, "a node says what it takes");
                running.with_desk(|desk| desk.offer(up.id, offer));
            }
            Some(What::Revocations(list)) => {
                let list: SignedRevocations =
                    serde_json::from_slice(&list).context("a list of who is refused")?;
                if running.identity.accept_revocations(&list)? {
                    tracing::info!("the list of who is refused is newer");
                }
            }
            Some(What::Policy(policy)) => {
                let policy: SignedPolicy =
                    serde_json::from_slice(&policy).context("what the server wants")?;
                running.hear_policy(&policy)?;
            }
            Some(What::Certified(certified)) => renew(running, certified.chain),
            // A newer version says more than we know.
            None => {}
        }
    }
}

fn renew(running: &Running, chain: Vec<Vec<u8>>) {
    let pending = running
        .renewal
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .take();
    let Some((renewal, _)) = pending else { return };
    let chain = chain.into_iter().map(Into::into).collect();
    match running.identity.renew(&running.machine, renewal, chain) {
        Ok(()) => tracing::info!("the certificate was renewed"),
        Err(error) => tracing::error!(%error, "the new certificate cannot be used"),
    }
}

/// Returns when the certificate of the other end does not count any more.
async fn revoked(running: &Running, peer: &PeerIdentity) {
    let revocations = running.identity.revocations();
    let mut lists = revocations.subscribe();
    while !revocations.is_revoked(peer) {
        if lists.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
