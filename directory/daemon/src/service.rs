//! What servers of the enterprise ask over gRPC.

mod feed;

use crate::{
    copy,
    event::Event,
    limits::{HITS, Held},
    refusal::Refusal,
    run::VERSION,
    running::{Counts, Running},
};
use plenary_contracts::directory::v1::{
    CopyEntriesRequest, CopyEntriesResponse, CopyRequest, CopyResponse, FindRequest, FindResponse,
    FromDirectory, FromServer, GetRequest, GetResponse, Hit, ServerStatus, StatusRequest, StatusResponse,
    directory_server::Directory,
};
use plenary_directory_client::{Presence, wire};
use plenary_identity::Program;
use plenary_links::{Caller, Who};
use plenary_model::ServerName;
use plenary_people::{Entry, Kind, Query};
use plenary_people_index::Whose;
use sha2::{Digest as _, Sha256};
use std::{pin::Pin, sync::Arc, time::Instant};
use tokio_stream::Stream;
use tonic::{Request, Response, Status, Streaming};

#[derive(Clone)]
pub(crate) struct Service(pub(crate) Arc<Running>);

/// The server whose node calls.
fn caller<T>(request: &Request<T>) -> Result<(ServerName, Who), Refusal> {
    let caller = request.extensions().get::<Caller<Who>>();
    let who = caller.map(|caller| caller.who.clone());
    let server = who.as_ref().and_then(|who| {
        let program = who.program.as_ref()?;
        let is_node = program.program == Program::Node && (who.still_counts)();
        is_node.then(|| program.server.clone())
    });
    server.zip(who).ok_or(Refusal::NotANode)
}

/// The server whose node asks; one that is connected.
fn asker<T>(running: &Running, request: &Request<T>) -> Result<ServerName, Refusal> {
    let (server, _) = caller(request)?;
    running.must_be_ready()?;
    match running.is_active(&server) {
        true => Ok(server),
        false => Err(copy::or_follows(running, Refusal::NotConnected(server))),
    }
}

/// An instance of this Directory, and nobody else.
fn must_be_ours<T>(running: &Running, request: &Request<T>) -> Result<(), Refusal> {
    let who = request.extensions().get::<Caller<Who>>();
    let is_ours = who.is_some_and(|Caller { who, .. }| {
        let is_ours = who.program.as_ref().is_some_and(|program| {
            program.program == Program::Directory && program.server == running.facts.directory
        });
        is_ours && (who.still_counts)()
    });
    is_ours.then_some(()).ok_or(Refusal::NotAnInstance)
}

impl Service {
    /// Whether somebody may ask now.
    async fn admit(&self, server: &ServerName, user: &str, words: Option<&str>) -> Result<(), Refusal> {
        let running = &self.0;
        Counts::add(&running.counts.queries, 1);
        let held = match running.gate.ask(server, user, words, Instant::now()) {
            Ok(()) => return Ok(()),
            Err(held) => held,
        };
        Counts::add(&running.counts.queries_held, 1);
        match held {
            Held::Often(refusal) => Err(refusal),
            Held::Walks(refusal, tell) => {
                Counts::add(&running.counts.walks, 1);
                if tell {
                    running
                        .note(Event::Walked {
                            server: server.clone(),
                            user: user.to_owned(),
                        })
                        .await;
                }
                Err(refusal)
            }
        }
    }

    fn hit(&self, entry: Entry) -> Hit {
        let presence = match entry.id.kind {
            Kind::User | Kind::Room => self
                .0
                .presences
                .of(&entry.id.server, &entry.id.id, Instant::now()),
            Kind::Group | Kind::Conference => Presence::Unknown,
        };
        Hit {
            presence: wire::presence_to(presence),
            entry: Some(wire::entry_to(entry)),
        }
    }

    async fn look_up(&self, server: ServerName, request: GetRequest) -> Result<GetResponse, Refusal> {
        let viewer = wire::viewer_from(server, request.viewer)?;
        let id = wire::id_from(request.id)?;
        self.admit(&viewer.server, &viewer.user, None).await?;
        let seen = self.0.index.view(&id, &viewer).ok_or(Refusal::NotFound)?;
        let hit = self.hit(seen);
        Ok(GetResponse { hit: Some(hit) })
    }

