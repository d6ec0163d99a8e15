//! Border Controllers: this node enrols those that have a token, and dials those that are enrolled (ENT-04).
//!
//! ```text
//!  replicated list ──► one task for each controller: enrol, or tunnel, again and again
//!                                                     └──► outside: the web server behind a filter, or the federation's door
//! ```

mod body;
pub(crate) mod counted;
mod links;
mod media;
pub(crate) mod outside;
pub(crate) mod partners;
mod said;

use crate::{
    config::Config,
    door::Doors,
    options::{system, web_names},
    server::{Server, VERSION},
    turn::Turn,
};
use axum::Router;
use counted::Counted;
use outside::Outside;
use plenary_access::{Actor, BorderController, BorderPolicy, BorderStage, Change, Command, Outcome, Refusal};
use plenary_border::{HostName, Offer, Policy, Service};
use plenary_border_client::{
    EnrolError, Enrolments, FromOutside, Inside, Target, enrol, quic::STREAMS, tunnel,
};
use plenary_cluster_io::clock_ms;
use plenary_contracts::border::v1::Figures;
use plenary_identity::{JoinSecret, PROGRAM_LIFETIME, WebName, WebTls};
use plenary_model::{NodeId, NodeName, Revision, ServerName, Timestamp};
use plenary_rest_api::{
    Backend as _,
    backend::{Applied, ReadError, WriteError},
    border::{Border, ControllerSeen, TunnelSeen},
};
use plenary_store::{Changes, queries};
use quinn::Endpoint;
use rustls_pki_types::CertificateDer;
use std::{
    collections::{BTreeMap, BTreeSet},
    convert::Infallible,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::{
    sync::{broadcast, watch},
    task::{AbortHandle, JoinSet},
};

/// Between the beginnings of two attempts to reach a controller, and from the end of one to the next.
const AGAIN: Duration = Duration::from_secs(1);
const SOON: Duration = Duration::from_millis(200);

/// What this node knows of its tunnels, and of who came through them.
#[derive(Debug, Default)]
pub(crate) struct Tunnels {
    seen: Mutex<BTreeMap<NodeId, TunnelSeen>>,
    counted: Arc<Counted>,
}

impl Tunnels {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<NodeId, TunnelSeen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many are there.
    fn up(&self) -> usize {
        self.lock().values().filter(|seen| seen.up.is_some()).count()
    }

    fn note(&self, id: NodeId, change: impl FnOnce(&mut TunnelSeen)) {
        change(self.lock().entry(id).or_default());
    }
}

/// What is offered to clients from outside: the names of the pages, and that by which partners ask for the server where it meets
/// with them.
fn offer(names: &[WebName], partners: Option<&ServerName>) -> Offer {
    let names = names.iter().filter_map(|name| match name {
        WebName::Dns(name) if name != "localhost" => name.parse::<HostName>().ok(),
        _ => None,
    });
    let web: BTreeSet<HostName> = names.take(Offer::NAMES).collect();
    let mut names = BTreeMap::from([(Service::Web, web)]);
    if let Some(server) = partners.and_then(|server| server.as_str().parse().ok()) {
        names.insert(Service::Federation, BTreeSet::from([server]));
    }
    Offer {
        names,
        drains: false,
        most: STREAMS as usize,
    }
}

/// What this node does for clients from outside, until the task is dropped. Nothing where it serves no HTTPS.
pub(crate) fn work(
    server: &Arc<Server>,
    config: &Config,
    (app, tls, doors): (&Router, Option<&WebTls>, &Doors),
    (media, turn): (plenary_media_io::Outside, Arc<Turn>),
    partners: Option<partners::Door>,
    changes: broadcast::Receiver<Changes>,
    draining: &watch::Receiver<bool>,
) -> impl Future<Output = ()> + Send + use<> {
    let names = web_names(config, &server.facts);
    let offer = offer(&names, partners.as_ref().map(|_| &server.facts.server));
    let hosts = offer.names.get(&Service::Web).into_iter().flatten();
    let hosts = hosts.map(ToString::to_string).collect();
    let outside = tls.map(|tls| {
        let web = (app.clone(), tls.clone(), doors.clone());
        Outside::new(web, hosts, partners, server.border.counted.clone())
    });
    let (server, draining) = (server.clone(), draining.clone());
    async move {
        if let Some(outside) = outside {
            let inwards = Inwards { outside, media, turn };
            follow(server, inwards, offer, changes, draining).await;
        }
    }
}

/// What controllers are told that the server wants.
fn policy_of(wanted: BorderPolicy) -> Policy {
    Policy {
        version: wanted.changed_at.0,
        deny: wanted.deny,
        connections_per_network: wanted.connections_per_network,
        rate_per_network: wanted.rate_per_network,
        flows_per_network: wanted.flows_per_network,
    }
}

/// Where what comes from outside goes.
#[derive(Clone)]
struct Inwards {
    outside: Outside,
    media: plenary_media_io::Outside,
    turn: Arc<Turn>,
}

/// Follows the replicated list until the task is dropped: each controller has a task, which ends with it.
async fn follow(
    server: Arc<Server>,
    inwards: Inwards,
    offer: Offer,
    mut changes: broadcast::Receiver<Changes>,
    mut draining: watch::Receiver<bool>,
) {
    let (offers, _) = watch::channel(offer);
    let (policies, _) = watch::channel(Policy::default());
    let mut tasks: JoinSet<()> = JoinSet::new();
    let mut at_work: BTreeMap<NodeId, (Revision, AbortHandle)> = BTreeMap::new();
    loop {
        offers.send_if_modified(|offer| {
            let drains = *draining.borrow_and_update();
            std::mem::replace(&mut offer.drains, drains) != drains
        });
        match server.query(queries::settings).await {
            Ok(settings) => drop(policies.send_if_modified(|known| {
                let wanted = policy_of(settings.border);
                std::mem::replace(known, wanted.clone()) != wanted
            })),
            Err(error) => tracing::error!(%error, "what Border Controllers let in cannot be read"),
        }
        match server.query(queries::border_controllers).await {
            Ok(all) => {
                let there: BTreeMap<_, _> = all
                    .iter()
                    .filter(|one| one.is_there())
                    .map(|one| (one.id, one))
                    .collect();
                at_work.retain(|id, (revision, task)| {
                    let same = there.get(id).is_some_and(|one| one.revision == *revision);
                    if !same {
                        task.abort();
                    }
                    same
                });
                server.border.lock().retain(|id, _| there.contains_key(id));
                for (id, one) in there {
                    at_work.entry(id).or_insert_with(|| {
                        let told = (offers.subscribe(), policies.subscribe());
                        let work = attend(server.clone(), one.clone(), inwards.clone(), told);
                        (one.revision, tasks.spawn(work))
                    });
                }
            }
            Err(error) => tracing::error!(%error, "the Border Controllers of the server cannot be read"),
        }
        // Tasks that were aborted are not to be kept.
        while tasks.try_join_next().is_some() {}
        tokio::select! {
            changed = changes.recv() => match changed {
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => return,
            },
            Ok(()) = draining.changed() => {}
        }
        // Many changes at once are looked at once.
        while let Ok(_) | Err(broadcast::error::TryRecvError::Lagged(_)) = changes.try_recv() {}
    }
}

/// Enrols one controller, or keeps a tunnel to it, until the task is dropped.
async fn attend(
    server: Arc<Server>,
    one: BorderController,
    inwards: Inwards,
    told: (watch::Receiver<Offer>, watch::Receiver<Policy>),
) {
    loop {
        let attempt = Attempt::begin();
        let trouble = match &one.stage {
            BorderStage::Invited { secret, expires_at } if expires_at.0 > clock_ms() => {
                // The list says that it is enrolled before it has its certificate, and this task ends with that.
                let welcomed = tokio::spawn(welcome(server.clone(), one.clone(), *secret));
                match welcomed.await {
                    Ok(Ok(())) => String::new(),
                    Ok(Err(trouble)) => trouble,
                    Err(error) => error.to_string(),
                }
            }
            BorderStage::Invited { .. } => "its token was not used in time; make another one".to_owned(),
            BorderStage::Enrolled => tokio::select! {
                never = stay(&server, &one, &inwards.outside, &told) => match never {},
                never = media::keep(&server, &one, (&inwards.media, &inwards.turn)) => match never {},
                never = links::keep(&server, &one) => match never {},
            },
            BorderStage::Removed => return,
        };
        note_trouble(&server, &one, trouble);
        attempt.pause().await;
    }
}

fn note_trouble(server: &Server, one: &BorderController, trouble: String) {
    server.border.note(one.id, |seen| {
        if seen.trouble != trouble && !trouble.is_empty() {
            tracing::info!(controller = %one.name, %trouble, "there is no tunnel to a Border Controller");
        }
        seen.up = None;
        // What is of this moment is over with it.
        seen.mtu = None;
        seen.sources.clear();
        seen.trouble = trouble;
    });
}

/// Keeps a tunnel to a controller. Those for media are kept beside it, and know by themselves how they stand.
async fn stay(
    server: &Arc<Server>,
    one: &BorderController,
    outside: &Outside,
    told: &(watch::Receiver<Offer>, watch::Receiver<Policy>),
) -> Infallible {
    loop {
        let attempt = Attempt::begin();
        let trouble = hold(server, one, outside, told.clone()).await;
        note_trouble(server, one, trouble);
        attempt.pause().await;
    }
}

/// One of many to reach a controller.
struct Attempt(Instant);

impl Attempt {
    fn begin() -> Self {
        Self(Instant::now())
    }

    /// Until the next one: who was refused at once waits, who heard nothing for seconds tries again soon.
    async fn pause(self) {
        let left = AGAIN.saturating_sub(self.0.elapsed());
        tokio::time::sleep(left.max(SOON)).await;
    }
}

async fn find(address: &str) -> Result<(Endpoint, SocketAddr), String> {
    let mut found = tokio::net::lookup_host(address)
        .await
        .map_err(|error| format!("its address {address} is not found: {error}"))?;
    let to = found
        .next()
        .ok_or_else(|| format!("its address {address} is not found"))?;
    let from: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let endpoint = Endpoint::client(from).map_err(|error| format!("no socket can be opened: {error}"))?;
    Ok((endpoint, to))
}

/// Nobody else may answer there.
fn target(one: &BorderController, address: SocketAddr) -> Target {
    Target {
        name: one.name.clone(),
        member: one.id,
        address,
    }
}

async fn welcome(server: Arc<Server>, one: BorderController, secret: [u8; 32]) -> Result<(), String> {
    let (endpoint, address) = find(&one.address).await?;
    let desk = Desk {
        server: &server,
        controller: &one,
        secret: &secret,
    };
    let invitation = (&*token_name(one.id), &secret);
    match enrol(
        &endpoint,
        address,
        &server.identity,
        invitation,
        clock_ms(),
        &desk,
    )
    .await
    {
        Ok(()) => {
            tracing::info!(controller = %one.name, "a Border Controller was enrolled");
            Ok(())
        }
        Err(EnrolError::Unreached(error)) => Err(format!("it does not wait at {}: {error}", one.address)),
        Err(error) => Err(plenary_identity::explain(&error)),
    }
}

/// The public part of the token of a controller.
fn token_name(id: NodeId) -> String {
    format!("border-{id}")
}

struct Desk<'a> {
    server: &'a Arc<Server>,
    controller: &'a BorderController,
    secret: &'a [u8; 32],
}

