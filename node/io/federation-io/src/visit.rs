//! Somebody of this server who attends a conference of a partner's.

use crate::{
    Reach,
    attend::{Attending, TOLD, Visit, WAITING, told},
    line::Line,
};
use plenary_contracts::federation::v1::{
    AttendRequest, attend_request::What, federation_client::FederationClient,
};
use plenary_federation::Capability;
use plenary_model::{Buckets, ServerName};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{sync::mpsc, time::timeout};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Status, Streaming};

/// How long the other server may take to let somebody begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Why a partner does not do what it is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreached {
    /// It may be otherwise in a moment.
    pub may_change: bool,
    /// By which it refused, where it has answered.
    pub code: Option<String>,
    /// A sentence for the person: nothing of addresses and of what this server is built of.
    pub words: String,
    /// What happened, for logs and administrators.
    pub detail: String,
}

/// People of this node who begin at one partner: so many at once, and so many a second in the long run. Three nodes that
/// lost the same node of a partner stay below what it takes by its defaults ([`crate::Limits::messages`]).
const PACE: (f64, f64) = (250.0, 60.0);
/// How often who has to wait for that looks again.
const LOOK: Duration = Duration::from_millis(20);

/// How often somebody of this node begins at which partner.
#[derive(Clone)]
pub(crate) struct Pace(Arc<Buckets<ServerName>>);

impl Default for Pace {
    fn default() -> Self {
        Self(Arc::new(Buckets::new(PACE.0, PACE.1)))
    }
}

impl Pace {
    /// All of a lost node come back at once, and are no flood.
    pub(crate) async fn wait(&self, server: &ServerName) {
        while self.0.take(server.clone(), Instant::now()).is_err() {
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
        self.pace.wait(server).await;
        self.ask(server, Capability::Attend, |line| self.begin(line, server, who))
            .await
    }

    async fn begin(&self, line: Arc<Line>, server: &ServerName, who: &Attending) -> Result<Visit, Status> {
        let (say, said) = mpsc::channel(WAITING);
        let first = AttendRequest {
            what: Some(What::Begin(who.to_wire(self.home.me(), server))),
        };
        let said = ReceiverStream::new(said).map(|bytes| AttendRequest {
            what: Some(What::Said(bytes)),
        });
        let requests = tokio_stream::once(first).chain(said);
        let mut client = FederationClient::new(line.channel()).max_decoding_message_size(TOLD);
        let answered = timeout(ANSWER_WITHIN, client.attend(requests)).await;
        let answered = answered.map_err(|_| Status::unavailable("it did not answer in time"))??;
        let (tell, hear) = mpsc::channel(WAITING);
        let (home, server) = (self.home.clone(), server.clone());
        tokio::spawn(async move {
            if carry(line, answered.into_inner(), tell).await == Over::Lost {
                home.doubt(&server);
            }
        });
        Ok(Visit { say, hear })
    }
}

#[derive(PartialEq, Eq)]
enum Over {
    Ended,
    Lost,
}

/// Until the other server tells no more, or nobody hears it.
async fn carry(
    line: Arc<Line>,
    mut answers: Streaming<plenary_contracts::federation::v1::AttendResponse>,
    tell: mpsc::Sender<crate::Told>,
) -> Over {
    loop {
        let answer = tokio::select! {
            answer = answers.message() => answer,
            () = tell.closed() => return Over::Ended,
            () = line.doubted() => return Over::Lost,
        };
        match answer {
            Ok(Some(answer)) => {
                if let Some(told) = told(answer)
                    && tell.send(told).await.is_err()
                {
                    return Over::Ended;
                }
            }
            Ok(None) => return Over::Ended,
            Err(status) => {
                tracing::debug!(error = status.message(), "a visit at a partner's server ended");
                return Over::Lost;
            }
        }
    }
}
