//! Port 4307: who comes, and what is answered.

use crate::{
    attend::{Attending, SAID, TOLD, Visit},
    host::{self, Answers, Counts, Unhosted},
};
use plenary_access::FederationPolicy;
use plenary_contracts::federation::v1::{
    AttendRequest, GreetRequest, GreetResponse,
    federation_server::{Federation, FederationServer},
};
use plenary_federation::{Greeting, Unwelcome, greet};
use plenary_identity::{Authorities, PartnerRefusal};
use plenary_links::{Bounds, Caller, Known};
use plenary_model::{Buckets, ServerName};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio_rustls::rustls::{ServerConnection, pki_types::CertificateDer};
use tonic::{Code, Request, Response, Status, Streaming, metadata::MetadataValue};

/// The longest message that is heard, in bytes.
const MESSAGE: usize = SAID + 8 * 1024;
/// Protocols and capabilities that are looked at.
const LISTED: usize = 64;
/// First words of one address: so many at once, and so many a second in the long run.
const GREETINGS: (f64, f64) = (20.0, 1.0);

/// What the port bears of whoever comes. A partner has one connection from each of its nodes.
pub const BOUNDS: Bounds = Bounds {
    handshakes: (64, 16),
    handshake_within: Duration::from_secs(5),
    strangers: (64, 16),
    stranger_lifetime: Duration::from_secs(30),
    port: "federation",
};

/// What federation needs of the server around it.
#[async_trait::async_trait]
pub trait Home: Send + Sync + 'static {
    fn me(&self) -> &ServerName;
    /// Who may be met; `None` where that cannot be read now.
    async fn policy(&self) -> Option<FederationPolicy>;
    /// Ends when this server does not meet with that one any more.
    async fn parted(&self, server: &ServerName);
    /// Somebody of a partner's server, which has proven its name and is met, comes into a conference of this one.
    async fn host(&self, server: &ServerName, who: Attending) -> Result<Visit, Unhosted>;
}

/// Who is at the other end of a connection: the certificates that were shown.
#[derive(Debug, Clone)]
pub struct Guest {
    chain: Arc<[CertificateDer<'static>]>,
    authorities: Authorities,
}

impl Guest {
    /// Whether it may speak for this domain.
    fn speaks_for(&self, domain: &ServerName) -> Result<(), PartnerRefusal> {
        let checked = self
            .authorities
            .check(domain.as_str(), &[], &self.chain, SystemTime::now());
        checked.map(drop)
    }

    /// The same, for who claims to be that server.
    pub(crate) fn proves(&self, server: &ServerName, address: SocketAddr) -> Result<(), Status> {
        self.speaks_for(server).map_err(|why| {
            tracing::info!(%server, %address, reason = %why, "somebody who does not prove it claimed to be a server");
            let words = format!("this server does not believe that you are {server}: {why}");
            refused(Code::Unauthenticated, "not-believed", words)
        })
    }
}

impl Known for Guest {
    /// Whoever speaks for some domain may stay; what it may do is asked anew each time.
    fn is_known(&self) -> bool {
        self.authorities.names(&self.chain).iter().any(|name| {
            let checked = self.authorities.check(name, &[], &self.chain, SystemTime::now());
            checked.is_ok()
        })
    }
}

/// Reads from a finished handshake who is at the other end.
pub fn identify(authorities: &Authorities, connection: &ServerConnection) -> Guest {
    let chain = connection.peer_certificates().unwrap_or_default();
    Guest {
        chain: chain.iter().map(|one| one.clone().into_owned()).collect(),
        authorities: authorities.clone(),
    }
}

struct Service {
    home: Arc<dyn Home>,
    greetings: Buckets<IpAddr>,
    attending: Arc<Counts>,
}

/// The service, to be mounted on connections of [`identify`].
pub fn service(home: Arc<dyn Home>) -> FederationServer<impl Federation> {
    let service = Service {
        home,
        greetings: Buckets::new(GREETINGS.0, GREETINGS.1),
        attending: Arc::default(),
    };
    FederationServer::new(service)
        .max_decoding_message_size(MESSAGE)
        .max_encoding_message_size(TOLD)
}

/// A refusal with a code for programs.
pub(crate) fn refused(grpc: Code, code: &'static str, words: String) -> Status {
    let mut status = Status::new(grpc, words);
    status
        .metadata_mut()
        .insert("plenary-code", MetadataValue::from_static(code));
    status
}

pub(crate) fn unwelcome(why: &Unwelcome) -> Status {
    refused(Code::PermissionDenied, why.code(), why.to_string())
}

pub(crate) fn unreadable() -> Status {
    let words = "the server cannot answer now; try again";
    refused(Code::Unavailable, "unavailable", words.into())
}

/// The name of a server, in this field.
pub(crate) fn name(text: &str, field: &str) -> Result<ServerName, Status> {
    let name: Result<ServerName, _> = text.parse();
    name.map_err(|error| refused(Code::InvalidArgument, "bad-request", format!("{field}: {error}")))
}

#[tonic::async_trait]
impl Federation for Service {
    type AttendStream = Answers;

    async fn attend(&self, request: Request<Streaming<AttendRequest>>) -> Result<Response<Answers>, Status> {
        host::attend(&self.home, &self.attending, request).await
    }

    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<GreetResponse>, Status> {
        let caller = request.extensions().get::<Caller<Guest>>().cloned();
        let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
        if let Err(wait_s) = self.greetings.take(caller.address.ip(), Instant::now()) {
            let words = format!("too many greetings from your address; try again in {wait_s} s");
            return Err(refused(Code::ResourceExhausted, "too-fast", words));
        }
        let GreetRequest {
            server,
            wanted,
            mut protocols,
            ..
        } = request.into_inner();
        protocols.truncate(LISTED);
        let greeting = Greeting {
            server: name(&server, "server")?,
            wanted: name(&wanted, "wanted")?,
            protocols,
        };
        caller.who.proves(&greeting.server, caller.address)?;
        let policy = self.home.policy().await.ok_or_else(unreadable)?;
        let me = self.home.me();
        let welcome = greet(me, &policy, &greeting).map_err(|why| {
            tracing::info!(server = %greeting.server, address = %caller.address, reason = why.code(), "a server was refused");
            unwelcome(&why)
        })?;
        Ok(Response::new(GreetResponse {
            server: me.to_string(),
            protocol: welcome.protocol,
            capabilities: Vec::new(),
        }))
    }
}