    async fn look_for(&self, server: ServerName, request: FindRequest) -> Result<FindResponse, Refusal> {
        let viewer = wire::viewer_from(server, request.viewer)?;
        let query = Query::parse(&request.words).map_err(|error| Refusal::BadMessage(error.to_string()))?;
        let kinds = request.kinds.iter().take(Kind::ALL.len());
        let kinds: Vec<Kind> = kinds
            .map(|kind| wire::kind_from(kind))
            .collect::<Result<_, _>>()?;
        self.admit(&viewer.server, &viewer.user, Some(&request.words))
            .await?;
        let most = (request.limit as usize).clamp(1, HITS);
        let (index, own_beside) = (self.0.index.clone(), request.own_beside);
        let turn = self.0.searches.turn().await.inspect_err(|_| {
            Counts::add(&self.0.counts.searches_shed, 1);
        })?;
        // Searching takes processor time only; other requests go on meanwhile.
        let found = tokio::task::spawn_blocking(move || {
            // It ends with the search, also where nobody waits for that any more.
            let _turn = turn;
            // Where only some kinds are wanted, they are taken out of as many as there may be.
            let first = if kinds.is_empty() { most } else { HITS };
            let find = |whose| {
                let mut found = index.find_of(whose, &query, &viewer, first);
                found.retain(|hit| kinds.is_empty() || kinds.contains(&hit.entry.id.kind));
                found.truncate(most);
                found
            };
            match own_beside {
                true => [find(Whose::Own), find(Whose::Others)].concat(),
                false => find(Whose::All),
            }
        });
        let found = found
            .await
            .map_err(|error| Refusal::Away(format!("the search failed ({error})")))?;
        Ok(FindResponse {
            hits: found.into_iter().map(|hit| self.hit(hit.entry)).collect(),
        })
    }

    /// Servers that the asking one sees, and those that see it: whoever finds somebody may call them, and is called back.
    fn overview(&self, asker: &ServerName, request: &StatusRequest) -> StatusResponse {
        let (running, now) = (&self.0, Instant::now());
        let servers = running.servers.borrow();
        let policy = &running.policy;
        let shown: Vec<_> = servers
            .iter()
            .filter(|(_, known)| known.active)
            .filter(|(name, _)| policy.allows(asker, name) || policy.allows(name, asker))
            .collect();
        let mut names = Sha256::new();
        for (name, _) in &shown {
            names.update(name.as_str());
            names.update("\n");
        }
        let names = names.finalize().to_vec();
        let is_known = request.without_servers || request.names == names;
        let shown = shown.into_iter().filter(|_| !is_known);
        let status = shown.map(|(name, known)| match policy.allows(asker, name) {
            true => ServerStatus {
                server: name.to_string(),
                connected: running.presences.is_heard(name, now),
                entries: known.entries,
                changed_ms: known.changed_ms,
                position: known.position,
                sees_only: false,
            },
            false => ServerStatus {
                server: name.to_string(),
                sees_only: true,
                ..ServerStatus::default()
            },
        });
        StatusResponse {
            directory: running.facts.directory.to_string(),
            version: VERSION.to_owned(),
            share: servers.get(asker).map(|known| wire::share_to(&known.share)),
            servers: status.collect(),
            names,
            addresses: running.instances.borrow().clone(),
        }
    }
}

#[tonic::async_trait]
impl Directory for Service {
    type FeedStream = Pin<Box<dyn Stream<Item = Result<FromDirectory, Status>> + Send>>;

    async fn feed(
        &self,
        request: Request<Streaming<FromServer>>,
    ) -> Result<Response<Self::FeedStream>, Status> {
        let (server, who) = caller(&request)?;
        Ok(Response::new(feed::begin(
            self.0.clone(),
            server,
            who,
            request.into_inner(),
        )))
    }

    async fn find(&self, request: Request<FindRequest>) -> Result<Response<FindResponse>, Status> {
        let server = asker(&self.0, &request)?;
        Ok(Response::new(self.look_for(server, request.into_inner()).await?))
    }

    async fn get(&self, request: Request<GetRequest>) -> Result<Response<GetResponse>, Status> {
        let server = asker(&self.0, &request)?;
        Ok(Response::new(self.look_up(server, request.into_inner()).await?))
    }

    async fn copy(&self, request: Request<CopyRequest>) -> Result<Response<CopyResponse>, Status> {
        must_be_ours(&self.0, &request)?;
        Ok(Response::new(copy::tell(&self.0, request.into_inner()).await?))
    }

    async fn copy_entries(
        &self,
        request: Request<CopyEntriesRequest>,
    ) -> Result<Response<CopyEntriesResponse>, Status> {
        must_be_ours(&self.0, &request)?;
        let told = copy::tell_entries(&self.0, request.into_inner()).await?;
        Ok(Response::new(told))
    }

    async fn status(&self, request: Request<StatusRequest>) -> Result<Response<StatusResponse>, Status> {
        let server = asker(&self.0, &request)?;
        Ok(Response::new(self.overview(&server, &request.into_inner())))
    }
}
