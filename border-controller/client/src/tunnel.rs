//! The node's end of a tunnel.

use crate::{
    quic::{self, Close, NoSuite, TUNNEL},
    wire::{self, FLOW, LONGEST, WireError},
};
use plenary_border::{Offer, Policy, Service};
use plenary_contracts::border::v1::{
    Certified, Figures, Flow, FlowTaken, FromController, FromNode, from_controller, from_node,
};
use plenary_identity::{Expected, Identity, Program};
use plenary_model::{NodeId, NodeName};
use quinn::{Connection, ConnectionError, Endpoint, RecvStream, SendStream};
use rustls_pki_types::CertificateDer;
use std::{net::SocketAddr, time::Duration};
use tokio::{io::Join, sync::watch};

/// How long the beginning of a stream may take, once it is there.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);

/// How long the reason for an end may come after the end.
const REASON_WITHIN: Duration = Duration::from_millis(250);

/// Why a tunnel ended, or did not begin.
#[derive(Debug, thiserror::Error)]
pub enum TunnelError {
    #[error("it cannot be reached, or it is gone")]
    Lost(#[from] ConnectionError),
    #[error("it cannot be dialled")]
    Undialled(#[from] quinn::ConnectError),
    #[error(transparent)]
    Tls(#[from] NoSuite),
    #[error("the conversation broke off")]
    Broken(#[from] WireError),
    #[error("its certificate was revoked")]
    Revoked,
}

/// Which controller a tunnel goes to: nobody else may answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub name: NodeName,
    pub member: NodeId,
    pub address: SocketAddr,
}

/// The bytes of one client, both ways.
pub type Stream = Join<RecvStream, SendStream>;

/// A client that came through a tunnel.
pub struct FromOutside {
    pub service: Service,
    /// Where it comes from, as the controller saw it.
    pub address: SocketAddr,
    pub stream: Stream,
}

/// What the node does with what comes through a tunnel.
pub trait Inside: Send + Sync + 'static {
    /// Takes a client. Must not wait: a task of its own serves it.
    fn serve(&self, client: FromOutside);

    /// Certificates for the controller's next request, the leaf first; `None` where it gets none.
    fn certify(&self, target: &Target, request: &[u8]) -> Option<Vec<CertificateDer<'static>>>;

    /// What the controller counted; in it what the path carries in one packet is the lesser of both ways.
    fn hear(&self, target: &Target, version: &str, figures: Option<Figures>);
}

/// Dials a controller and serves its clients until the tunnel ends.
///
/// `offer` is announced again whenever it changes, and the newest list of who is refused whenever that does.
///
/// # Errors
/// Why it ended; it always does with one.
pub async fn run(
    endpoint: &Endpoint,
    identity: &Identity,
    target: &Target,
    version: &str,
    (offer, policy): (watch::Receiver<Offer>, watch::Receiver<Policy>),
    inside: &impl Inside,
) -> Result<std::convert::Infallible, TunnelError> {
    let expected = Expected::any(Program::BorderController)
        .at(&identity.me().server)
        .named(&target.name)
        .member(target.member);
    let config = quic::dialling(&identity.client_config(expected), TUNNEL)?;
    let connection = endpoint
        .connect_with(config, target.address, "controller.plenary.internal")?
        .await?;
    let closed = Closes(connection.clone());
    let (send, receive) = connection.open_bi().await?;
    tracing::info!(controller = %target.name, address = %target.address, "the tunnel is there");
    let (answer, certified) = tokio::sync::mpsc::channel(1);
    let ended = tokio::select! {
        ended = tell(send, identity, version, (offer, policy), certified) => ended,
        ended = listen(&connection, receive, (target, inside), answer) => ended,
        ended = accept(&connection, |client| inside.serve(client)) => ended,
        () = revoked(&connection, identity) => {
            Close::Revoked.close(&connection);
            Err(TunnelError::Revoked)
        }
    };
    // Why the connection is lost says more than which stream noticed it, and may come a moment later.
    let ended = match ended {
        Err(TunnelError::Broken(error)) => {
            let reason = tokio::time::timeout(REASON_WITHIN, connection.closed()).await;
            Err(reason.map_or(TunnelError::Broken(error), TunnelError::Lost))
        }
        ended => ended,
    };
    drop(closed);
    ended
}

/// The other end hears at once that this one has gone, also where the task was dropped.
struct Closes(Connection);

impl Drop for Closes {
    fn drop(&mut self) {
        Close::Stopping.close(&self.0);
    }
}

type Endless = Result<std::convert::Infallible, TunnelError>;

async fn tell(
    mut send: SendStream,
    identity: &Identity,
    version: &str,
    (mut offer, mut policy): (watch::Receiver<Offer>, watch::Receiver<Policy>),
    mut certified: tokio::sync::mpsc::Receiver<Vec<CertificateDer<'static>>>,
) -> Endless {
    let mut lists = identity.revocations().subscribe();
    let mut what = vec![
        announced(version, &mut offer),
        refused(identity),
        wanted(identity, &mut policy),
    ];
    loop {
        for what in what.drain(..).flatten() {
            wire::write(&mut send, &FromNode { what: Some(what) }).await?;
        }
        tokio::select! {
            Ok(()) = offer.changed() => what.push(announced(version, &mut offer)),
            Ok(()) = lists.changed() => what.push(refused(identity)),
            Ok(()) = policy.changed() => what.push(wanted(identity, &mut policy)),
            Some(chain) = certified.recv() => {
                let chain = chain.iter().map(|one| one.to_vec()).collect();
                what.push(Some(from_node::What::Certified(Certified { chain })));
            }
            else => std::future::pending().await,
        }
    }
}

fn announced(version: &str, offer: &mut watch::Receiver<Offer>) -> Option<from_node::What> {
    let announcement = wire::announcement(version, &offer.borrow_and_update());
    Some(from_node::What::Announcement(announcement))
}

/// The newest list of our server, signed.
fn refused(identity: &Identity) -> Option<from_node::What> {
    let list = identity.revocations().list(identity.ca().scope())?;
    let signed = identity
        .sign_revocations(&list)
        .inspect_err(|error| tracing::error!(%error, "the list of who is refused cannot be signed"))
        .ok()?;
    Some(from_node::What::Revocations(serde_json::to_vec(&signed).ok()?))
}

/// What the server wants, signed; nothing where nobody ever said.
fn wanted(identity: &Identity, policy: &mut watch::Receiver<Policy>) -> Option<from_node::What> {
    let policy = policy.borrow_and_update().clone();
    if policy == Policy::default() {
        return None;
    }
    let signed = identity
        .sign_policy(policy.write())
        .inspect_err(|error| tracing::error!(%error, "what Border Controllers let in cannot be signed"))
        .ok()?;
    Some(from_node::What::Policy(serde_json::to_vec(&signed).ok()?))
}

async fn listen(
    connection: &Connection,
    mut receive: RecvStream,
    (target, inside): (&Target, &impl Inside),
    answer: tokio::sync::mpsc::Sender<Vec<CertificateDer<'static>>>,
) -> Endless {
    let mut version = String::new();
    loop {
        let said: FromController = wire::read(&mut receive, LONGEST).await?;
        match said.what {
            Some(from_controller::What::Hello(hello)) => {
                version = hello.version;
                inside.hear(target, &version, None);
            }
            Some(from_controller::What::Figures(mut figures)) => {
                figures.mtu_bytes = narrower(figures.mtu_bytes, quic::mtu(connection));
                inside.hear(target, &version, Some(figures));
            }
            Some(from_controller::What::Renewal(request)) => {
                if let Some(chain) = inside.certify(target, &request) {
                    // Full where it asks faster than it can be answered.
                    answer.try_send(chain).ok();
                }
            }
            // A newer version says more than we know.
            None => {}
        }
    }
}

/// What the path carries both ways: as the controller says, 0 where it does not know, and as is found here.
fn narrower(said: u32, own: u16) -> u32 {
    match said {
        0 => own.into(),
        said => said.min(own.into()),
    }
}

/// Takes the streams that the controller opens, one for each client.
pub(crate) async fn accept(connection: &Connection, mut serve: impl FnMut(FromOutside)) -> Endless {
    let mut beginning = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            accepted = connection.accept_bi() => {
                let (send, receive) = accepted?;
                beginning.spawn(tokio::time::timeout(BEGIN_WITHIN, begin(send, receive)));
            }
            Some(begun) = beginning.join_next() => match begun {
                Ok(Ok(Ok(client))) => serve(client),
                Ok(Ok(Err(error))) => tracing::debug!(%error, "a stream from outside did not begin"),
                _ => tracing::debug!("a stream from outside did not begin in time"),
            }
        }
    }
}

async fn begin(mut send: SendStream, mut receive: RecvStream) -> Result<FromOutside, WireError> {
    let flow: Flow = wire::read(&mut receive, FLOW).await?;
    let (service, address) = wire::read_flow(&flow)?;
    wire::write(&mut send, &FlowTaken {}).await?;
    Ok(FromOutside {
        service,
        address,
        stream: tokio::io::join(receive, send),
    })
}

/// Returns when the certificate of the other end does not count any more.
pub(crate) async fn revoked(connection: &Connection, identity: &Identity) {
    let mut lists = identity.revocations().subscribe();
    let Some(peer) = quic::peer(connection) else {
        return;
    };
    while !identity.revocations().is_revoked(&peer) {
        if lists.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
