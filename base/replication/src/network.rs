//! openraft's sending side over links.

use std::{
    future::Future,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, future::BoxFuture, stream::BoxStream};
use openraft::{
    errors::{RPCError, ReplicationClosed, StreamingError, Unreachable},
    network::{Backoff, RPCOption, RaftNetworkFactory, RaftNetworkV2},
    raft::{
        AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, StreamAppendResult,
        TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
    },
};
use plenary_contracts::replication::v1 as pb;
use prost::Message;

use crate::{
    link::{Kind, Link, LinkError, Links},
    log::LogStore,
    options::Member,
    state::{Copy, StateView},
    transfer,
    types::{Snapshot, Types, Vote},
    wire::{self, Malformed},
};

type RpcError = RPCError<Types>;

/// Makes senders.
pub(crate) struct Network {
    pub(crate) links: Arc<dyn Links>,
    pub(crate) view: Arc<StateView>,
    pub(crate) log: LogStore,
}

impl RaftNetworkFactory<Types> for Network {
    type Network = Sender;

    async fn new_client(&mut self, target: u64, node: &Member) -> Sender {
        Sender {
            link: self.links.link(target, &node.address),
            view: self.view.clone(),
            log: self.log.clone(),
            heartbeat: false,
            failed: 0,
        }
    }

    async fn new_heartbeat_client(&mut self, target: u64, node: &Member) -> Sender {
        Sender {
            heartbeat: true,
            ..self.new_client(target, node).await
        }
    }
}

/// Sends to one member.
pub(crate) struct Sender {
    link: Arc<dyn Link>,
    view: Arc<StateView>,
    log: LogStore,
    /// Heartbeats are calls of their own, so that they never wait behind entries.
    heartbeat: bool,
    /// Streams in a row that did not open.
    failed: usize,
}

/// Waits before the next attempt after so many failures in a row; then the last one again and again.
const WAITS: [Duration; 5] = [
    Duration::from_millis(10),
    Duration::from_millis(20),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(200),
];

/// A stream is given this long to open; once open, the link's keep-alive watches over it.
const OPENING: Duration = Duration::from_secs(2);

