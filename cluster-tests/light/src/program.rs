//! A program that publishes by WHIP: it makes the offer and sends once it is answered. Who carries offer and answer is not
//! its business.

use crate::{
    media::Tag,
    peer::{Outgoing, Surroundings},
};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::{MissedTickBehavior, interval},
};

const VOICE: Duration = Duration::from_millis(20);
const VOICES_A_PICTURE: u32 = 5;
/// How loud it is, in -dBov.
const LEVEL: u8 = 20;

/// It sends until this is dropped.
pub struct Program {
    offer: String,
    answer: mpsc::Sender<(String, oneshot::Sender<anyhow::Result<()>>)>,
    connected: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

impl Program {
    /// Media comes from this address; `tag` names it in its packets.
    ///
    /// # Errors
    /// No connection can be made.
    pub async fn begin(address: IpAddr, tag: Tag) -> anyhow::Result<Self> {
        let (changes, mut changed) = mpsc::unbounded_channel();
        let surroundings = Surroundings {
            address,
            through: std::sync::Arc::from([]),
            changes,
            watch: Arc::default(),
        };
        let mut outgoing = Outgoing::open(&surroundings, 1, tag).await?;
        let offer = outgoing.connection.offer.clone();
        let (answer, mut answers) = mpsc::channel::<(String, oneshot::Sender<_>)>(1);
        let connected = Arc::new(AtomicBool::new(false));
        let is_up = Arc::clone(&connected);
        let task = tokio::spawn(async move {
            let mut tick = interval(VOICE);
            tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let mut voices = 0_u32;
            loop {
                tokio::select! {
                    Some((sdp, done)) = answers.recv() => {
                        // Nobody waits for it any more.
                        done.send(outgoing.connection.answer(sdp).await).ok();
                    }
                    Some(change) = changed.recv() => is_up.store(change.up, Ordering::Relaxed),
                    _ = tick.tick(), if is_up.load(Ordering::Relaxed) => {
                        voices += 1;
                        let mut sent = outgoing.say(tag, voices, LEVEL).await;
                        if sent.is_ok() && voices.is_multiple_of(VOICES_A_PICTURE) {
                            let ms = voices.wrapping_mul(VOICE.as_millis() as u32);
                            sent = outgoing.show(tag, voices / VOICES_A_PICTURE, ms).await;
                        }
                        if sent.is_err() {
                            is_up.store(false, Ordering::Relaxed);
                        }
                    }
                }
            }
        });
        Ok(Self {
            offer,
            answer,
            connected,
            task,
        })
    }

    /// For the body of the request.
    #[must_use]
    pub fn offer(&self) -> &str {
        &self.offer
    }

    /// Takes the answer.
    ///
    /// # Errors
    /// It makes no sense.
    pub async fn answer(&self, sdp: String) -> anyhow::Result<()> {
        let (done, told) = oneshot::channel();
        self.answer.send((sdp, done)).await?;
        told.await?
    }

    /// Whether the connection is up, and it sends.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.task.abort();
    }
}
