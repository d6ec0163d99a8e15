//! The receiving side.

use std::sync::PoisonError;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{FutureExt, StreamExt};
use openraft::raft::{TransferLeaderRequest, VoteRequest};
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use tokio::sync::mpsc;

use crate::{
    application::Application,
    link::{Answers, Header, Kind, LinkError, Serve},
    propose::{ReplyTo, refusal},
    replica::Inner,
    transfer,
    types::{Snapshot, Types},
    wire,
};

/// A proposer's clock may be this far off.
const CLOCK_TOLERANCE_MS: u64 = 60_000;

fn refused(error: impl std::fmt::Display) -> LinkError {
    LinkError::Refused(error.to_string())
}

#[async_trait]
impl<A: Application> Serve for Inner<A> {
    async fn call(&self, header: Header, body: Bytes) -> Result<Bytes, LinkError> {
        self.check(&header)?;
        match header.kind {
            Kind::Append => self.append(body).await,
            Kind::Vote => self.vote(body, true).await,
            Kind::PreVote => self.vote(body, false).await,
            Kind::TransferLeader => self.take_over(body).await,
            Kind::ReadIndex => {
                use pb::read_index_answer::Outcome;
                let reason = pb::refusal::Reason::NotLeader.into();
                let outcome = match self.confirmed_index().await {
                    Some(index) => Outcome::Index(index),
                    None => Outcome::Refusal(pb::Refusal {
                        reason,
                        leader: 0,
                        clock_offset_ms: 0,
                    }),
                };
                Ok(pb::ReadIndexAnswer {
                    outcome: Some(outcome),
                }
                .encode_to_vec()
                .into())
            }
            Kind::Probe => Ok(self.probe_answer().encode_to_vec().into()),
            Kind::Snapshot | Kind::Propose | Kind::Unspecified => Err(refused("not a question")),
        }
    }

    async fn exchange(&self, header: Header, frames: Answers) -> Result<Answers, LinkError> {
        self.check(&header)?;
        match header.kind {
            Kind::Append => Ok(self.append_stream(frames)),
            Kind::Propose => Ok(self.propose_stream(frames)),
            _ => Err(refused("not a conversation")),
        }
    }

    async fn install(&self, header: Header, frames: Answers) -> Result<Bytes, LinkError> {
        self.check(&header)?;
        let (vote, meta, path) = transfer::receive(&self.view, self.options.supported_level, frames).await?;
        tracing::info!(last = ?meta.last_log_id.as_ref().map(|id| id.index), "installing a snapshot");
        let snapshot = Snapshot {
            meta,
            snapshot: crate::state::Copy::File(path),
        };
        let answer = self
            .core()
            .install_full_snapshot(vote, snapshot)
            .await
            .map_err(refused)?;
        Ok(pb::SnapshotAnswer {
            vote: Some(wire::vote_to(&answer.vote)),
        }
        .encode_to_vec()
        .into())
    }
}

impl<A: Application> Inner<A> {
    fn check(&self, header: &Header) -> Result<(), LinkError> {
        let Header { group, to, .. } = header;
        if self.tasks.lock().unwrap_or_else(PoisonError::into_inner).stopped {
            // Not a refusal: whoever has this address next may answer.
            return Err(LinkError::Unreachable("this node is stopping".into()));
        }
        if *group != self.options.group {
            return Err(refused(format!(
                "this is {:?}, not {group:?}",
                self.options.group
            )));
        }
        if *to != self.options.node_id {
            return Err(refused(format!(
                "this is node {}, not {to}",
                self.options.node_id
            )));
        }
        Ok(())
    }

    async fn append(&self, body: Bytes) -> Result<Bytes, LinkError> {
        let request = wire::append_from(body).map_err(refused)?;
        let previous = request.prev_log_id;
        let last = request.entries.last().map(|entry| entry.log_id).or(previous);
        let answer = self.core().append_entries(request).await.map_err(refused)?;
        let result = answer.into_stream_result(previous, last);
        if result.is_ok() {
            self.health.heard_leader();
        }
        Ok(wire::append_answer_to(&result))
    }

