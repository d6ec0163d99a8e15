//! Reaching a partner, and telling each step of it.

use crate::{
    Home, Names, Unreached,
    line::{Lines, unanswered},
    visit::Pace,
};
use hyper_util::rt::TokioIo;
use plenary_access::{NoPartner, policy_for};
use plenary_contracts::federation::v1::{GreetRequest, GreetResponse, federation_client::FederationClient};
use plenary_federation::{PROTOCOLS, Step, Trial};
use plenary_identity::{PartnerCertificate, PartnerError, PartnerTls, explain};
use plenary_model::ServerName;
use std::{
    iter,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    task::JoinSet,
    time::{sleep, timeout},
};
use tokio_rustls::client::TlsStream;
use tonic::{
    Status,
    transport::{Channel, Endpoint, Uri},
};

/// For TCP to one address, TLS, and the answer; each.
const STEP_WITHIN: Duration = Duration::from_secs(4);
/// An address that says nothing is tried so long before the next one is, too.
const HEAD_START: Duration = Duration::from_millis(300);
/// While people attend there, a partner that is silent is asked so often whether it is there, and may take so long to say so:
/// their places are kept longer, and they are to be back soon.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// What reaching a partner told.
#[derive(Debug, Clone, Default)]
pub struct Tried {
    pub trial: Trial,
    /// Where it answered.
    pub address: Option<SocketAddr>,
    /// What was shown, also where it was refused.
    pub certificate: Option<PartnerCertificate>,
    /// It is not what is pinned for that partner.
    pub is_change: bool,
    /// It has answered, and refused.
    pub refused: Option<Unreached>,
}

impl Tried {
    /// Notes how a step went that began at `since`. Gives what it brought.
    fn note<T>(&mut self, step: Step, since: Instant, result: Result<(T, String), String>) -> Option<T> {
        let took_ms = u32::try_from(since.elapsed().as_millis()).unwrap_or(u32::MAX);
        let (value, words) = match result {
            Ok((value, detail)) => (Some(value), Ok(detail)),
            Err(why) => (None, Err(why)),
        };
        self.trial.note(step, took_ms, words);
        value
    }
}

/// Finds the way to partners. Cheap to clone.
#[derive(Clone)]
pub struct Reach {
    pub(crate) home: Arc<dyn Home>,
    names: Names,
    tls: PartnerTls,
    pub(crate) pace: Pace,
    pub(crate) lines: Lines,
}

impl std::fmt::Debug for Reach {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Reach({:?})", self.tls)
    }
}

impl Reach {
    pub fn new(home: Arc<dyn Home>, names: Names, tls: PartnerTls) -> Self {
        Self {
            home,
            names,
            tls,
            pace: Pace::default(),
            lines: Lines::default(),
        }
    }

    /// Tries to reach `server`, step by step; ends with the first that fails. Takes a minute at most.
    pub async fn try_out(&self, server: &ServerName) -> Tried {
        let mut tried = Tried::default();
        drop(self.steps(server, &mut tried).await);
        self.home.ledger().tried(server, &tried);
        tried
    }

    /// A new connection over which the partner has answered; `None` where a step failed.
    pub(crate) async fn steps(&self, server: &ServerName, tried: &mut Tried) -> Option<Channel> {
        let since = Instant::now();
        let allowed = self.allowed(server).await;
        let allowed = allowed.map(|()| ((), format!("this server may meet with {server}")));
        tried.note(Step::Policy, since, allowed)?;

        let since = Instant::now();
        let targets = self.names.targets(server).await.map(|targets| {
            let list = listed(&targets);
            (targets, list)
        });
        let targets = tried.note(Step::Srv, since, targets)?;

        let since = Instant::now();
        let found = self.names.sockets(&targets).await;
        let found = found.map(|(addresses, failed)| {
            let list = iter::once(listed(&addresses)).chain(failed);
            let list = list.collect::<Vec<_>>().join(", ");
            (addresses, list)
        });
        let addresses = tried.note(Step::Address, since, found)?;

        let since = Instant::now();
        let (socket, address) = tried.note(Step::Connection, since, connect(&addresses).await)?;
        tried.address = Some(address);

        let since = Instant::now();
        let shaken = self.shake(socket, server, tried).await;
        let stream = tried.note(Step::Certificate, since, shaken)?;

        let since = Instant::now();
        let answer = self.greet(stream, server, tried).await;
        tried.note(Step::Answer, since, answer)
    }

    pub(crate) async fn allowed(&self, server: &ServerName) -> Result<(), String> {
        let standing = self.home.standing(server).await;
        let standing = standing.ok_or("the settings of this server cannot be read now; try again")?;
        let me = self.home.me();
        if server == me {
            return Err(format!("{me} is this server itself"));
        }
        match policy_for(&standing, server) {
            Ok(_) => Ok(()),
            Err(why) => Err(unmet(why, server)),
        }
    }

