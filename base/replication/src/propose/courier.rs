//! Brings this node's proposals to whoever leads.

use std::{sync::Arc, time::Duration};

use futures::StreamExt;
use plenary_contracts::replication::v1 as pb;
use prost::Message;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;

use super::{Batcher, Proposer, ReplyTo};
use crate::{
    core::Leader,
    link::{Answers, Kind, Links},
};

/// Between two tries when there is no leader or it does not take proposals.
const PAUSE: Duration = Duration::from_millis(20);
const OPENING: Duration = Duration::from_secs(2);
/// Frames that may wait for the link.
const WINDOW: usize = 16;

pub(crate) struct Courier {
    pub(crate) proposer: Arc<Proposer>,
    pub(crate) batcher: Arc<Batcher>,
    pub(crate) links: Arc<dyn Links>,
    pub(crate) node: u64,
    pub(crate) leader: watch::Receiver<Option<Leader>>,
    pub(crate) frame_bytes: usize,
}

impl Courier {
    /// Works until the task is dropped.
    pub(crate) async fn run(mut self) {
        loop {
            let leader = self.leader.borrow_and_update().clone();
            match leader {
                None => self.wait_for_change().await,
                Some(leader) if leader.node == self.node => self.with_own_batcher().await,
                Some(leader) => self.with_leader(&leader).await,
            }
            self.proposer.resend_all();
        }
    }

    async fn wait_for_change(&mut self) {
        if self.leader.changed().await.is_err() {
            // The replica is gone; this task is about to be dropped.
            std::future::pending::<()>().await;
        }
    }

    /// Until another node leads.
    async fn with_own_batcher(&mut self) {
        let reply = ReplyTo::Local(self.proposer.clone());
        loop {
            loop {
                let proposals = self.proposer.take_unsent(self.frame_bytes);
                if proposals.is_empty() {
                    break;
                }
                self.batcher.add(proposals, &reply);
            }
            tokio::select! {
                biased;
                _ = self.leader.changed() => return,
                () = self.proposer.wake.notified() => {}
            }
            if self.proposer.has_refused() {
                self.pause().await;
                self.proposer.resend_refused();
            }
        }
    }

    /// Until another node leads, the stream ends or the leader refuses for a while.
    async fn with_leader(&mut self, leader: &Leader) {
        let link = self.links.link(leader.node, &leader.address);
        let (sender, receiver) = mpsc::channel(WINDOW);
        let frames = ReceiverStream::new(receiver).boxed();
        let opened = tokio::select! {
            biased;
            _ = self.leader.changed() => return,
            opened = tokio::time::timeout(OPENING, link.exchange(Kind::Propose, frames)) => opened,
        };
        let Ok(Ok(mut answers)) = opened else {
            self.pause().await;
            return;
        };
        loop {
            let proposals = self.proposer.take_unsent(self.frame_bytes);
            let idle = proposals.is_empty();
            let frame = pb::Propose {
                clock_ms: self.proposer.clock.now_ms(),
                proposals,
            };
            let keep_on = tokio::select! {
                biased;
                _ = self.leader.changed() => return,
                answer = answers.next() => self.take(answer),
                permit = sender.reserve(), if !idle => match permit {
                    Ok(permit) => {
                        permit.send(frame.encode_to_vec().into());
                        continue;
                    }
                    Err(_) => false,
                },
                () = self.proposer.wake.notified(), if idle => true,
            };
            // What was taken but not sent goes back.
            for proposal in frame.proposals {
                self.proposer.again(proposal.sequence);
            }
            if !keep_on {
                self.pause().await;
                self.drain(answers);
                return;
            }
        }
    }

    /// `false` if the leader is none (any more) or the stream is broken.
    fn take(&self, answer: Option<Result<bytes::Bytes, crate::link::LinkError>>) -> bool {
        let Some(Ok(body)) = answer else { return false };
        let Ok(answers) = pb::ProposeAnswers::decode(body) else {
            return false;
        };
        let mut all_taken = true;
        for answer in answers.answers {
            all_taken &= self.proposer.answered(answer);
        }
        all_taken
    }

    /// Answers that were already under way still count.
    fn drain(&self, mut answers: Answers) {
        let proposer = self.proposer.clone();
        tokio::spawn(async move {
            let rest = async {
                while let Some(Ok(body)) = answers.next().await {
                    let Ok(answers) = pb::ProposeAnswers::decode(body) else {
                        return;
                    };
                    for answer in answers.answers {
                        proposer.answered(answer);
                    }
                }
            };
            drop(tokio::time::timeout(Duration::from_secs(1), rest).await);
        });
    }

    /// A change of leader that happens meanwhile is seen afterwards.
    async fn pause(&mut self) {
        tokio::time::sleep(PAUSE).await;
    }
}