    fn append_stream(&self, frames: Answers) -> Answers {
        let requests = frames
            .map(|frame| frame.ok().and_then(|body| wire::append_from(body).ok()))
            .take_while(|request| std::future::ready(request.is_some()))
            .filter_map(std::future::ready);
        let results = self.core().stream_append(requests);
        let health = self.health.clone();
        results
            .map(move |result| {
                if matches!(result, Ok(Ok(_))) {
                    health.heard_leader();
                }
                result
                    .map(|answer| wire::append_answer_to(&answer))
                    .map_err(refused)
            })
            .boxed()
    }

    async fn vote(&self, body: Bytes, real: bool) -> Result<Bytes, LinkError> {
        let message = pb::VoteRequest::decode(body).map_err(refused)?;
        let vote = wire::required_vote(message.vote.as_ref()).map_err(refused)?;
        let mut request = VoteRequest::<Types>::new(vote, message.last.as_ref().map(wire::log_id_from));
        request.leadership_transfer = message.leadership_transfer;
        let core = self.core();
        let answer = if real {
            core.vote(request).await
        } else {
            core.pre_vote(request).await
        };
        let answer = answer.map_err(refused)?;
        let answer = pb::VoteAnswer {
            vote: Some(wire::vote_to(&answer.vote)),
            granted: answer.vote_granted,
            last: answer.last_log_id.as_ref().map(wire::log_id_to),
        };
        Ok(answer.encode_to_vec().into())
    }

    async fn take_over(&self, body: Bytes) -> Result<Bytes, LinkError> {
        let message = pb::TransferLeader::decode(body).map_err(refused)?;
        let from = wire::required_vote(message.from.as_ref()).map_err(refused)?;
        let last = message.last.as_ref().map(wire::log_id_from);
        let request = TransferLeaderRequest::<Types>::new(from, message.to, last);
        let result = self
            .core()
            .handle_transfer_leader(request)
            .await
            .map_err(refused)?;
        let refused = result.err().map(|error| error.to_string()).unwrap_or_default();
        Ok(pb::TransferLeaderAnswer { refused }.encode_to_vec().into())
    }

    pub(crate) fn probe_answer(&self) -> pb::ProbeAnswer {
        let p99 = self.health.sync_latency().p99.as_millis();
        pb::ProbeAnswer {
            node: self.options.node_id,
            supported_level: self.options.supported_level,
            applied: self.view.applied.value(),
            clock_ms: self.options.environment.clock.now_ms(),
            fsync_p99_ms: u32::try_from(p99).unwrap_or(u32::MAX),
            disk_full: self.health.is_disk_full(),
        }
    }

    /// Forwarded proposals in, answers out in the order in which they come to be known.
    fn propose_stream(&self, frames: Answers) -> Answers {
        let (answers, receiver) = mpsc::unbounded_channel();
        let batcher = self.batcher.clone();
        let clock = self.options.environment.clock.clone();
        let reply = ReplyTo::Stream(answers);
        let taking = async move {
            let mut frames = frames;
            while let Some(Ok(body)) = frames.next().await {
                let Ok(message) = pb::Propose::decode(body) else {
                    return;
                };
                let offset = message
                    .clock_ms
                    .cast_signed()
                    .wrapping_sub(clock.now_ms().cast_signed());
                if offset.unsigned_abs() > CLOCK_TOLERANCE_MS {
                    for proposal in message.proposals {
                        reply.send(clock_refusal(&proposal, offset));
                    }
                    continue;
                }
                batcher.add(message.proposals, &reply);
            }
        };
        // Driven by whoever reads the answers, so that it ends with the stream.
        let taking = taking.into_stream().filter_map(|()| std::future::ready(None));
        futures::stream::select(taking, gathered(receiver)).boxed()
    }
}

fn clock_refusal(proposal: &pb::Proposal, offset: i64) -> pb::ProposeAnswer {
    let mut answer = refusal(proposal, pb::refusal::Reason::ClockOff);
    if let Some(pb::propose_answer::Outcome::Refusal(refusal)) = &mut answer.outcome {
        refusal.clock_offset_ms = offset;
    }
    answer
}

/// As many answers in one frame as are there.
fn gathered(receiver: mpsc::UnboundedReceiver<pb::ProposeAnswer>) -> Answers {
    futures::stream::unfold(receiver, |mut receiver| async move {
        let mut answers = Vec::new();
        if receiver.recv_many(&mut answers, 4096).await == 0 {
            return None;
        }
        let frame = Bytes::from(pb::ProposeAnswers { answers }.encode_to_vec());
        Some((Ok(frame), receiver))
    })
    .boxed()
}