    async fn shake(
        &self,
        socket: TcpStream,
        server: &ServerName,
        tried: &mut Tried,
    ) -> Result<(TlsStream<TcpStream>, String), String> {
        let connected = timeout(STEP_WITHIN, self.tls.connect(socket, server.as_str())).await;
        match connected {
            Ok(Ok((stream, shown))) => {
                let detail = format!(
                    "the certificate is for {}, issued by {}",
                    shown.names.join(", "),
                    shown.issuer
                );
                tried.certificate = Some(shown);
                Ok((stream, detail))
            }
            Ok(Err(PartnerError::Refused {
                refusal,
                certificate: shown,
            })) => {
                tried.certificate = shown.map(|shown| *shown);
                tried.is_change = refusal.is_change();
                Err(refusal.to_string())
            }
            Ok(Err(PartnerError::Handshake(error))) => {
                Err(format!("the TLS handshake failed: {}", explain(&error)))
            }
            Err(_) => Err(format!("TLS was not answered within {} s", STEP_WITHIN.as_secs())),
        }
    }

    async fn greet(
        &self,
        stream: TlsStream<TcpStream>,
        server: &ServerName,
        tried: &mut Tried,
    ) -> Result<(Channel, String), String> {
        let request = GreetRequest {
            server: self.home.me().to_string(),
            wanted: server.to_string(),
            protocols: PROTOCOLS.to_vec(),
            capabilities: Vec::new(),
        };
        let answer = timeout(STEP_WITHIN, say(stream, request)).await;
        match answer {
            Ok(Ok((channel, answer))) if answer.server == server.as_str() => Ok((
                channel,
                format!("{server} meets with this server, by version {}", answer.protocol),
            )),
            Ok(Ok(_)) => Err("it answers for another server than its certificate is for".into()),
            Ok(Err(status)) => {
                tried.refused = Some(unanswered(&status));
                Err(format!("it answered: {}", status.message()))
            }
            Err(_) => Err(format!("it did not answer within {} s", STEP_WITHIN.as_secs())),
        }
    }
}

/// Why this server does not meet with that one, for its own people.
pub fn unmet(why: NoPartner, server: &ServerName) -> String {
    match why {
        NoPartner::Off => "federation is off on this server; switch it on first".into(),
        NoPartner::NotOnWhitelist => format!("{server} is not on the whitelist of this server; add it"),
        NoPartner::OnBlacklist => format!("{server} is on the blacklist of this server"),
        NoPartner::NotLicensed => {
            "the licence of this server has ended, and the free one has no federation; install a licence"
                .into()
        }
    }
}

fn listed(all: &[impl ToString]) -> String {
    let words: Vec<_> = all.iter().map(ToString::to_string).collect();
    words.join(", ")
}

/// The first address that answers; each has its start before the next one (RFC 8305 §5).
async fn connect(addresses: &[SocketAddr]) -> Result<((TcpStream, SocketAddr), String), String> {
    let mut failed = Vec::new();
    let mut trying = JoinSet::new();
    let mut left = addresses.iter().copied();
    loop {
        if let Some(address) = left.next() {
            trying.spawn(async move { (address, timeout(STEP_WITHIN, TcpStream::connect(address)).await) });
        }
        let tried = tokio::select! {
            tried = trying.join_next() => tried,
            () = sleep(HEAD_START), if left.len() > 0 => continue,
        };
        match tried {
            Some(Ok((address, Ok(Ok(socket))))) => {
                socket.set_nodelay(true).ok();
                failed.push(format!("{address} answers"));
                return Ok(((socket, address), failed.join("; ")));
            }
            Some(Ok((address, Ok(Err(error))))) => failed.push(format!("{address}: {error}")),
            Some(Ok((address, Err(_)))) => {
                failed.push(format!("{address}: no answer within {} s", STEP_WITHIN.as_secs()));
            }
            // Nobody ends these tasks.
            Some(Err(_)) => {}
            None => return Err(failed.join("; ")),
        }
    }
}

/// Says the first words over a connection that is there.
async fn say(
    stream: TlsStream<TcpStream>,
    request: GreetRequest,
) -> Result<(Channel, GreetResponse), Status> {
    let stream = Arc::new(Mutex::new(Some(stream)));
    let connector = tower::service_fn(move |_: Uri| {
        let stream = stream.lock().unwrap_or_else(PoisonError::into_inner).take();
        async move {
            stream
                .map(TokioIo::new)
                .ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotConnected))
        }
    });
    let unreachable = |error: tonic::transport::Error| Status::unavailable(error.to_string());
    let endpoint = Endpoint::from_static("http://partner")
        .http2_keep_alive_interval(KEEP_ALIVE)
        .keep_alive_timeout(KEEP_ALIVE);
    let channel = endpoint
        .connect_with_connector(connector)
        .await
        .map_err(unreachable)?;
    let answer = FederationClient::new(channel.clone()).greet(request).await?;
    Ok((channel, answer.into_inner()))
}
