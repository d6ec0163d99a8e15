//! The clerk of a seat: carries what must be committed, one after the other.

use crate::{
    Hub, Refused,
    hub::refused_by,
    seat::{Told, UNSETTLED},
};
use plenary_model::Cid;
use plenary_signalling::{
    ServerBody,
    meeting::{Call, CallOff, Earlier, Edit, Moderate, ParticipantId, Place, Refusal, Say, State, Unsay},
};
use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};

/// Errands that may wait; more are refused as too fast.
pub(crate) const ERRANDS: usize = 32;
/// One after the other not faster than this: 20 a second.
const PACE: Duration = Duration::from_millis(50);
/// A place is taken up provisionally for so long at most.
const SETTLE_WITHIN: Duration = Duration::from_secs(60);
const TRY_AGAIN: Duration = Duration::from_millis(250);

pub(crate) enum Errand {
    Set(State),
    React(String),
    Say(Say),
    Edit(Edit),
    Unsay(Unsay),
    Earlier(Earlier),
    Moderate(Moderate),
    Call(Call),
    CallOff(CallOff),
    /// The server took this node for lost and the place for away: it is taken up again.
    Return(Place, Option<IpAddr>),
    /// The client came back from another address.
    Move(Place, Option<IpAddr>),
    /// The last one: the place is free.
    Leave,
}

impl Errand {
    fn name(&self) -> &'static str {
        match self {
            Self::Set(_) => "state",
            Self::React(_) => "react",
            Self::Say(_) => "say",
            Self::Edit(_) => "edit",
            Self::Unsay(_) => "unsay",
            Self::Earlier(_) => "earlier",
            Self::Moderate(_) => "moderate",
            Self::Call(_) => "call",
            Self::CallOff(_) => "call_off",
            Self::Return(..) | Self::Move(..) => "join",
            Self::Leave => "leave",
        }
    }

    /// By which its client knows it, if it is refused.
    fn key(&self) -> Option<String> {
        match self {
            Self::Say(say) => say.key.clone(),
            _ => None,
        }
    }
}

pub(crate) struct Clerk {
    pub(crate) hub: Hub,
    pub(crate) room: Cid,
    pub(crate) participant: ParticipantId,
    /// The seat's; [`UNSETTLED`] while the place is provisional.
    pub(crate) moves: Arc<AtomicU64>,
    pub(crate) tell: mpsc::UnboundedSender<ServerBody>,
    pub(crate) seat: mpsc::UnboundedSender<Told>,
}

impl Clerk {
    /// Works until [`Errand::Leave`] is done or the seat is gone. `place`: what is to be settled first.
    pub(crate) async fn work(
        self,
        place: Option<(Place, Option<IpAddr>)>,
        mut errands: mpsc::Receiver<Errand>,
    ) {
        if let Some((place, from)) = place
            && !self.settle(&place, from, &errands).await
        {
            return;
        }
        while let Some(errand) = errands.recv().await {
            let begun = Instant::now();
            if let Errand::Move(place, from) = &errand {
                // Until it is settled nobody takes the own move for one of another device.
                self.moves.store(UNSETTLED, Ordering::Release);
                if !self.settle(place, *from, &errands).await {
                    return;
                }
                continue;
            }
            let last = matches!(errand, Errand::Leave);
            let (name, key) = (errand.name(), errand.key());
            match self.run(errand).await {
                Ok(()) => {}
                Err(_) if last => {}
                Err(why) => drop(self.tell.send(refused_by(name, why, key))),
            }
            if last {
                return;
            }
            tokio::time::sleep_until(begun + PACE).await;
        }
    }

    /// Has the place committed that the client has taken up. Gives whether it has it.
    async fn settle(&self, place: &Place, from: Option<IpAddr>, errands: &mpsc::Receiver<Errand>) -> bool {
        let deadline = Instant::now() + SETTLE_WITHIN;
        loop {
            match self.hub.roster().resume(&self.room, place, from).await {
                Ok(moves) => {
                    self.moves.store(moves, Ordering::Release);
                    return true;
                }
                Err(Refused {
                    code: Refusal::Unavailable,
                    ..
                }) if Instant::now() < deadline && !errands.is_closed() => sleep(TRY_AGAIN).await,
                Err(why) => {
                    tracing::info!(reason = why.detail, "a place that was taken up is lost");
                    self.seat.send(Told::Lost).ok();
                    return false;
                }
            }
        }
    }

    async fn run(&self, errand: Errand) -> Result<(), Refused> {
        let roster = self.hub.roster();
        let (room, who) = (&self.room, self.participant);
        let moves = self.moves.load(Ordering::Acquire);
        debug_assert_ne!(moves, UNSETTLED, "errands wait until the place is settled");
        match errand {
            Errand::Set(state) => roster.set(room, who, moves, state).await,
            Errand::React(reaction) => roster.react(room, who, moves, reaction).await,
            Errand::Say(say) => roster.say(room, who, say).await,
            Errand::Edit(edit) => roster.edit(room, who, edit).await,
            Errand::Unsay(unsay) => roster.unsay(room, who, unsay).await,
            Errand::Earlier(earlier) => {
                let lines = roster.earlier(room, who, earlier.before).await?;
                self.tell.send(ServerBody::ChatEarlier(lines)).ok();
                Ok(())
            }
            Errand::Moderate(what) => roster.moderate(room, who, what).await,
            Errand::Call(call) => roster.call(room, who, call).await,
            Errand::CallOff(calls) => roster.call_off(room, who, calls).await,
            // Done before it comes here.
            Errand::Move(..) => Ok(()),
            Errand::Return(place, from) => {
                let moves = roster.resume(room, &place, from).await?;
                self.moves.store(moves, Ordering::Release);
                Ok(())
            }
            Errand::Leave => self.leave(moves).await,
        }
    }

    /// A place that nobody frees stays in everybody's roster, so it is tried for a while.
    async fn leave(&self, moves: u64) -> Result<(), Refused> {
        let deadline = Instant::now() + SETTLE_WITHIN;
        loop {
            match self.hub.roster().leave(&self.room, self.participant, moves).await {
                Err(Refused {
                    code: Refusal::Unavailable,
                    ..
                }) if Instant::now() < deadline => sleep(TRY_AGAIN).await,
                done => return done,
            }
        }
    }
}
