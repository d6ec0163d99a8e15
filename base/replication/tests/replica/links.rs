//! A forwarded proposal whose answer is lost.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use futures::StreamExt;
use plenary_replication::{
    Member, Options, Replica,
    simulation::{Answers, Frames, Header, Kind, Link, LinkError, Links, Serve},
};

use super::cluster::{Notes, eventually};

/// Replicas in one process, without sockets; the first `lose` answers to proposals break their stream.
#[derive(Default)]
struct Wires {
    ends: Mutex<BTreeMap<u64, Arc<dyn Serve>>>,
    lose: AtomicU64,
    lost: AtomicU64,
}

struct Ends(Arc<Wires>, u64);

struct Wire {
    wires: Arc<Wires>,
    from: u64,
    to: u64,
}

impl Links for Ends {
    fn link(&self, node: u64, _address: &str) -> Arc<dyn Link> {
        Arc::new(Wire {
            wires: self.0.clone(),
            from: self.1,
            to: node,
        })
    }
}

impl Wire {
    fn end(&self, kind: Kind) -> Result<(Arc<dyn Serve>, Header), LinkError> {
        let end = self.wires.ends.lock().unwrap().get(&self.to).cloned();
        let end = end.ok_or_else(|| LinkError::Unreachable("not there".into()))?;
        let header = Header {
            group: "paris".into(),
            from: self.from,
            to: self.to,
            kind,
        };
        Ok((end, header))
    }
}

#[async_trait::async_trait]
impl Link for Wire {
    async fn call(&self, kind: Kind, body: Bytes) -> Result<Bytes, LinkError> {
        let (end, header) = self.end(kind)?;
        end.call(header, body).await
    }

    async fn exchange(&self, kind: Kind, frames: Frames) -> Result<Answers, LinkError> {
        let (end, header) = self.end(kind)?;
        let answers = end.exchange(header, frames.map(Ok).boxed()).await?;
        if kind != Kind::Propose {
            return Ok(answers);
        }
        let wires = self.wires.clone();
        let kept = answers.take_while(move |_| {
            let lose = wires
                .lose
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            wires.lost.fetch_add(u64::from(lose.is_ok()), Ordering::SeqCst);
            std::future::ready(lose.is_err())
        });
        Ok(kept.boxed())
    }

    async fn install(&self, frames: Frames) -> Result<Bytes, LinkError> {
        let (end, header) = self.end(Kind::Snapshot)?;
        end.install(header, frames.map(Ok).boxed()).await
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_forward_whose_answer_is_lost_is_repeated_and_applied_once() {
    let dir = tempfile::tempdir().unwrap();
    let wires = Arc::new(Wires::default());
    let mut replicas = Vec::new();
    for id in 1..=2 {
        let mut options = Options::new(dir.path().join(id.to_string()), "paris", id, Member::default());
        options.limits.reserve_bytes = 0;
        let links = Arc::new(Ends(wires.clone(), id));
        let replica = Replica::open_with_links(options, Arc::new(Notes::default()), links)
            .await
            .unwrap();
        wires.ends.lock().unwrap().insert(id, replica.receiver());
        replicas.push(replica);
    }
    let [leader, follower] = replicas.as_slice() else {
        panic!("two replicas were opened");
    };
    leader.found().await.unwrap();
    eventually("a leader", async || {
        (leader.status().leader == Some(1)).then_some(())
    })
    .await;
    leader.add_learner(2, Member::default()).await.unwrap();
    leader.promote(2).await.unwrap();

    wires.lose.store(3, Ordering::SeqCst);
    for number in 1..=5 {
        let committed = follower.propose("a=x").await.unwrap();
        assert_eq!(committed.reply, number.to_string().into_bytes());
    }
    assert_eq!(wires.lost.load(Ordering::SeqCst), 3);
}
