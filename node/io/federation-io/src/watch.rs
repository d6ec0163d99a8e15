//! What people of one server do, told to another one.
//!
//! ```text
//!  a node with people who see them                     a node of their own server
//!   Reach::watch ── begin, names ─────────────────────────► People::presences, for each name
//!      Watching ◄── presences, stale profiles ───────────── People::stirs
//! ```
//! Presence is told when it is another one than before, and not more often than [`TOGETHER`].

use crate::{
    Door, Guest, Home, Reach, Unreached,
    door::{doubted, refused},
    host::{Counted, Counts},
    line::{Line, spoke, unanswered},
    look::{NAMES, Stir, admitted, read_names},
    names::NameBudget,
    owner::owner_of,
};
use plenary_access::Presence;
use plenary_contracts::federation::v1 as wire;
use plenary_federation::{Capability, LocalName, Sight};
use plenary_links::Caller;
use plenary_model::{ServerName, UserName};
use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep_until, timeout},
};
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::{Code, Request, Response, Status, Streaming};
use wire::{presence::State, watch_request::What};

/// What is told, until it ends.
pub(crate) type Sightings = ReceiverStream<Result<wire::WatchResponse, Status>>;

/// Changes that come sooner after the last that were told are told together.
const TOGETHER: Duration = Duration::from_millis(200);
/// How long who comes may take to say who they are.
const BEGIN_WITHIN: Duration = Duration::from_secs(5);
/// A partner that takes nothing for so long is cut off.
const TAKES_WITHIN: Duration = Duration::from_secs(10);
/// Nodes of all partners that watch at this one, and of all servers of one owner.
const WATCHERS: usize = 256;
const WATCHERS_EACH: usize = 64;
/// Messages of a partner are heard at most so often: what it tells faster waits at its end.
const PACE: Duration = Duration::from_millis(50);
/// What one message may have.
const HEARD: usize = 256 * 1024;
const WAITING: usize = 16;
/// How long the other server may take to let a node begin.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// How many watch here.
pub(crate) struct Watchers {
    all: Arc<Semaphore>,
    each: Arc<Counts>,
}

impl Default for Watchers {
    fn default() -> Self {
        Self {
            all: Arc::new(Semaphore::new(WATCHERS)),
            each: Arc::default(),
        }
    }
}

impl Watchers {
    /// A place for a node of `server`, as long as it is held.
    fn take(&self, server: &ServerName) -> Option<Place> {
        let each = self.each.take(&owner_of(server), WATCHERS_EACH)?;
        let all = self.all.clone().try_acquire_owned().ok()?;
        Some(Place {
            _all: all,
            _each: each,
        })
    }
}

struct Place {
    _all: OwnedSemaphorePermit,
    _each: Counted,
}

#[derive(Default)]
struct Watched {
    /// Who it was when it was looked last; `None` before.
    who: Option<(Option<UserName>, u64)>,
    told: Option<Presence>,
}

impl Watched {
    fn is(&self, user: &UserName) -> bool {
        self.who
            .as_ref()
            .is_some_and(|(who, _)| who.as_ref() == Some(user))
    }
}

/// One node of a partner that watches.
struct Watcher {
    home: Arc<dyn Home>,
    door: Arc<Door>,
    budget: Arc<NameBudget>,
    caller: Caller<Guest>,
    server: ServerName,
    names: BTreeMap<LocalName, Watched>,
    /// Names that wait until the partner may ask for so many.
    later: VecDeque<LocalName>,
    /// Whose presence is to be looked at.
    dirty: BTreeSet<LocalName>,
    stale: BTreeSet<LocalName>,
    all_stale: bool,
    _place: Place,
}

pub(crate) async fn watch(
    home: &Arc<dyn Home>,
    door: &Arc<Door>,
    budget: &Arc<NameBudget>,
    watchers: &Watchers,
    request: Request<Streaming<wire::WatchRequest>>,
) -> Result<Response<Sightings>, Status> {
    let caller = request.extensions().get::<Caller<Guest>>().cloned();
    let caller = caller.ok_or_else(|| Status::internal("a connection without a caller"))?;
    let mut asked = request.into_inner();
    let bad = |words: &str| refused(Code::InvalidArgument, "bad-request", words.to_owned());
    let first = timeout(BEGIN_WITHIN, asked.message()).await;
    let first = first.map_err(|_| bad("nobody said who asks"))??;
    let Some(What::Begin(begin)) = first.and_then(|first| first.what) else {
        return Err(bad("the first message must say who asks"));
    };
    let (server, _) = admitted(home, door, &caller, (&begin.server, &begin.wanted)).await?;
    let place = watchers.take(&server).ok_or_else(|| {
        let words = format!(
            "{WATCHERS} nodes of other servers watch here already, or {WATCHERS_EACH} of yours; try again later"
        );
        refused(Code::ResourceExhausted, "too-many-watch", words)
    })?;
    let (answers, answered) = mpsc::channel(WAITING);
    let watcher = Watcher {
        home: home.clone(),
        door: door.clone(),
        budget: budget.clone(),
        caller,
        server,
        names: BTreeMap::new(),
        later: VecDeque::new(),
        dirty: BTreeSet::new(),
        stale: BTreeSet::new(),
        all_stale: false,
        _place: place,
    };
    tokio::spawn(watcher.tell(asked, answers));
    Ok(Response::new(ReceiverStream::new(answered)))
}

