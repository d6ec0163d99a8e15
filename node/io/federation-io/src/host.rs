//! Somebody of a partner's server who attends a conference of this one.

use crate::{
    Door, Guest, Home,
    attend::{Attending, Hosted, SAID, Told, WAITING},
    door::{doubted, refused},
};
use plenary_access::PartnerTerms;
use plenary_contracts::federation::v1::{AttendRequest, AttendResponse, Begin, attend_request::What};
use plenary_links::Caller;
use plenary_model::ServerName;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Request, Response, Status, Streaming};

/// What is told to the partner's server, until it ends.
pub(crate) type Answers = ReceiverStream<Result<AttendResponse, Status>>;

/// How long who comes may take to say who they are.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// A partner that takes nothing for so long is cut off: its people's connections are, too.
const TAKES_WITHIN: Duration = Duration::from_secs(10);
/// What somebody says is heard at most so often: 100 a second.
const PACE: Duration = Duration::from_millis(10);
/// Who has to leave hears why within this time.
const FAREWELL: Duration = Duration::from_millis(500);
/// People of one partner at one node.
const PEOPLE: usize = 1_000;

/// Why somebody is not hosted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhosted {
    pub grpc: Code,
    /// For programs; never changes.
    pub code: &'static str,
    pub words: String,
}

/// How many attend from which partner. Invariant: holds no zeros.
#[derive(Default)]
pub(crate) struct Counts(Mutex<BTreeMap<String, usize>>);

pub(crate) struct Counted(Arc<Counts>, String);

impl Counts {
    /// One more of `server`, or of all of one owner, unless there are `most` already.
    pub(crate) fn take(self: &Arc<Self>, server: &str, most: usize) -> Option<Counted> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = counts.entry(server.to_owned()).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Counted(self.clone(), server.to_owned()))
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = counts.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.1);
            }
        }
    }
}

pub(crate) async fn attend(
    home: &Arc<dyn Home>,
    door: &Door,
    counts: &Arc<Counts>,
    request: Request<Streaming<AttendRequest>>,
) -> Result<Response<Answers>, Status> {
    let caller = request.extensions().get::<Caller<Guest>>().cloned();
    let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
    let mut said = request.into_inner();
    let first = timeout(BEGIN_WITHIN, said.message()).await;
    let first = first.map_err(|_| bad("nobody said who comes"))??;
    let Some(What::Begin(begin)) = first.and_then(|first| first.what) else {
        return Err(bad("the first message must say who comes"));
    };
    let (server, terms, who) = admitted(home, door, &caller, begin).await?;
    let counted = counts.take(server.as_str(), PEOPLE).ok_or_else(|| {
        let words = format!("{PEOPLE} people of {server} are here already; try again when one has left");
        refused(Code::ResourceExhausted, "too-many-people", words)
    })?;
    let user = who.user.clone();
    let hosted = home.host(&server, &terms, who).await;
    let Hosted { visit, part, by_call } = hosted.map_err(|why| refused(why.grpc, why.code, why.words))?;
    tracing::debug!(%server, %user, "somebody of a partner attends");
    let (answers, answered) = mpsc::channel(WAITING);
    let (heard_by, from) = (home.clone(), server.clone());
    // Nothing is heard of whom nothing is told any more.
    let (telling, told_all) = oneshot::channel::<()>();
    tokio::spawn(async move {
        let heard = tokio::select! {
            heard = hear(said, visit.say) => heard,
            _ = told_all => return,
        };
        if heard.is_err() {
            heard_by.doubt(&from);
        }
    });
    let home = home.clone();
    tokio::spawn(async move {
        let (_counted, _telling) = (counted, telling);
        let told = tell(&*home, (&server, by_call), visit.hear, &answers, part);
        tokio::select! {
            () = told => {}
            // Their place is kept as where a connection is lost: who is right comes again by a new one.
            why = caller.who.until_doubted(&server) => {
                tracing::info!(%server, %user, reason = %why, "somebody's server does not prove any more who it is");
                timeout(FAREWELL, answers.send(Err(doubted(&why)))).await.ok();
            }
        }
        tracing::debug!(%server, %user, "somebody of a partner attends no more");
    });
    Ok(Response::new(ReceiverStream::new(answered)))
}

