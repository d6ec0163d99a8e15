//! Port 4307: who comes, and what is answered.

use crate::{
    Limits,
    attend::{Attending, Hosted, TOLD},
    deliver::{self, Strangers, Unheard, hears_nothing, strangers},
    door::{Door, Guest, PAGES, refused},
    host::{self, Answers, Counts, Unhosted},
    ledger::Ledger,
    look::{self, People},
    names::NameBudget,
    ring::{self, Ringing, Rung},
    watch::{self, Sightings, Watchers},
};
use plenary_access::{FederationPolicy, PartnerTerms, Standing};
use plenary_conference::Delivery;
use plenary_contracts::federation::v1::{
    AttendRequest, DeliverRequest, DeliverResponse, GreetRequest, GreetResponse, LookRequest, LookResponse,
    RingRequest, WatchRequest,
    federation_server::{Federation, FederationServer},
};
use plenary_federation::{Common, Greeting, Pages, Unwelcome, greet};
use plenary_links::{Caller, network_of};
use plenary_model::{Buckets, ServerName};
use std::{net::IpAddr, sync::Arc, time::Instant};
use tonic::{Code, Request, Response, Status, Streaming};

/// Protocols and capabilities that are looked at.
const LISTED: usize = 64;

/// What federation needs of the server around it.
#[async_trait::async_trait]
pub trait Home: People {
    fn me(&self) -> &ServerName;
    /// Who may be met; `None` where that cannot be read now.
    async fn policy(&self) -> Option<FederationPolicy>;
    /// How this server stands to another one; `None` where that cannot be read now. What may be done follows by
    /// [`policy_for`](plenary_access::policy_for).
    async fn standing(&self, server: &ServerName) -> Option<Standing> {
        let _ = server;
        self.policy().await.map(Standing::by)
    }
    /// Ends when people of that server may attend conferences of this one no more. `by_call`: who came by a call of two; what
    /// counts for them depends on what became of it, so that [`Hosted::part`] may have them leave sooner.
    async fn parted(&self, server: &ServerName, by_call: bool);
    /// A connection with a server is gone that somebody used: it may be that a node of it is, and what else leads there.
    fn doubt(&self, server: &ServerName) {
        let _ = server;
    }
    /// A partner, which has proven its name and may do that, calls somebody of this server. That there is nobody of that
    /// name is an answer, too.
    async fn ring(
        self: Arc<Self>,
        server: &ServerName,
        terms: &PartnerTerms,
        whom: Ringing,
    ) -> Result<Rung, Unhosted>;
    /// Somebody of a partner's server, which has proven its name and may do that, comes into a conference of this one.
    async fn host(
        &self,
        server: &ServerName,
        terms: &PartnerTerms,
        who: Attending,
    ) -> Result<Hosted, Unhosted>;
    /// A partner's server, which has proven its name and whose conferences people of this one may attend, tells of them. Gives
    /// what was not taken.
    async fn hear(&self, server: &ServerName, deliveries: Vec<Delivery>) -> Result<Unheard, Unhosted> {
        let _ = (server, deliveries);
        Err(hears_nothing())
    }
    /// Where browsers find the pages of this server, the best address first.
    fn pages(&self) -> Vec<Pages> {
        Vec::new()
    }
    /// Where it is noted how partners are.
    fn ledger(&self) -> &Ledger;
    fn limits(&self) -> &Limits;
}

struct Service {
    home: Arc<dyn Home>,
    door: Arc<Door>,
    greetings: Buckets<IpAddr>,
    attending: Arc<Counts>,
    ringing: Arc<Counts>,
    names: Arc<NameBudget>,
    watchers: Watchers,
    strangers: Strangers,
}

/// The service, to be mounted on connections of [`identify`](crate::identify).
pub fn service(home: Arc<dyn Home>) -> FederationServer<impl Federation> {
    let Limits {
        greetings,
        message_bytes,
        ..
    } = *home.limits();
    let service = Service {
        door: Arc::new(Door::new(home.clone())),
        names: Arc::default(),
        watchers: Watchers::default(),
        home,
        greetings: Buckets::new(greetings.0, greetings.1),
        attending: Arc::default(),
        strangers: strangers(),
        ringing: Arc::default(),
    };
    FederationServer::new(service)
        .max_decoding_message_size(message_bytes)
        .max_encoding_message_size(TOLD)
}