impl Watcher {
    /// Until the partner goes, says what it may not, or is met no more.
    async fn tell(
        mut self,
        mut asked: Streaming<wire::WatchRequest>,
        answers: mpsc::Sender<Result<wire::WatchResponse, Status>>,
    ) {
        let (home, server) = (self.home.clone(), self.server.clone());
        let estranged = home.estranged(&server);
        tokio::pin!(estranged);
        let mut stirs = home.stirs();
        let who = self.caller.who.clone();
        let disbelieved = who.until_doubted(&server);
        tokio::pin!(disbelieved);
        let mut next = Instant::now();
        let end = loop {
            let waits = self.has_news() || !self.later.is_empty();
            tokio::select! {
                message = asked.message() => match message {
                    Ok(Some(message)) => if let Err(status) = self.hear(message).await {
                        break Some(status);
                    },
                    Ok(None) | Err(_) => break None,
                },
                Some(stir) = stirs.recv() => self.stir(&stir),
                () = answers.closed() => break None,
                () = &mut estranged => {
                    let words = format!("{} meets with {server} no more", home.me());
                    break Some(refused(Code::PermissionDenied, "parted", words));
                }
                why = &mut disbelieved => break Some(doubted(&why)),
                () = sleep_until(next), if waits => {
                    next = Instant::now() + TOGETHER;
                    let Some(news) = self.news().await else { continue };
                    match timeout(TAKES_WITHIN, answers.send(Ok(news))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(_)) => break None,
                        Err(_) => {
                            tracing::info!(%server, "a partner does not take what it watches; it is cut off");
                            break None;
                        }
                    }
                }
            }
        };
        if let Some(status) = end {
            timeout(TAKES_WITHIN, answers.send(Err(status))).await.ok();
        }
    }

    /// Each message is a new question: who asks must still be who it is, and may not say too much.
    async fn hear(&mut self, message: wire::WatchRequest) -> Result<(), Status> {
        let me = self.home.me().to_string();
        admitted(&self.home, &self.door, &self.caller, (self.server.as_str(), &me)).await?;
        let names = match message.what {
            Some(What::Names(names)) => names,
            // Of a newer version.
            None => return Ok(()),
            Some(What::Begin(_)) => {
                self.door.misbehaved(&self.server);
                let words = "it has begun already".to_owned();
                return Err(refused(Code::InvalidArgument, "bad-request", words));
            }
        };
        for name in read_names(&self.door, &self.server, &names.remove)? {
            self.names.remove(&name);
            self.dirty.remove(&name);
            self.stale.remove(&name);
            self.later.retain(|later| *later != name);
        }
        for name in read_names(&self.door, &self.server, &names.add)? {
            if !self.names.contains_key(&name) && !self.later.contains(&name) {
                self.later.push_back(name);
            }
        }
        if self.names.len() + self.later.len() > Sight::MOST {
            self.door.misbehaved(&self.server);
            let words = format!("one node watches at most {} people", Sight::MOST);
            return Err(refused(Code::InvalidArgument, "bad-request", words));
        }
        Ok(())
    }

    fn stir(&mut self, stir: &Stir) {
        let names = self.names.iter();
        match stir {
            Stir::Person(user) => {
                let theirs =
                    names.filter(|(name, watched)| watched.is(user) || name.as_str() == user.as_str());
                self.dirty.extend(theirs.map(|(name, _)| name.clone()));
            }
            Stir::People => self.dirty.extend(names.map(|(name, _)| name.clone())),
            Stir::All => {
                self.all_stale = !self.names.is_empty();
                self.dirty.extend(names.map(|(name, _)| name.clone()));
            }
        }
    }

    fn has_news(&self) -> bool {
        self.all_stale || !self.dirty.is_empty() || !self.stale.is_empty()
    }

    /// What is to be told now, if anything.
    async fn news(&mut self) -> Option<wire::WatchResponse> {
        while let Some(name) = self.later.front() {
            if self
                .budget
                .take(&self.server, name, std::time::Instant::now())
                .is_err()
            {
                self.home.ledger().slowed();
                break;
            }
            let name = self.later.pop_front()?;
            self.names.insert(name.clone(), Watched::default());
            self.dirty.insert(name);
        }
        let names: Vec<LocalName> = self.dirty.iter().cloned().collect();
        let mut presences = Vec::new();
        if !names.is_empty() {
            // Where it cannot be read it is tried again.
            let seen = self.home.presences(names.clone()).await?;
            self.dirty.clear();
            for (name, seen) in names.into_iter().zip(seen) {
                let Some(watched) = self.names.get_mut(&name) else {
                    continue;
                };
                let presence = seen.presence;
                let who = Some((seen.user, seen.revision));
                if watched.who.is_some() && watched.who != who {
                    self.stale.insert(name.clone());
                }
                watched.who = who;
                if watched.told != presence {
                    watched.told = presence;
                    presences.push(wire::Presence {
                        name: name.to_string(),
                        state: state_of(presence).into(),
                    });
                }
            }
        }
        let stale = std::mem::take(&mut self.stale);
        let news = wire::WatchResponse {
            presences,
            stale: stale.into_iter().map(|name| name.to_string()).collect(),
            all_stale: std::mem::take(&mut self.all_stale),
        };
        let is_something = news.all_stale || !news.presences.is_empty() || !news.stale.is_empty();
        is_something.then_some(news)
    }
}