#[async_trait::async_trait]
impl Enrolments for Desk<'_> {
    async fn enter(&self, request: &[u8], version: &str) -> Result<Vec<CertificateDer<'static>>, String> {
        let BorderController { id, name, .. } = self.controller;
        let change = Change::EnrolController {
            id: *id,
            secret: *self.secret,
        };
        let command = Command {
            by: system(),
            idempotency: None,
            change,
        };
        let applied = self
            .server
            .propose_command(&command)
            .await
            .map_err(|error| error.to_string())?;
        let Outcome::Admitted { .. } = applied.outcome else {
            return Err("an internal error; see the log of the node that was asked".into());
        };
        tracing::info!(controller = %name, version, "a Border Controller used its token");
        let certified = self
            .server
            .identity
            .certify_controller(name, *id, request, PROGRAM_LIFETIME);
        certified.map_err(|error| error.to_string())
    }
}

/// Keeps a tunnel; says why it ended.
async fn hold(
    server: &Arc<Server>,
    one: &BorderController,
    outside: &Outside,
    told: (watch::Receiver<Offer>, watch::Receiver<Policy>),
) -> String {
    let (endpoint, address) = match find(&one.address).await {
        Ok(found) => found,
        Err(trouble) => return trouble,
    };
    let target = target(one, address);
    let inside = Attendant {
        server: server.clone(),
        outside: outside.clone(),
    };
    let Err(error) = tunnel::run(&endpoint, &server.identity, &target, VERSION, told, &inside).await;
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

struct Attendant {
    server: Arc<Server>,
    outside: Outside,
}

impl Inside for Attendant {
    fn serve(&self, client: FromOutside) {
        self.outside.serve(client);
    }

    fn certify(&self, target: &Target, request: &[u8]) -> Option<Vec<CertificateDer<'static>>> {
        let identity = &self.server.identity;
        let made = identity.certify_controller(&target.name, target.member, request, PROGRAM_LIFETIME);
        made.inspect_err(|error| tracing::warn!(%error, controller = %target.name, "a Border Controller gets no certificate"))
            .ok()
    }

    fn hear(&self, target: &Target, version: &str, figures: Option<Figures>) {
        self.server.border.note(target.member, |seen| {
            seen.up.get_or_insert_with(|| self.server.now_ms());
            seen.trouble.clear();
            version.clone_into(&mut seen.version);
            if let Some(figures) = figures {
                said::note(seen, figures);
            }
        });
    }
}