/// Who is not met may come as a guest: to where the pages are.
fn unwelcome(why: &Unwelcome, pages: Option<&Pages>) -> Status {
    let mut status = refused(Code::PermissionDenied, why.code(), why.to_string());
    if let Some(said) = pages.and_then(|pages| pages.to_string().parse().ok()) {
        status.metadata_mut().insert(PAGES, said);
    }
    status
}

#[tonic::async_trait]
impl Federation for Service {
    type AttendStream = Answers;
    type RingStream = ring::Answers;

    async fn attend(&self, request: Request<Streaming<AttendRequest>>) -> Result<Response<Answers>, Status> {
        self.counted(host::attend(&self.home, &self.door, &self.attending, request).await)
    }

    async fn ring(
        &self,
        request: Request<Streaming<RingRequest>>,
    ) -> Result<Response<ring::Answers>, Status> {
        self.counted(ring::ring(&self.home, &self.door, &self.ringing, request).await)
    }

    type WatchStream = Sightings;

    async fn look(&self, request: Request<LookRequest>) -> Result<Response<LookResponse>, Status> {
        self.counted(look::look(&self.home, &self.door, &self.names, request).await)
    }

    async fn watch(&self, request: Request<Streaming<WatchRequest>>) -> Result<Response<Sightings>, Status> {
        self.counted(watch::watch(&self.home, &self.door, &self.names, &self.watchers, request).await)
    }

    async fn deliver(&self, request: Request<DeliverRequest>) -> Result<Response<DeliverResponse>, Status> {
        self.counted(deliver::deliver(&self.home, &self.door, &self.strangers, request).await)
    }

    async fn greet(&self, request: Request<GreetRequest>) -> Result<Response<GreetResponse>, Status> {
        self.counted(self.answer(request).await)
    }
}

impl Service {
    /// Counts why, where something is refused.
    #[allow(clippy::result_large_err)] // The error type is tonic's.
    fn counted<T>(&self, answer: Result<T, Status>) -> Result<T, Status> {
        answer.inspect_err(|status| {
            let code = status.metadata().get("plenary-code");
            let code = code.and_then(|code| code.to_str().ok());
            self.home.ledger().refuses(code.unwrap_or_default());
        })
    }

    async fn answer(&self, request: Request<GreetRequest>) -> Result<Response<GreetResponse>, Status> {
        let caller = request.extensions().get::<Caller<Guest>>().cloned();
        let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
        if let Err(wait_s) = self
            .greetings
            .take(network_of(caller.address.ip()), Instant::now())
        {
            self.home.ledger().too_fast();
            let words = format!("too many greetings from your network; try again in {wait_s} s");
            return Err(refused(Code::ResourceExhausted, "too-fast", words));
        }
        let GreetRequest {
            server,
            wanted,
            mut protocols,
            mut capabilities,
            pages,
        } = request.into_inner();
        let proved = self.door.prove(&caller, &server)?;
        protocols.truncate(LISTED);
        capabilities.truncate(LISTED);
        let wanted = wanted.parse().map_err(|error| {
            self.door.misbehaved(&proved.server);
            refused(Code::InvalidArgument, "bad-request", format!("wanted: {error}"))
        })?;
        let greeting = Greeting {
            server: proved.server,
            wanted,
            protocols,
        };
        let standing = self.door.standing(&greeting.server).await?;
        let me = self.home.me();
        let answer = greet(me, &standing, &greeting);
        let ledger = self.home.ledger();
        match answer {
            Ok(welcome) => {
                ledger.came(&greeting.server, &proved.certificate, None);
                let theirs = Pages::all_of(&greeting.server, pages.iter().map(String::as_str));
                ledger.says(&greeting.server, theirs);
                Ok(Response::new(GreetResponse {
                    server: me.to_string(),
                    protocol: welcome.protocol,
                    capabilities: Common::of(&capabilities).names(),
                    pages: self.home.pages().iter().map(ToString::to_string).collect(),
                }))
            }
            Err(why) => {
                tracing::debug!(server = %greeting.server, address = %caller.address, reason = why.code(), "a server was refused");
                // Whom the lists do not admit is anybody with a domain; they shall not push others out of the notes.
                if standing.admits(&greeting.server).is_ok() {
                    let words = format!("it came and was refused: {why}");
                    ledger.came(&greeting.server, &proved.certificate, Some(words));
                } else {
                    ledger.turned_away();
                }
                Err(unwelcome(&why, self.home.pages().first()))
            }
        }
    }
}
