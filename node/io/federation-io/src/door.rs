//! What every call of a partner goes through first: who it is, how it behaves, and whether it may.

use crate::{Home, Ledger, Limits, owner::owner_of};
use plenary_access::{NoPartner, PartnerTerms, Standing, policy_for};
use plenary_identity::{Authorities, PartnerCertificate, PartnerRefusal};
use plenary_links::{Caller, Known, network_of};
use plenary_model::{Buckets, ServerName};
use std::{
    fmt,
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Instant, SystemTime},
};
use tokio_rustls::rustls::{ServerConnection, pki_types::CertificateDer};
use tonic::{Code, Status, metadata::MetadataValue};

/// Who is at the other end of a connection: the certificates that were shown.
#[derive(Clone)]
pub struct Guest {
    chain: Arc<[CertificateDer<'static>]>,
    authorities: Authorities,
    home: Arc<dyn Home>,
    /// It was found last to be somebody whom this server meets with.
    is_met: Arc<AtomicBool>,
}

impl fmt::Debug for Guest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Guest({:?})", self.authorities.names(&self.chain))
    }
}

impl Guest {
    /// Waits until it may not speak for this domain any more; gives why.
    pub(crate) async fn until_doubted(&self, domain: &ServerName) -> PartnerRefusal {
        let doubted = self.authorities.until_doubted(domain.as_str(), &self.chain);
        doubted.await
    }

    /// Whether somebody is there whom this server meets with: a certificate for some domain is nothing, as everybody gets one.
    /// `None` where it cannot be read now, and else nobody is.
    pub(crate) async fn meets(&self) -> Option<bool> {
        let mut is_unread = false;
        for name in self.authorities.names(&self.chain) {
            let Ok(server) = name.parse::<ServerName>() else {
                continue;
            };
            if self.speaks_for(&server).is_err() {
                continue;
            }
            match self.home.standing(&server).await {
                Some(standing) if policy_for(&standing, &server).is_ok() => {
                    self.is_met.store(true, Ordering::Relaxed);
                    return Some(true);
                }
                Some(_) => {}
                None => is_unread = true,
            }
        }
        if is_unread {
            return None;
        }
        self.is_met.store(false, Ordering::Relaxed);
        Some(false)
    }

    /// Whether it may speak for this domain; gives what proves it.
    pub(crate) fn speaks_for(&self, domain: &ServerName) -> Result<PartnerCertificate, PartnerRefusal> {
        self.authorities
            .check(domain.as_str(), &self.chain, SystemTime::now())
    }
}

impl Known for Guest {
    /// Who speaks for a domain that this server meets with may stay as long as that is so ([`crate::while_met`]); what it may do
    /// is asked anew each time.
    async fn is_known(&self) -> bool {
        self.meets().await == Some(true)
    }
}

/// Reads from a finished handshake who is at the other end; `home` says whom of them it meets with.
pub fn identify(home: &Arc<dyn Home>, authorities: &Authorities, connection: &ServerConnection) -> Guest {
    let chain = connection.peer_certificates().unwrap_or_default();
    Guest {
        chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
        authorities: authorities.clone(),
        home: home.clone(),
        is_met: Arc::default(),
    }
}

/// A refusal with a code for programs.
pub(crate) fn refused(grpc: Code, code: &'static str, words: String) -> Status {
    let mut status = Status::new(grpc, words);
    status
        .metadata_mut()
        .insert("plenary-code", MetadataValue::from_static(code));
    status
}

/// The trailer that says where the pages are of who refuses.
pub(crate) const PAGES: &str = "plenary-pages";

/// The code of an answer to who does not prove it, or does not any more.
pub(crate) const NOT_BELIEVED: &str = "not-believed";
pub(crate) const CERTIFICATE_CHANGED: &str = "certificate-changed";

/// What ends whatever somebody has under way who does not prove any more who they are.
pub(crate) fn doubted(why: &PartnerRefusal) -> Status {
    let words = format!("your certificate does not prove any more who you are: {why}; come again");
    refused(Code::Unauthenticated, code_of(why), words)
}

fn code_of(why: &PartnerRefusal) -> &'static str {
    if why.is_change() {
        CERTIFICATE_CHANGED
    } else {
        NOT_BELIEVED
    }
}

/// A partner that proved who it is.
#[derive(Debug, Clone)]
pub struct Proved {
    pub server: ServerName,
    pub certificate: PartnerCertificate,
}

/// All servers of one owner may say so many times what one of them may.
const OF_OWNER: f64 = 4.0;

/// Stands before every call. Where it refuses, nothing else of the call was looked at.
pub struct Door {
    home: Arc<dyn Home>,
    messages: Buckets<ServerName>,
    /// Of all servers of one owner together: names below one's own cost nothing.
    of_owner: Buckets<String>,
    unproved: Buckets<IpAddr>,
    deliveries: Buckets<String>,
    rings: Buckets<String>,
}

/// What costs this server more than an answer: each has a limit of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Deliver,
    Ring,
}

impl Door {
    pub fn new(home: Arc<dyn Home>) -> Self {
        let Limits {
            messages,
            unproved,
            deliveries,
            rings,
            ..
        } = *home.limits();
        Self {
            home,
            messages: Buckets::new(messages.0, messages.1),
            of_owner: Buckets::new(OF_OWNER * messages.0, OF_OWNER * messages.1),
            unproved: Buckets::new(unproved.0, unproved.1),
            deliveries: Buckets::new(deliveries.0, deliveries.1),
            rings: Buckets::new(rings.0, rings.1),
        }
    }