fn unreachable(error: &(impl std::error::Error + 'static)) -> Unreachable<Types> {
    Unreachable::new(error)
}

fn rpc_error(error: &(impl std::error::Error + 'static)) -> RpcError {
    RPCError::Unreachable(unreachable(error))
}

impl Sender {
    async fn call<M: Message + Default>(&self, kind: Kind, message: &impl Message) -> Result<M, RpcError> {
        let answer = self
            .link
            .call(kind, message.encode_to_vec().into())
            .await
            .map_err(|error| rpc_error(&error))?;
        M::decode(answer).map_err(|error| rpc_error(&error))
    }

    async fn ask_for_vote(
        &self,
        kind: Kind,
        request: VoteRequest<Types>,
    ) -> Result<VoteResponse<Types>, RpcError> {
        let message = pb::VoteRequest {
            vote: Some(wire::vote_to(&request.vote)),
            last: request.last_log_id.as_ref().map(wire::log_id_to),
            leadership_transfer: request.leadership_transfer,
        };
        let answer: pb::VoteAnswer = self.call(kind, &message).await?;
        let vote = wire::required_vote(answer.vote.as_ref()).map_err(|error| rpc_error(&error))?;
        Ok(VoteResponse::new(
            vote,
            answer.last.as_ref().map(wire::log_id_from),
            answer.granted,
        ))
    }
}

impl RaftNetworkV2<Types> for Sender {
    type SnapshotData = Copy;

    async fn append_entries(
        &mut self,
        request: AppendEntriesRequest<Types>,
        _option: RPCOption,
    ) -> Result<AppendEntriesResponse<Types>, RpcError> {
        let last = request
            .entries
            .last()
            .map(|entry| entry.log_id)
            .or(request.prev_log_id);
        let answer = self.link.call(Kind::Append, wire::append_to(request)).await;
        let answer = answer.map_err(|error| rpc_error(&error))?;
        let result = wire::append_answer_from(answer).map_err(|error| rpc_error(&error))?;
        Ok(match result {
            Ok(accepted) if accepted == last => AppendEntriesResponse::Success,
            Ok(accepted) => AppendEntriesResponse::PartialSuccess(accepted),
            Err(openraft::raft::StreamAppendError::Conflict(_)) => AppendEntriesResponse::Conflict,
            Err(openraft::raft::StreamAppendError::HigherVote(vote)) => {
                AppendEntriesResponse::HigherVote(vote)
            }
        })
    }

    fn stream_append<'s, S>(
        &'s mut self,
        input: S,
        option: RPCOption,
    ) -> BoxFuture<'s, Result<BoxStream<'s, Result<StreamAppendResult<Types>, RpcError>>, RpcError>>
    where
        S: Stream<Item = AppendEntriesRequest<Types>> + Send + Unpin + 'static,
    {
        if self.heartbeat {
            return openraft::network::stream_append_sequential(self, input, option);
        }
        Box::pin(async move {
            let outrun = Arc::new(AtomicBool::new(false));
            let (log, noticed) = (self.log.clone(), outrun.clone());
            let frames = input
                .take_while(move |request| {
                    // It is empty because what follows was purged before it could be read.
                    let next = request.prev_log_id.map_or(0, |id| id.index + 1);
                    let purged = request.entries.is_empty() && next < log.first_index();
                    noticed.fetch_or(purged, Ordering::Relaxed);
                    std::future::ready(!purged)
                })
                .map(wire::append_to)
                .boxed();
            let opening = tokio::time::timeout(OPENING, self.link.exchange(Kind::Append, frames)).await;
            let opened = opening.unwrap_or_else(|_| Err(LinkError::Unreachable("no answer".into())));
            let answers = match opened {
                Ok(answers) => answers,
                Err(error) => {
                    // The core's own waits are taken between requests of an open stream: there is none.
                    let wait = WAITS[self.failed.min(WAITS.len() - 1)];
                    self.failed += 1;
                    tokio::time::sleep(wait).await;
                    return Err(rpc_error(&error));
                }
            };
            self.failed = 0;
            let results = answers.map(|answer| {
                let answer = answer.map_err(|error| rpc_error(&error))?;
                wire::append_answer_from(answer).map_err(|error| rpc_error(&error))
            });
            let end = futures::stream::once(async move {
                // An error makes the core look again at what this member needs.
                let error = LinkError::Unreachable("the log before it was purged".into());
                outrun.load(Ordering::Relaxed).then(|| Err(rpc_error(&error)))
            });
            Ok(results.chain(end.filter_map(std::future::ready)).boxed() as BoxStream<'s, _>)
        })
    }

    async fn vote(
        &mut self,
        request: VoteRequest<Types>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Types>, RpcError> {
        self.ask_for_vote(Kind::Vote, request).await
    }

    async fn pre_vote(
        &mut self,
        request: VoteRequest<Types>,
        _option: RPCOption,
    ) -> Result<VoteResponse<Types>, RpcError> {
        self.ask_for_vote(Kind::PreVote, request).await
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: Snapshot,
        cancel: impl Future<Output = ReplicationClosed> + Send + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<Types>, StreamingError<Types>> {
        let file = match snapshot.snapshot {
            Copy::Live => None,
            Copy::File(path) => Some(path),
        };
        let sending = send_copy(self.link.as_ref(), &self.view, vote, file);
        tokio::select! {
            biased;
            closed = cancel => Err(closed.into()),
            answer = sending => {
                let answer = answer.map_err(|error| StreamingError::Unreachable(unreachable(&error)))?;
                Ok(SnapshotResponse::new(answer))
            }
        }
    }

    async fn transfer_leader(
        &mut self,
        request: TransferLeaderRequest<Types>,
        _option: RPCOption,
    ) -> Result<TransferLeaderResponse<Types>, RpcError> {
        let message = pb::TransferLeader {
            from: Some(wire::vote_to(request.from_leader())),
            to: *request.to_node_id(),
            last: request.last_log_id().map(wire::log_id_to),
        };
        let answer: pb::TransferLeaderAnswer = self.call(Kind::TransferLeader, &message).await?;
        if answer.refused.is_empty() {
            return Ok(Ok(()));
        }
        Err(rpc_error(&LinkError::Refused(answer.refused)))
    }

    fn backoff(&self) -> Option<Backoff> {
        let last = WAITS[WAITS.len() - 1];
        Some(Backoff::new(WAITS.into_iter().chain(std::iter::repeat(last))))
    }
}

/// Copies the state as it is now and sends it.
async fn send_copy(
    link: &dyn Link,
    view: &Arc<StateView>,
    vote: Vote,
    file: Option<PathBuf>,
) -> Result<Vote, LinkError> {
    let path = match file {
        Some(path) => path,
        None => {
            let path = view.home.scratch();
            view.copy_to(path.clone())
                .await
                .map_err(|error| LinkError::Unreachable(error.to_string()))?;
            path
        }
    };
    let result = transfer::send(link, view, vote, &path).await;
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!(file = %path.display(), %error, "cannot remove a sent snapshot");
    }
    let answer: Bytes = result?;
    let answer = pb::SnapshotAnswer::decode(answer).map_err(|error| LinkError::Refused(error.to_string()))?;
    wire::required_vote(answer.vote.as_ref()).map_err(|Malformed(text)| LinkError::Refused(text))
}
