//! Reaching a partner, and telling each step of it.

use crate::{
    Home, Names, Unreached,
    dns::LATE,
    door::PAGES,
    line::{Lines, spoke, unanswered},
    race::{Lead, Led, Race, STEP_WITHIN, Shut},
    visit::Pace,
};
use hyper_util::rt::TokioIo;
use plenary_access::{NoPartner, policy_for};
use plenary_contracts::federation::v1::{GreetRequest, GreetResponse, federation_client::FederationClient};
use plenary_federation::{Capability, Common, PROTOCOLS, Pages, Step, Trial};
use plenary_identity::{PartnerCertificate, PartnerTls};
use plenary_model::ServerName;
use std::{
    collections::BTreeSet,
    iter,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    net::TcpStream,
    time::{timeout, timeout_at},
};
use tokio_rustls::{client::TlsStream, rustls::pki_types::CertificateDer};
use tonic::{
    Status,
    transport::{Channel, Endpoint, Uri},
};

/// While people attend there, a partner that is silent is asked so often whether it is there, and may take so long to say so:
/// their places are kept longer, and they are to be back soon.
const KEEP_ALIVE: Duration = Duration::from_secs(1);

/// Somebody waits for it: where it leads nowhere within this time, that is told. DNS may take so long of it,
const WITHIN: Duration = Duration::from_secs(10);
const SRV_WITHIN: Duration = Duration::from_secs(4);
/// and all addresses together so long.
const RACE_WITHIN: Duration = Duration::from_secs(6);

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
    /// Where its pages are; none where it has not said it.
    pub pages: Option<Vec<Pages>>,
}

impl Tried {
    /// Notes how a step went that began at `since`. Gives what it brought.
    fn note<T>(&mut self, step: Step, since: Instant, result: Result<(T, String), String>) -> Option<T> {
        self.note_took(step, since.elapsed(), result)
    }