impl Server {
    async fn propose_border(&self, by: Actor, change: Change) -> Result<Applied, WriteError> {
        let command = Command {
            by,
            idempotency: None,
            change,
        };
        self.propose(command).await
    }
}

#[async_trait::async_trait]
impl Border for Server {
    async fn controllers(&self) -> Result<Vec<ControllerSeen>, ReadError> {
        let all = self.query(queries::border_controllers).await?;
        let tunnels = self.border.lock();
        let seen = all.into_iter().filter(BorderController::is_there);
        let mut seen: Vec<_> = seen
            .map(|controller| ControllerSeen {
                tunnel: tunnels.get(&controller.id).cloned().unwrap_or_default(),
                controller,
            })
            .collect();
        seen.sort_by(|a, b| a.controller.name.cmp(&b.controller.name));
        Ok(seen)
    }

    fn refused_from_outside(&self) -> Vec<(String, u64)> {
        let all = self.border.counted.refused().filter(|(_, count)| *count > 0);
        all.map(|(reason, count)| (reason.to_owned(), count)).collect()
    }

    async fn invite_controller(
        &self,
        by: Actor,
        name: NodeName,
        address: String,
        ttl_s: u64,
    ) -> Result<(String, Timestamp), WriteError> {
        let internal = |error: plenary_identity::IdentityError| WriteError::Internal(Box::new(error));
        let secret = JoinSecret::random().map_err(internal)?;
        let change = Change::InviteController {
            name,
            address: address.clone(),
            secret: secret.hash(),
            ttl_s,
        };
        let applied = self.propose_border(by, change).await?;
        let Outcome::Admitted { node } = applied.outcome else {
            return Err(WriteError::Internal("the invitation has no number".into()));
        };
        let expires = Timestamp(clock_ms()).plus_ms(ttl_s.saturating_mul(1000));
        let token = self
            .identity
            .controller_token(token_name(node), secret, address, expires.0);
        Ok((token.encode(), expires))
    }

    async fn remove_controller(&self, by: Actor, name: NodeName) -> Result<(), WriteError> {
        let all = self.query(queries::border_controllers).await;
        let all = all.map_err(|error| WriteError::Internal(error.into()))?;
        let found = all.into_iter().find(|one| one.is_there() && one.name == name);
        let found = found.ok_or_else(|| Refusal::NotFound {
            what: "border controller".into(),
            id: name.to_string(),
        })?;
        self.propose_border(by, Change::RemoveController { id: found.id })
            .await
            .map(drop)
    }
}