    fn ledger(&self) -> &Ledger {
        self.home.ledger()
    }

    /// Whether who calls is `claimed`, is in no quarantine, and does not say too much.
    ///
    /// # Errors
    /// What is answered instead.
    #[allow(clippy::result_large_err)] // The error type is tonic's.
    pub fn prove(&self, caller: &Caller<Guest>, claimed: &str) -> Result<Proved, Status> {
        let server = claimed.parse::<ServerName>();
        let server = server
            .map_err(|error| refused(Code::InvalidArgument, "bad-request", format!("server: {error}")))?;
        let (certificate, now) = (self.believe(caller, &server)?, Instant::now());
        if let Some(until) = self.ledger().quarantined(&server) {
            let wait_s = until.0.saturating_sub(crate::ledger::now().0) / 1_000 + 1;
            let words = format!(
                "{} does not answer you for {wait_s} s more, as you sent too much or what cannot be read; its administrators can end that",
                self.home.me()
            );
            return Err(refused(Code::ResourceExhausted, "quarantined", words));
        }
        let too_fast = |wait_s| {
            self.ledger().too_fast();
            let words = format!("too many messages from {server}; try again in {wait_s} s");
            refused(Code::ResourceExhausted, "too-fast", words)
        };
        if let Err(wait_s) = self.messages.take(server.clone(), now) {
            self.misbehaved(&server);
            return Err(too_fast(wait_s));
        }
        // That others of the same owner say too much is no fault of this one.
        self.of_owner.take(owner_of(&server), now).map_err(too_fast)?;
        Ok(Proved { server, certificate })
    }

    /// What proves that `caller` is `server`. Where strangers of a network did not prove it again and again they are neither looked
    /// at nor written of; a partner at the same address is.
    #[allow(clippy::result_large_err)] // The error type is tonic's.
    fn believe(&self, caller: &Caller<Guest>, server: &ServerName) -> Result<PartnerCertificate, Status> {
        let (network, now) = (network_of(caller.address.ip()), Instant::now());
        let place = self.unproved.take(network, now);
        if place.is_ok() || caller.who.is_met.load(Ordering::Relaxed) {
            match (caller.who.speaks_for(server), &place) {
                (Ok(proved), Ok(())) => {
                    self.unproved.give_back(network, now);
                    return Ok(proved);
                }
                (Ok(proved), Err(_)) => return Ok(proved),
                (Err(why), Ok(())) => return Err(self.disbelieve(caller, server, &why)),
                (Err(_), Err(_)) => {}
            }
        }
        self.ledger().too_fast();
        let wait_s = place.err().unwrap_or(1);
        let words = format!("too many came from your network who did not prove it; try again in {wait_s} s");
        Err(refused(Code::ResourceExhausted, "too-fast", words))
    }

    fn disbelieve(&self, caller: &Caller<Guest>, server: &ServerName, why: &PartnerRefusal) -> Status {
        tracing::info!(%server, address = %caller.address, reason = %why, "somebody who does not prove it claimed to be a server");
        self.ledger().claimed(server, why);
        let words = format!("this server does not believe that you are {server}: {why}");
        refused(Code::Unauthenticated, code_of(why), words)
    }

    /// Whether `server` may do that once more now. That it may not is no fault of it: who waits is served.
    #[allow(clippy::result_large_err)] // The error type is tonic's.
    pub(crate) fn spend(&self, server: &ServerName, act: Act) -> Result<(), Status> {
        let buckets = match act {
            Act::Deliver => &self.deliveries,
            Act::Ring => &self.rings,
        };
        buckets.take(owner_of(server), Instant::now()).map_err(|wait_s| {
            self.ledger().too_fast();
            let words = format!("{server} does that too often; try again in {wait_s} s");
            refused(Code::ResourceExhausted, "too-fast", words)
        })
    }

    /// What may be done with who calls, which is [`Door::prove`]d as well.
    ///
    /// # Errors
    /// What is answered instead.
    pub async fn admit(
        &self,
        caller: &Caller<Guest>,
        claimed: &str,
    ) -> Result<(Proved, PartnerTerms), Status> {
        let proved = self.prove(caller, claimed)?;
        let standing = self.standing(&proved.server).await?;
        let (me, server) = (self.home.me(), &proved.server);
        match policy_for(&standing, server) {
            Ok(terms) => Ok((proved, terms.clone())),
            Err(NoPartner::Off | NoPartner::NotLicensed) => Err(refused(
                Code::PermissionDenied,
                "federation-off",
                format!("{me} does not meet with other servers"),
            )),
            Err(NoPartner::NotOnWhitelist | NoPartner::OnBlacklist) => Err(refused(
                Code::PermissionDenied,
                "not-allowed",
                format!("{me} does not meet with {server}; ask its administrators to allow it"),
            )),
        }
    }

    pub(crate) async fn standing(&self, server: &ServerName) -> Result<Standing, Status> {
        let standing = self.home.standing(server).await;
        standing.ok_or_else(|| {
            let words = "the server cannot answer now; try again";
            refused(Code::Unavailable, "unavailable", words.into())
        })
    }

    /// A partner said what it should know not to say.
    pub fn misbehaved(&self, server: &ServerName) {
        self.ledger().misbehaved(server, self.home.limits());
    }
}