pub(crate) fn bad(words: &str) -> Status {
    refused(Code::InvalidArgument, "bad-request", words.to_owned())
}

/// Who comes from where, if that server may speak for them and its people may come.
async fn admitted(
    home: &Arc<dyn Home>,
    door: &Door,
    caller: &Caller<Guest>,
    begin: Begin,
) -> Result<(ServerName, PartnerTerms, Attending), Status> {
    let (server, terms) = proven(home, door, caller, &begin.server, &begin.wanted).await?;
    let me = home.me();
    // A call has a conference, too; into others nobody comes by what is allowed for calls.
    if !terms.conferences && !terms.calls {
        let words = format!("people of {server} may not attend conferences of {me}; ask its administrators");
        return Err(refused(Code::PermissionDenied, "no-conferences", words));
    }
    let who = Attending::from_wire(begin).map_err(|why| {
        door.misbehaved(&server);
        bad(&why)
    })?;
    Ok((server, terms, who))
}

/// Who calls, if it is who it says, wants this server, and the two meet.
pub(crate) async fn proven(
    home: &Arc<dyn Home>,
    door: &Door,
    caller: &Caller<Guest>,
    claimed: &str,
    wanted: &str,
) -> Result<(ServerName, PartnerTerms), Status> {
    let (proved, terms) = door.admit(caller, claimed).await?;
    let (server, me) = (proved.server, home.me());
    if wanted != me.as_str() {
        let words = format!("this is {me}, not {wanted}: correct where DNS leads for it");
        return Err(refused(Code::PermissionDenied, "not-me", words));
    }
    if server == *me {
        let words = format!("{me} is this server itself");
        return Err(refused(Code::PermissionDenied, "myself", words));
    }
    Ok((server, terms))
}

/// Until the partner says no more, or too much; an error where the connection is lost.
async fn hear(mut said: Streaming<AttendRequest>, say: mpsc::Sender<Vec<u8>>) -> Result<(), Status> {
    loop {
        let message = tokio::select! {
            message = said.message() => message?,
            () = say.closed() => return Ok(()),
        };
        match message {
            Some(AttendRequest {
                what: Some(What::Said(bytes)),
            }) if bytes.len() <= SAID => {
                if say.send(bytes).await.is_err() {
                    return Ok(());
                }
            }
            // Of a newer version.
            Some(AttendRequest { what: None }) => {}
            _ => return Ok(()),
        }
        tokio::time::sleep(PACE).await;
    }
}

/// Until there is nothing more to tell, the partner does not take it, or is met no more.
async fn tell(
    home: &dyn Home,
    (server, by_call): (&ServerName, bool),
    mut hear: mpsc::Receiver<Told>,
    answers: &mpsc::Sender<Result<AttendResponse, Status>>,
    part: Box<dyn FnOnce() + Send>,
) {
    // A place for the last word, which is said also where there is none for anything else.
    let Ok(last) = answers.clone().reserve_owned().await else {
        return;
    };
    let parted = home.parted(server, by_call);
    tokio::pin!(parted);
    let mut part = Some(part);
    loop {
        let told = tokio::select! {
            told = hear.recv() => told,
            () = answers.closed() => return,
            () = &mut parted, if part.is_some() => {
                if let Some(part) = part.take() {
                    part();
                }
                continue;
            }
            // What they hear of it is the last.
            () = tokio::time::sleep(FAREWELL), if part.is_none() => {
                let words = format!("{} meets with {server} no more", home.me());
                answers.send(Err(refused(Code::PermissionDenied, "parted", words))).await.ok();
                return;
            }
        };
        let Some(told) = told else { return };
        match timeout(TAKES_WITHIN, answers.send(Ok(told.into()))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return,
            Err(_) => {
                tracing::info!(%server, "a partner does not take what its people are told; they are cut off");
                home.ledger().refuses("too-slow");
                let words = "your server does not take what its people are told; come again";
                last.send(Err(refused(Code::ResourceExhausted, "too-slow", words.into())));
                return;
            }
        }
    }
}
