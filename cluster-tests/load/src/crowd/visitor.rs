//! One of the crowd: it joins, listens and beats as a page does, without media.

use super::board::Board;
use plenary_light::{Heard, Signal};
use plenary_signalling::{
    ClientBody, ServerBody,
    meeting::{Join, Place, Refusal},
};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    sync::mpsc,
    time::{MissedTickBehavior, interval_at, sleep},
};

/// How long a node under load may take to welcome somebody.
const WELCOME: Duration = Duration::from_secs(30);
/// Before what was refused for now is asked again, and after a lost connection.
const AGAIN: Duration = Duration::from_secs(1);

pub(super) struct Visitor {
    pub(super) number: usize,
    /// URL of the node.
    pub(super) node: String,
    pub(super) token: String,
    pub(super) cid: String,
    /// Between two signs of life.
    pub(super) beat: Duration,
    pub(super) board: Arc<Board>,
    /// What it is to say when it is in.
    pub(super) orders: mpsc::UnboundedReceiver<ClientBody>,
    place: Option<Place>,
    begun: Instant,
    seen: u64,
}

/// Whom a visitor is.
pub(super) struct Pass {
    pub(super) number: usize,
    pub(super) node: String,
    pub(super) token: String,
    pub(super) cid: String,
}

impl Visitor {
    pub(super) fn new(
        pass: Pass,
        beat: Duration,
        board: Arc<Board>,
        orders: mpsc::UnboundedReceiver<ClientBody>,
    ) -> Self {
        Self {
            number: pass.number,
            node: pass.node,
            token: pass.token,
            cid: pass.cid,
            beat,
            board,
            orders,
            place: None,
            begun: Instant::now(),
            seen: 0,
        }
    }

    /// Until it is refused for good or dropped.
    pub(super) async fn attend(mut self) {
        self.begun = Instant::now();
        loop {
            match self.stay().await {
                Ok(()) => return,
                Err(why) => self.board.lost(&why),
            }
            sleep(AGAIN).await;
        }
    }

    /// One connection; ends well when nothing more is to be had.
    async fn stay(&mut self) -> anyhow::Result<()> {
        let mut signal = Signal::open_within(&self.node, &self.token, WELCOME).await?;
        signal.say(self.join()).await?;
        let mut beat = interval_at(tokio::time::Instant::now() + self.beat, self.beat);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut counted, mut again) = (0, None);
        loop {
            tokio::select! {
                heard = signal.hear() => {
                    let Heard::Body(body) = heard? else { continue };
                    let bytes = signal.heard_bytes();
                    self.board.add_bytes(bytes - counted);
                    counted = bytes;
                    match self.take(*body, bytes) {
                        Next::Stay => {}
                        Next::Again => again = Some(tokio::time::Instant::now() + AGAIN),
                        Next::Over => return Ok(()),
                    }
                }
                _ = beat.tick() => signal.ping().await?,
                Some(order) = self.orders.recv() => signal.say(order).await?,
                () = until(again) => {
                    again = None;
                    signal.say(self.join()).await?;
                }
            }
        }
    }

    fn join(&self) -> ClientBody {
        ClientBody::Join(Join {
            room: self.cid.clone(),
            muted: true,
            camera: false,
            resume: self.place.clone(),
            pin: None,
        })
    }

    fn take(&mut self, body: ServerBody, bytes: u64) -> Next {
        match body {
            ServerBody::Joined(joined) => {
                let after = self.begun.elapsed();
                self.board.joined(self.number, joined.participant, after, bytes);
                self.place = Some(Place {
                    participant: joined.participant,
                    secret: joined.secret,
                });
            }
            ServerBody::Roster(roster) => self.board.told(&roster, &mut self.seen),
            ServerBody::Refused(refused) => {
                if matches!(refused.code, Refusal::Unavailable | Refusal::TooFast) {
                    self.board.retried();
                    return Next::Again;
                }
                self.board
                    .refused(format!("{}: {:?}", refused.request, refused.code));
                if refused.request == "join" {
                    return Next::Over;
                }
            }
            ServerBody::Ended(ended) => {
                self.board.refused(format!("ended: {:?}", ended.reason));
                return Next::Over;
            }
            _ => {}
        }
        Next::Stay
    }
}

enum Next {
    Stay,
    Again,
    Over,
}

async fn until(moment: Option<tokio::time::Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}