/// Who may not sign in is nobody to others.
fn state_of(presence: Option<Presence>) -> State {
    match presence {
        None | Some(Presence::Disabled) => State::Unknown,
        Some(Presence::Offline) => State::Offline,
        Some(Presence::Online) => State::Online,
        Some(Presence::InConference) => State::InConference,
        Some(Presence::Owner) => State::Owner,
        Some(Presence::InCall) => State::InCall,
    }
}

/// A state of a newer version is somebody who is there.
fn presence_of(state: i32) -> Option<Presence> {
    Some(match State::try_from(state) {
        Ok(State::Unknown) => return None,
        Ok(State::Offline) => Presence::Offline,
        Ok(State::Online) | Err(_) => Presence::Online,
        Ok(State::InConference) => Presence::InConference,
        Ok(State::Owner) => Presence::Owner,
        Ok(State::InCall) => Presence::InCall,
    })
}

/// Whom of a partner's people a node wants to hear of, or not any more.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asking {
    pub add: Vec<LocalName>,
    pub remove: Vec<LocalName>,
}

/// What a partner tells. Names that nobody asked for are among them where it likes: who hears it looks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Heard {
    pub presences: Vec<(LocalName, Option<Presence>)>,
    /// Whose profiles are to be looked up again.
    pub stale: Vec<LocalName>,
    pub all_stale: bool,
}

/// This node watches people of a partner. It is over when one of the channels is closed.
pub struct Watching {
    pub ask: mpsc::Sender<Asking>,
    pub hear: mpsc::Receiver<Heard>,
    _line: Arc<Line>,
}

impl Reach {
    /// Begins to watch people of `server`.
    ///
    /// # Errors
    /// When it cannot be reached, or does not tell.
    pub async fn watch(&self, server: &ServerName) -> Result<Watching, Unreached> {
        let line = self.line(server).await?;
        line.is_able(server, Capability::Watch)?;
        let (ask, asked) = mpsc::channel::<Asking>(WAITING);
        let first = wire::WatchRequest {
            what: Some(What::Begin(wire::WatchBegin {
                server: self.home.me().to_string(),
                wanted: server.to_string(),
            })),
        };
        let (say, said) = mpsc::channel(1);
        tokio::spawn(pass_on(asked, say));
        let requests = tokio_stream::once(first).chain(ReceiverStream::new(said));
        let mut client =
            wire::federation_client::FederationClient::new(line.channel()).max_decoding_message_size(HEARD);
        let answered = timeout(ANSWER_WITHIN, client.watch(requests)).await;
        let answered = answered.unwrap_or_else(|_| Err(Status::unavailable("it did not answer in time")));
        let answers = match answered {
            Ok(answers) => answers.into_inner(),
            Err(status) => {
                if !spoke(&status) {
                    self.lines.forget(server, &line).await;
                }
                return Err(unanswered(&status));
            }
        };
        let (tell, hear) = mpsc::channel(1);
        tokio::spawn(carry(self.clone(), server.clone(), line.clone(), answers, tell));
        Ok(Watching {
            ask,
            hear,
            _line: line,
        })
    }
}

