//! Makes entries of the log of what waits, a few at a time.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use openraft::raft::ClientWriteResult;
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use tokio::sync::{Notify, mpsc};

use super::{Proposer, refusal, refusal_of};
use crate::{
    clock::Clock,
    core::CoreHandle,
    health::Health,
    options::Limits,
    types::{Answer, Outcome, Payload, Types},
};

/// Where the answer to a proposal goes.
#[derive(Clone)]
pub(crate) enum ReplyTo {
    Local(Arc<Proposer>),
    Stream(mpsc::UnboundedSender<pb::ProposeAnswer>),
}

impl ReplyTo {
    pub(crate) fn send(&self, answer: pb::ProposeAnswer) {
        match self {
            Self::Local(proposer) => {
                let (sequence, taken) = (answer.sequence, proposer.answered(answer));
                if !taken {
                    proposer.again_later(sequence);
                }
            }
            // The stream is gone: its other end sends again.
            Self::Stream(answers) => drop(answers.send(answer)),
        }
    }
}

/// Session and sequence of each proposal of a batch, and where its answer goes.
type Waiting = Vec<(u64, u64, ReplyTo)>;

pub(crate) struct Batcher {
    queue: Mutex<VecDeque<(pb::Proposal, ReplyTo)>>,
    wake: Notify,
    in_flight: AtomicUsize,
    limits: Limits,
    clock: Arc<dyn Clock>,
    health: Arc<Health>,
}

impl Batcher {
    pub(crate) fn new(limits: Limits, clock: Arc<dyn Clock>, health: Arc<Health>) -> Self {
        Self {
            queue: Mutex::default(),
            wake: Notify::new(),
            in_flight: AtomicUsize::new(0),
            limits,
            clock,
            health,
        }
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<(pb::Proposal, ReplyTo)>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts proposals in line, or refuses them when the disk is full.
    pub(crate) fn add(&self, proposals: Vec<pb::Proposal>, reply: &ReplyTo) {
        if self.health.is_disk_full() {
            for proposal in proposals {
                reply.send(refusal(&proposal, pb::refusal::Reason::DiskFull));
            }
            return;
        }
        self.queue()
            .extend(proposals.into_iter().map(|proposal| (proposal, reply.clone())));
        self.wake.notify_one();
    }

    /// Works until the task is dropped.
    pub(crate) async fn run(self: Arc<Self>, core: CoreHandle) {
        loop {
            let Some((batch, waiting)) = self.next() else {
                self.wake.notified().await;
                continue;
            };
            self.in_flight.fetch_add(1, Ordering::AcqRel);
            let flight = Flight {
                batcher: self.clone(),
                waiting,
            };
            let answer = Answer::new(move |result| flight.land(result));
            let payload = Payload(batch.encode_to_vec().into());
            // An error has dropped `answer`, and with it the flight, which tells who waits.
            if let Err(error) = core.write(payload, answer).await {
                tracing::debug!(%error, "a batch was not taken");
            }
        }
    }

    /// The next batch, if there is one and not too many are under way.
    fn next(&self) -> Option<(pb::Batch, Waiting)> {
        if self.in_flight.load(Ordering::Acquire) >= self.limits.batches_in_flight {
            return None;
        }
        let mut queue = self.queue();
        let mut batch = pb::Batch {
            stamp_ms: self.clock.now_ms(),
            proposals: Vec::new(),
        };
        let mut waiting = Vec::new();
        let mut bytes = 0;
        while let Some((proposal, _)) = queue.front() {
            let size = proposal.command.len() + 48;
            if !waiting.is_empty() && bytes + size > self.limits.batch_bytes {
                break;
            }
            bytes += size;
            if let Some((proposal, reply)) = queue.pop_front() {
                waiting.push((proposal.session, proposal.sequence, reply));
                batch.proposals.push(proposal);
            }
        }
        (!waiting.is_empty()).then_some((batch, waiting))
    }
}

/// A batch under way. Dropped without a result (the core stopped), it says so to everybody who waits.
struct Flight {
    batcher: Arc<Batcher>,
    waiting: Waiting,
}

impl Flight {
    fn land(mut self, result: ClientWriteResult<Types>) {
        let Ok(response) = result else { return };
        let waiting = std::mem::take(&mut self.waiting);
        for ((session, sequence, reply), outcome) in waiting.into_iter().zip(response.data.0) {
            reply.send(match outcome {
                Outcome::Stale => refusal_of(session, sequence, pb::refusal::Reason::Stale),
                Outcome::Done { index, reply } => {
                    let done = pb::Committed {
                        index,
                        reply: reply.into(),
                    };
                    let outcome = Some(pb::propose_answer::Outcome::Committed(done));
                    pb::ProposeAnswer {
                        session,
                        sequence,
                        outcome,
                    }
                }
            });
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        for (session, sequence, reply) in std::mem::take(&mut self.waiting) {
            reply.send(refusal_of(session, sequence, pb::refusal::Reason::NotLeader));
        }
        self.batcher.in_flight.fetch_sub(1, Ordering::AcqRel);
        self.batcher.wake.notify_one();
    }
}
