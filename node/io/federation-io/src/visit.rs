//! Somebody of this server who attends a conference of a partner's.

use crate::{
    Reach,
    attend::{Attending, TOLD, Visit, WAITING, told},
};
use plenary_contracts::federation::v1::{
    AttendRequest, attend_request::What, federation_client::FederationClient,
};
use plenary_federation::Step;
use plenary_model::{Buckets, ServerName};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Status, Streaming, transport::Channel};

/// How long the other server may take to let somebody begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Why somebody cannot attend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// It may be otherwise in a moment.
    pub may_change: bool,
    /// A sentence for the person.
    pub words: String,
}

/// People of this node who begin at one partner: so many at once, and so many a second in the long run. Three nodes that
/// lost the same node of a partner stay below what it takes by its defaults ([`crate::Limits::messages`]).
const PACE: (f64, f64) = (250.0, 60.0);
/// How often who has to wait for that looks again.
const LOOK: Duration = Duration::from_millis(20);

/// A connection to each partner that is met, made when it is needed.
#[derive(Clone)]
pub(crate) struct Connections {
    slots: Arc<Mutex<BTreeMap<ServerName, Slot>>>,
    begun: Arc<Buckets<ServerName>>,
}

/// Connections that were made, to whomever.
static MADE: AtomicU64 = AtomicU64::new(0);

/// Held while it is being made, so that many who come at once share one.
type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

/// A connection, and which of all it is.
#[derive(Clone)]
struct Kept {
    number: u64,
    channel: Channel,
    is_new: bool,
}

impl Default for Connections {
    fn default() -> Self {
        Self {
            slots: Arc::default(),
            begun: Arc::new(Buckets::new(PACE.0, PACE.1)),
        }
    }
}

impl Connections {
    fn slot(&self, server: &ServerName) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.entry(server.clone()).or_default().clone()
    }

    /// Nothing is kept of who was not reached.
    fn forget(&self, server: &ServerName) {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        slots.remove(server);
    }

    /// All of a lost node come back at once, and are no flood.
    async fn wait_turn(&self, server: &ServerName) {
        while self.begun.take(server.clone(), Instant::now()).is_err() {
            tokio::time::sleep(LOOK).await;
        }
    }
}

impl Reach {
    /// Has somebody of this server come into a conference of `server`.
    ///
    /// # Errors
    /// When it cannot be reached, or does not meet with this server. That they are not let into the conference is told by it
    /// in the visit.
    pub async fn attend(&self, server: &ServerName, who: &Attending) -> Result<Visit, Unreached> {
        self.connections.wait_turn(server).await;
        self.ask(server, |channel| self.begin(channel, server, who)).await
    }

    /// Asks `server` over the connection that is kept; over a new one where that turns out to be lost.
    ///
    /// # Errors
    /// When it cannot be reached, or what it answered.
    pub(crate) async fn ask<T, F>(
        &self,
        server: &ServerName,
        ask: impl Fn(Channel) -> F,
    ) -> Result<T, Unreached>
    where
        F: Future<Output = Result<T, Status>>,
    {
        let kept = self.kept(server, None).await?;
        let (number, is_new) = (kept.number, kept.is_new);
        match ask(kept.channel).await {
            Ok(answer) => Ok(answer),
            // Where there is a code the server itself has spoken.
            Err(status) if is_new || status.metadata().contains_key("plenary-code") => {
                Err(unreached(&status))
            }
            Err(status) => {
                tracing::debug!(%server, error = status.message(), "a connection to a partner is lost; it is made again");
                let again = self.kept(server, Some(number)).await?;
                ask(again.channel).await.map_err(|status| unreached(&status))
            }
        }
    }

    /// The connection to `server`, made where there is none but the `lost` one.
    async fn kept(&self, server: &ServerName, lost: Option<u64>) -> Result<Kept, Unreached> {
        let slot = self.connections.slot(server);
        let mut kept = slot.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| Some(kept.number) != lost) {
            return Ok(kept.clone());
        }
        let channel = match self.connect(server).await {
            Ok(channel) => channel,
            Err(why) => {
                *kept = None;
                self.connections.forget(server);
                return Err(why);
            }
        };
        let made = Kept {
            number: MADE.fetch_add(1, Ordering::Relaxed),
            channel,
            is_new: true,
        };
        *kept = Some(Kept {
            is_new: false,
            ..made.clone()
        });
        Ok(made)
    }

    async fn connect(&self, server: &ServerName) -> Result<Channel, Unreached> {
        let mut tried = crate::Tried::default();
        if let Some(channel) = self.steps(server, &mut tried).await {
            return Ok(channel);
        }
        let last = tried.trial.steps().last();
        let words = last.map(|last| last.detail.clone()).unwrap_or_default();
        // Lists change when administrators change them; everything else may be a matter of a moment.
        let may_change = last.is_some_and(|last| last.step != Step::Policy);
        Err(Unreached {
            may_change,
            words: format!("{server} cannot be reached: {words}"),
        })
    }

    async fn begin(&self, channel: Channel, server: &ServerName, who: &Attending) -> Result<Visit, Status> {
        let (say, said) = mpsc::channel(WAITING);
        let first = AttendRequest {
            what: Some(What::Begin(who.to_wire(self.home.me(), server))),
        };
        let said = ReceiverStream::new(said).map(|bytes| AttendRequest {
            what: Some(What::Said(bytes)),
        });
        let requests = tokio_stream::once(first).chain(said);
        let mut client = FederationClient::new(channel).max_decoding_message_size(TOLD);
        let answered = timeout(ANSWER_WITHIN, client.attend(requests)).await;
        let answered = answered.map_err(|_| Status::unavailable("it did not answer in time"))??;
        let (tell, hear) = mpsc::channel(WAITING);
        tokio::spawn(carry(answered.into_inner(), tell));
        Ok(Visit { say, hear })
    }
}

/// Until the other server tells no more, or nobody hears it.
async fn carry(
    mut answers: Streaming<plenary_contracts::federation::v1::AttendResponse>,
    tell: mpsc::Sender<crate::Told>,
) {
    loop {
        let answer = tokio::select! {
            answer = answers.message() => answer,
            () = tell.closed() => return,
        };
        match answer {
            Ok(Some(answer)) => {
                if let Some(told) = told(answer)
                    && tell.send(told).await.is_err()
                {
                    return;
                }
            }
            Ok(None) => return,
            Err(status) => {
                tracing::debug!(error = status.message(), "a visit at a partner's server ended");
                return;
            }
        }
    }
}

fn unreached(status: &Status) -> Unreached {
    Unreached {
        may_change: !matches!(
            status.code(),
            Code::PermissionDenied | Code::Unauthenticated | Code::InvalidArgument | Code::Unimplemented
        ),
        words: format!("the other server answered: {}", status.message()),
    }
}