    fn note_took<T>(&mut self, step: Step, took: Duration, result: Result<(T, String), String>) -> Option<T> {
        let took_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
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
    pub(crate) tls: PartnerTls,
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

    /// Tries to reach `server`, step by step; ends with the first that fails. Takes ten seconds at most.
    pub async fn try_out(&self, server: &ServerName) -> Tried {
        let mut tried = Tried::default();
        drop(self.steps(server, &mut tried).await);
        self.home.ledger().tried(server, &tried);
        tried
    }

    /// A new connection over which the partner has answered; `None` where a step failed.
    pub(crate) async fn steps(&self, server: &ServerName, tried: &mut Tried) -> Option<Answered> {
        let since = Instant::now();
        let until = since + WITHIN;
        let allowed = self.allowed(server).await;
        let allowed = allowed.map(|()| ((), format!("this server may meet with {server}")));
        tried.note(Step::Policy, since, allowed)?;

        let since = Instant::now();
        let targets = timeout(SRV_WITHIN, self.names.targets(server)).await;
        let targets = targets.unwrap_or_else(|_| Err(LATE.into())).map(|targets| {
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

        self.first_that_answers(server, addresses, until, tried).await
    }

    /// The first address that answers as that server. Where none does, it is told of the one that led furthest.
    async fn first_that_answers(
        &self,
        server: &ServerName,
        addresses: Vec<SocketAddr>,
        until: Instant,
        tried: &mut Tried,
    ) -> Option<Answered> {
        let since = Instant::now();
        let until = until.min(since + RACE_WITHIN);
        let mut silent: BTreeSet<SocketAddr> = addresses.iter().copied().collect();
        let mut race = Race::new(self, server, addresses);
        let mut passed = Vec::new();
        let mut furthest: Option<Box<Way>> = None;
        loop {
            let Ok(lead) = timeout_at(until.into(), race.next()).await else {
                let words = format!("no answer within {} s", since.elapsed().as_secs());
                passed.extend(silent.iter().map(|address| format!("{address}: {words}")));
                break;
            };
            let Some(Lead { address, led }) = lead else { break };
            silent.remove(&address);
            let way = match led {
                Led::Nowhere(why) => {
                    passed.push(format!("{address}: {why}"));
                    continue;
                }
                Led::Somewhere(way) => {
                    passed.push(format!("{address} answers"));
                    way
                }
            };
            let is_over = way.is_over();
            if furthest
                .as_ref()
                .is_none_or(|known| known.length() < way.length())
            {
                furthest = Some(way);
            }
            if is_over {
                break;
            }
        }
        let passed = passed.join("; ");
        let Some(way) = furthest else {
            return tried.note(Step::Connection, since, Err(passed));
        };
        tried.note_took(Step::Connection, way.connected, Ok(((), passed)))?;
        tried.address = Some(way.address);
        way.tell(server, tried)
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

    pub(crate) async fn greet(
        &self,
        stream: TlsStream<TcpStream>,
        server: &ServerName,
        chain: Chain,
    ) -> Greeted {
        let request = GreetRequest {
            server: self.home.me().to_string(),
            wanted: server.to_string(),
            protocols: PROTOCOLS.to_vec(),
            capabilities: Capability::ALL.iter().map(ToString::to_string).collect(),
            pages: self.home.pages().iter().map(ToString::to_string).collect(),
        };
        let answer = timeout(STEP_WITHIN, say(stream, request)).await;
        match answer {
            Ok(Ok((channel, answer))) if answer.server == server.as_str() => {
                let common = Common::of(&answer.capabilities);
                let answered = Answered {
                    channel,
                    common,
                    chain,
                    pages: Pages::all_of(server, answer.pages.iter().map(String::as_str)),
                };
                Ok((answered, answer.protocol))
            }
            Ok(Ok(_)) => Err((
                None,
                "it answers for another server than its certificate is for".into(),
            )),
            Ok(Err(status)) => {
                let words = format!("it answered: {}", status.message());
                Err((Some(status), words))
            }
            Err(_) => Err((
                None,
                format!("it did not answer within {} s", STEP_WITHIN.as_secs()),
            )),
        }
    }
}

/// A connection over which a partner has answered.
pub(crate) struct Answered {
    pub(crate) channel: Channel,
    pub(crate) common: Common,
    /// By which it proved who it is.
    pub(crate) chain: Chain,
    /// Where its pages are, as it says.
    pub(crate) pages: Vec<Pages>,
}

/// Certificates, the leaf first.
pub(crate) type Chain = Arc<[CertificateDer<'static>]>;

pub(crate) fn chain_of(stream: &TlsStream<TcpStream>) -> Chain {
    let shown = stream.get_ref().1.peer_certificates().unwrap_or_default();
    shown.iter().map(|one| one.clone().into_owned()).collect()
}

/// The connection and the version, or what was answered, and in words.
pub(crate) type Greeted = Result<(Answered, u32), (Option<Status>, String)>;

/// How far an address led that takes connections.
pub(crate) struct Way {
    pub(crate) address: SocketAddr,
    /// What TCP took.
    pub(crate) connected: Duration,
    /// What TLS took after that.
    pub(crate) shaken: Duration,
    pub(crate) ended: Ended,
}

pub(crate) enum Ended {
    /// Before it proved who it is.
    Shut(Shut),
    Greeted(Box<PartnerCertificate>, Greeted, Duration),
}

impl Way {
    /// Whether other addresses would answer the same.
    fn is_over(&self) -> bool {
        match &self.ended {
            Ended::Shut(_) => false,
            Ended::Greeted(_, Ok(_), _) => true,
            Ended::Greeted(_, Err((status, _)), _) => status.as_ref().is_some_and(spoke),
        }
    }

    /// The more, the further. A certificate of that server that is not the pinned one is for administrators to look at; one of
    /// somebody else, where DNS leads to as well, must not hide it.
    fn length(&self) -> u8 {
        match &self.ended {
            Ended::Shut(shut) => u8::from(shut.shown.is_some()) + u8::from(shut.is_change),
            Ended::Greeted(..) if self.is_over() => 4,
            Ended::Greeted(..) => 3,
        }
    }

    /// Notes it from the certificate on.
    fn tell(self, server: &ServerName, tried: &mut Tried) -> Option<Answered> {
        let (shown, greeted, took) = match self.ended {
            Ended::Greeted(shown, greeted, took) => (*shown, greeted, took),
            Ended::Shut(shut) => {
                (tried.certificate, tried.is_change) = (shut.shown, shut.is_change);
                return tried.note_took(Step::Certificate, self.shaken, Err(shut.words));
            }
        };
        let detail = format!(
            "the certificate is for {}, issued by {}",
            shown.names.join(", "),
            shown.issuer
        );
        tried.certificate = Some(shown);
        tried.note_took(Step::Certificate, self.shaken, Ok(((), detail)))?;
        let answer = greeted.map_err(|(status, words)| {
            tried.refused = status.as_ref().map(unanswered);
            tried.pages = status.as_ref().and_then(|status| pages_in(server, status));
            words
        });
        let answer = answer.map(|(answered, protocol)| {
            tried.pages = Some(answered.pages.clone());
            let words = format!("{server} meets with this server, by version {protocol}");
            (answered, words)
        });
        tried.note_took(Step::Answer, took, answer)
    }
}

/// Where whoever refuses says that its pages are: people go there as guests.
fn pages_in(server: &ServerName, status: &Status) -> Option<Vec<Pages>> {
    let said = status.metadata().get(PAGES)?.to_str().ok()?;
    Some(Pages::all_of(server, [said]))
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