/// Cuts what is asked into messages. What is not asked for any more comes first: the same may be asked for anew.
async fn pass_on(mut asked: mpsc::Receiver<Asking>, say: mpsc::Sender<wire::WatchRequest>) {
    let texts = |names: &[LocalName]| names.iter().map(ToString::to_string).collect();
    while let Some(Asking { add, remove }) = asked.recv().await {
        let removes = remove.chunks(NAMES).map(|names| wire::WatchNames {
            add: Vec::new(),
            remove: texts(names),
        });
        let adds = add.chunks(NAMES).map(|names| wire::WatchNames {
            add: texts(names),
            remove: Vec::new(),
        });
        for names in removes.chain(adds) {
            let message = wire::WatchRequest {
                what: Some(What::Names(names)),
            };
            if say.send(message).await.is_err() {
                return;
            }
            tokio::time::sleep(PACE).await;
        }
    }
}

/// Until the other server tells no more or too much, or nobody hears it.
async fn carry(
    reach: Reach,
    server: ServerName,
    line: Arc<Line>,
    mut answers: Streaming<wire::WatchResponse>,
    tell: mpsc::Sender<Heard>,
) {
    loop {
        let answer = tokio::select! {
            answer = answers.message() => answer,
            () = tell.closed() => return,
            () = line.doubted() => return,
        };
        match answer {
            Ok(Some(answer)) => {
                let Some(heard) = read(answer) else {
                    tracing::info!(%server, "a partner tells more than was asked for; it is heard no more for now");
                    return;
                };
                if tell.send(heard).await.is_err() {
                    return;
                }
                tokio::time::sleep(PACE).await;
            }
            Ok(None) => return,
            Err(status) => {
                if !spoke(&status) {
                    reach.lines.forget(&server, &line).await;
                }
                tracing::debug!(%server, error = status.message(), "people of a partner are not watched any more");
                return;
            }
        }
    }
}

/// `None` where it is more than can have been asked for.
fn read(answer: wire::WatchResponse) -> Option<Heard> {
    if answer.presences.len() > Sight::MOST || answer.stale.len() > Sight::MOST {
        return None;
    }
    let presences = answer.presences.into_iter();
    let presences = presences.filter_map(|one| Some((one.name.parse().ok()?, presence_of(one.state))));
    let stale = answer.stale.iter().filter_map(|name| name.parse().ok());
    Some(Heard {
        presences: presences.collect(),
        stale: stale.collect(),
        all_stale: answer.all_stale,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presence_crosses_unchanged_and_who_is_disabled_is_nobody() {
        for presence in [
            Presence::Offline,
            Presence::Online,
            Presence::InConference,
            Presence::Owner,
            Presence::InCall,
        ] {
            assert_eq!(presence_of(state_of(Some(presence)).into()), Some(presence));
        }
        assert_eq!(presence_of(state_of(Some(Presence::Disabled)).into()), None);
        assert_eq!(presence_of(state_of(None).into()), None);
        assert_eq!(presence_of(77), Some(Presence::Online));
    }

    #[test]
    fn no_owner_of_servers_takes_all_places() {
        let watchers = Watchers::default();
        let node = |number: usize| watchers.take(&format!("n{number}.example.net").parse().expect("a name"));
        let held: Vec<_> = (0..WATCHERS_EACH).map(node).collect();
        assert!(held.iter().all(Option::is_some) && node(0).is_none());
        let other = "paris.example.com".parse().expect("a name");
        assert!(watchers.take(&other).is_some());
        drop(held);
        assert!(node(0).is_some());
    }

    #[test]
    fn names_of_others_are_not_read_and_too_many_end_it() {
        let one = |name: &str| wire::Presence {
            name: name.into(),
            state: State::Online.into(),
        };
        let answer = wire::WatchResponse {
            presences: vec![one("demo2"), one("demo1@paris.example.com"), one("")],
            stale: vec!["a b".into(), "demo2".into()],
            all_stale: false,
        };
        let heard = read(answer).expect("it is not too much");
        assert_eq!((heard.presences.len(), heard.stale.len()), (1, 1));
        let many = wire::WatchResponse {
            presences: vec![one("demo2"); Sight::MOST + 1],
            ..wire::WatchResponse::default()
        };
        assert_eq!(read(many), None);
    }
}
