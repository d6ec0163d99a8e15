use crate::{
    clock::reading,
    line::{FromManager, Line},
};
use plenary_licences::{
    Epoch, Refusal, Reply, Seats,
    lessee::{Applied, Asked, Change, Effect, Held, Home, Leader, Options, Watch},
};
use plenary_model::{NodeId, ServerName};
use std::{collections::BTreeSet, sync::Arc, time::Duration};
use tokio::task::JoinSet;

/// This node leads its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leading {
    pub term: u64,
    /// All voters, this node too.
    pub members: BTreeSet<NodeId>,
}

/// What the server's replicated log must offer. The lessee is the whole server; this is its leader's part.
///
/// Invariant: [`Log::state`] is as this node applied it, in the order of the log.
#[async_trait::async_trait]
pub trait Log: Send + Sync + 'static {
    /// `None` while another node leads.
    fn leads(&self) -> Option<Leading>;

    /// What the server borrowed, and the seats that are granted under this lease, both as of one moment.
    fn state(&self) -> (Held, Seats);

    /// What the server would like to have, seats in use included.
    fn wanted(&self) -> Seats;

    /// What the nodes say for which lease they vouch ([`Watch::vouches`]), of those that said something in this term.
    fn statements(&self) -> Vec<(NodeId, Option<Epoch>)>;

    /// Where the data of this node lies.
    fn home(&self) -> Home;

    /// Lets `f` use this node's watch; what it changed is on the disk when this returns.
    fn watch(&self, f: &mut dyn FnMut(&mut Watch));

    /// Has a change committed by this leader in this term, and applied here; what `Held::apply` said of it.
    ///
    /// # Errors
    /// When it was not, or nobody knows; a sentence for the log.
    async fn propose(&self, term: u64, change: Change) -> Result<Applied, String>;

    /// Returns when something of the above may have changed since the last call.
    async fn changed(&self);

    /// Why the manager does not lend, to be shown to administrators; `None` when it does.
    fn refused(&self, refusal: Option<Refusal>);

    /// Whether the server gives its lease back for good. Nothing is granted under it any more then.
    fn leaves(&self) -> bool {
        false
    }

    /// The manager has everything back, or the time of what it has not is over.
    fn left(&self) {}
}

/// The longest that nothing is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Keeps `server` in its lease whenever this node leads it; runs until the task is dropped.
pub async fn run(server: ServerName, options: Options, log: Arc<dyn Log>, mut line: Line) {
    loop {
        match log.leads() {
            None => {
                // Answers to an earlier leader are no news.
                tokio::select! {
                    () = log.changed() => {}
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    said = line.next() => if said.is_none() { return },
                }
            }
            Some(leading) => {
                let lessee = Lessee {
                    leader: Leader::elected(
                        server.clone(),
                        options,
                        leading.term,
                        leading.members.clone(),
                        reading(),
                    ),
                    log: log.clone(),
                    term: leading.term,
                    proposals: JoinSet::new(),
                };
                lessee.lead(&mut line).await;
            }
        }
    }
}

/// One term of leading.
struct Lessee {
    leader: Leader,
    log: Arc<dyn Log>,
    term: u64,
    proposals: JoinSet<(Change, Result<Applied, String>)>,
}

impl Lessee {
    async fn lead(mut self, line: &mut Line) {
        tracing::info!(term = self.term, "this node keeps the server's lease");
        while self.log.leads().is_some_and(|leading| leading.term == self.term) {
            for (node, epoch) in self.log.statements() {
                self.leader.hear(node, epoch);
            }
            self.leader.want(self.log.wanted());
            let effects = match self.log.leaves() {
                true => self.leave(),
                false => self.with(|leader, asked| leader.poll(asked)),
            };
            self.act(effects, line);
            self.log.refused(self.leader.refusal());
            tokio::select! {
                () = self.log.changed() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                Some(done) = self.proposals.join_next() => self.proposed(done, line),
                said = line.next() => match said {
                    None => return,
                    Some(said) => self.heard(said, line),
                },
            }
        }
        tracing::info!(term = self.term, "another node keeps the server's lease");
    }

    /// Lets the rules look at the log and this node's watch.
    fn with(&mut self, decide: impl FnOnce(&mut Leader, Asked<'_>) -> Vec<Effect>) -> Vec<Effect> {
        let (held, in_use) = self.log.state();
        let home = self.log.home();
        let random = rand::random();
        let mut decide = Some(decide);
        let mut effects = Vec::new();
        let leader = &mut self.leader;
        self.log.watch(&mut |watch| {
            let Some(decide) = decide.take() else { return };
            let asked = Asked {
                held: &held,
                in_use,
                watch,
                home,
                now: reading(),
                random,
            };
            effects = decide(leader, asked);
        });
        effects
    }

    /// First the server's log has nothing, then the manager is told.
    fn leave(&mut self) -> Vec<Effect> {
        let (held, _) = self.log.state();
        let home = self.log.home();
        let mut over = true;
        if let Some(epoch) = held.epoch() {
            self.log.watch(&mut |watch| {
                over = watch.left_ms(epoch, reading(), home).unwrap_or(0) == 0;
            });
        }
        if over {
            self.log.left();
            return Vec::new();
        }
        match held.seats.is_none() {
            true => self.with(|leader, asked| leader.left(asked).into_iter().collect()),
            false => self.with(|leader, asked| leader.leave(asked)),
        }
    }

    fn act(&mut self, effects: Vec<Effect>, line: &Line) {
        for effect in effects {
            match effect {
                Effect::Send(request) => line.send(request),
                Effect::Propose(change) => {
                    let (log, term) = (self.log.clone(), self.term);
                    self.proposals
                        .spawn(async move { (change, log.propose(term, change).await) });
                }
            }
        }
    }

    fn proposed(
        &mut self,
        done: Result<(Change, Result<Applied, String>), tokio::task::JoinError>,
        line: &Line,
    ) {
        let (change, applied) = match done {
            Ok(done) => done,
            Err(error) => return tracing::error!(%error, "a change of the lease was not proposed"),
        };
        match applied {
            Ok(applied) => {
                let effects = self.with(|leader, asked| leader.applied(&change, applied, asked));
                self.act(effects, line);
            }
            Err(reason) => {
                tracing::debug!(%reason, "a change of the lease was not committed; it is tried again")
            }
        }
    }

    fn heard(&mut self, said: FromManager, line: &Line) {
        let effects = match said {
            FromManager::Connected => return,
            FromManager::Answer(answer) => {
                let ended = match &answer.reply {
                    Reply::Left { .. } => true,
                    Reply::Refused { refusal, .. } => *refusal == Refusal::Gone,
                    _ => false,
                };
                if ended && self.log.leaves() {
                    self.log.left();
                }
                self.with(|leader, asked| leader.answered(&answer, asked))
            }
            FromManager::Recall(recall) => self.with(|leader, asked| leader.recalled(recall, asked)),
        };
        self.act(effects, line);
    }
}
