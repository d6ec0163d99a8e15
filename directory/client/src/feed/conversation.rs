//! One conversation with one instance, from hello to its end.

use super::{
    Feeder,
    fit::{LeftOut, packs, sent, sent_changes},
};
use crate::{
    Changes, Code, Place, Presence, Snapshot, SourceError, talk,
    wire::{self, MOST_CHANGES, MOST_PRESENCES},
};
use plenary_contracts::directory::v1::{
    self as pb, Batch, FromDirectory, FromServer, Hello, SnapshotEnd, SnapshotPart, from_directory,
    from_server::What,
};
use plenary_identity::SignedRevocations;
use plenary_people::{Change, Digest, Share};
use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};
use tonic::Streaming;

/// Batches that are under way without an answer.
const UNDER_WAY: usize = 8;
/// Messages that wait to be sent.
const WAITING: usize = 4;
/// Why the Directory does not listen any more is heard within this.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(2);

/// What became of a conversation.
#[derive(Debug, Default)]
pub(super) struct Course {
    /// The Directory took the feed.
    pub(super) welcomed: bool,
    /// It was of use: something is on the Directory's disk that was not, or it was told everything for a while.
    pub(super) succeeded: bool,
}

/// Why a conversation ended.
pub(super) struct End {
    pub(super) code: Option<Code>,
    pub(super) reason: String,
}

impl End {
    fn broken(reason: impl Into<String>) -> Self {
        Self {
            code: None,
            reason: reason.into(),
        }
    }

    fn ended() -> Self {
        Self::broken(ENDED)
    }
}

const ENDED: &str = "the conversation ended";

impl From<tonic::Status> for End {
    fn from(status: tonic::Status) -> Self {
        Self {
            code: Code::of(&status),
            reason: status.message().to_owned(),
        }
    }
}

impl From<SourceError> for End {
    fn from(error: SourceError) -> Self {
        Self::broken(format!("this server's own store: {error}"))
    }
}

pub(super) struct Conversation<'a> {
    feeder: &'a Feeder,
    address: &'a str,
    presence_only: bool,
    place: Place,
    store: [u8; 16],
    leaving: bool,
    share: Share,
    revocations: Option<SignedRevocations>,
    left_out: LeftOut,
    /// Up to which position was sent.
    sent: u64,
    /// The position of a snapshot that was sent and does not count yet.
    snapshot: Option<u64>,
    /// The ends of batches that were not acknowledged.
    under_way: std::collections::VecDeque<u64>,
    presence: BTreeMap<String, Presence>,
    /// It may be another one.
    presence_changed: bool,
    presence_told: Instant,
    spoke: Instant,
    /// Since when all that there is to tell was told.
    settled: Option<Instant>,
    /// Something became durable.
    is_of_use: bool,
}

impl<'a> Conversation<'a> {
    pub(super) fn new(feeder: &'a Feeder, address: &'a str, presence_only: bool) -> Self {
        Self {
            feeder,
            address,
            presence_only,
            place: feeder.source.place(),
            store: feeder.source.store(),
            leaving: feeder.source.leaves(),
            share: feeder.source.share(),
            revocations: feeder.source.revocations(),
            left_out: LeftOut::default(),
            sent: 0,
            snapshot: None,
            under_way: Default::default(),
            presence: BTreeMap::new(),
            presence_changed: true,
            presence_told: Instant::now(),
            spoke: Instant::now(),
            settled: None,
            is_of_use: false,
        }
    }

    /// Talks until it ends; `course` says what became of it.
    pub(super) async fn run(mut self, course: &mut Course) -> End {
        let (say, mut hear) = match self.call().await {
            Ok(both) => both,
            Err(end) => return end,
        };
        let end = match self.talk(say, &mut hear, &mut course.welcomed).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        let told_all = self
            .settled
            .is_some_and(|since| since.elapsed() >= self.feeder.options.breath);
        course.succeeded = self.is_of_use || told_all;
        match end.reason == ENDED {
            true => last_words(&mut hear).await.unwrap_or(end),
            false => end,
        }
    }

    async fn talk(
        &mut self,
        say: mpsc::Sender<FromServer>,
        hear: &mut Streaming<FromDirectory>,
        welcomed: &mut bool,
    ) -> Result<std::convert::Infallible, End> {
        let welcome = match hear.next().await {
            Some(Ok(FromDirectory {
                what: Some(from_directory::What::Welcome(welcome)),
            })) => welcome,
            Some(Ok(_)) => return Err(End::broken("it did not answer the hello")),
            Some(Err(status)) => return Err(status.into()),
            None => return Err(End::ended()),
        };
        *welcomed = true;
        let most = (welcome.most_changes as usize).clamp(1, MOST_CHANGES);
        if !self.presence_only {
            self.feeder
                .welcomed(self.address, welcome.directory, welcome.addresses);
        }
        self.tell_presence(&say, true).await?;
        if self.presence_only {
            // What changes is told to another instance.
        } else if welcome.anew {
            self.snapshot(&say, hear, most).await?;
        } else {
            self.sent = welcome.position;
            self.durable(welcome.position);
        }
        let mut watch = self.feeder.source.watch();
        loop {
            // What changes from here on is looked at in the next round.
            self.presence_changed |= watch.has_changed().unwrap_or(true);
            watch.mark_unchanged();
            self.catch_up(&say, hear, most).await?;
            self.settle();
            let breath = self.feeder.options.breath.saturating_sub(self.spoke.elapsed());
            let wait = match self.presence_is_due() {
                Some(due) => breath.min(due),
                None => breath,
            };
            tokio::select! {
                changed = watch.changed() => {
                    self.presence_changed = true;
                    changed.map_err(|_| End::broken("this server's store was closed"))?;
                }
                () = tokio::time::sleep(wait.max(Duration::from_millis(1))) => {}
                heard = hear.next() => self.take(heard)?,
            }
            self.tell_rest(&say).await?;
        }
    }

    /// Calls the instance and says hello.
    async fn call(&self) -> Result<(mpsc::Sender<FromServer>, Streaming<FromDirectory>), End> {
        let Feeder {
            identity,
            credentials,
            options,
            ..
        } = self.feeder;
        let client = talk::client(
            identity,
            options.directory.as_ref(),
            self.address,
            options.answer_within,
        );
        let mut client = client.map_err(|error| End::broken(error.to_string()))?;
        let (say, said) = mpsc::channel(WAITING);
        let hello = Hello {
            version: wire::VERSION,
            server: identity.me().server.to_string(),
            client_id: credentials.client_id.clone(),
            secret: credentials.secret.as_bytes().to_vec(),
            incarnation: self.place.incarnation.to_vec(),
            tells_from: self.place.tells_from,
            position: self.place.position,
            share: Some(wire::share_to(&self.share)),
            presence_only: self.presence_only,
            term: self.feeder.source.term(),
            store: self.store.to_vec(),
            leaving: self.leaving,
            revocations: Some(wire::revocations_to(self.revocations.as_ref())),
        };
        let what = Some(What::Hello(hello));
        // There is room: nothing was said yet.
        say.send(FromServer { what }).await.map_err(|_| End::ended())?;
        let calling = client.feed(ReceiverStream::new(said));
        let hear = match tokio::time::timeout(options.answer_within, calling).await {
            Ok(answer) => answer?.into_inner(),
            Err(_) => return Err(End::broken("it does not answer")),
        };
        Ok((say, hear))
    }

    async fn say(&mut self, say: &mpsc::Sender<FromServer>, what: What) -> Result<(), End> {
        self.spoke = Instant::now();
        let what = Some(what);
        say.send(FromServer { what }).await.map_err(|_| End::ended())
    }

    /// Takes what the Directory says.
    fn take(&mut self, heard: Option<Result<FromDirectory, tonic::Status>>) -> Result<(), End> {
        match heard {
            None => Err(End::ended()),
            Some(Err(status)) => Err(status.into()),
            Some(Ok(FromDirectory { what })) => match what {
                Some(from_directory::What::Durable(position)) => {
                    while self.under_way.front().is_some_and(|end| *end <= position) {
                        self.under_way.pop_front();
                    }
                    self.is_of_use = true;
                    self.durable(position);
                    Ok(())
                }
                Some(from_directory::What::Refused(refused)) => Err(End {
                    code: refused.code.parse().ok(),
                    reason: refused.reason,
                }),
                Some(from_directory::What::Addresses(told)) => {
                    if !self.presence_only {
                        self.feeder.learnt(told.addresses);
                    }
                    Ok(())
                }
                Some(from_directory::What::Welcome(_)) | None => Ok(()),
            },
        }
    }

    /// Nothing is left to tell, and nothing is under way.
    fn settle(&mut self) {
        match self.under_way.is_empty() {
            true => self.settled = self.settled.or_else(|| Some(Instant::now())),
            false => self.settled = None,
        }
    }

    /// What was left out until now is known outside, too.
    fn say_left_out(&mut self) {
        let LeftOut { count, last } = std::mem::take(&mut self.left_out);
        let Some(last) = last else { return };
        tracing::warn!(entries = count, %last, "entries cannot be told to the Directory");
        self.feeder.told.send_modify(|standing| {
            standing.left_out += count;
            standing.left_out_last = Some(last);
        });
    }

    fn durable(&mut self, position: u64) {
        let counts = self.snapshot.take_if(|end| *end <= position).is_some();
        self.feeder.told.send_modify(|standing| {
            standing.durable = Some(position);
            standing.snapshots += u64::from(counts);
        });
    }

    /// Sends what changed since, with few batches under way.
    async fn catch_up(
        &mut self,
        say: &mpsc::Sender<FromServer>,
        hear: &mut Streaming<FromDirectory>,
        most: usize,
    ) -> Result<(), End> {
        if self.presence_only {
            return Ok(());
        }
        loop {
            let place = self.feeder.source.place();
            if place.incarnation != self.place.incarnation {
                return Err(End::broken("the store of this server was made anew"));
            }
            if place.position <= self.sent {
                return Ok(());
            }
            while self.under_way.len() >= UNDER_WAY {
                let heard = hear.next().await;
                self.take(heard)?;
            }
            let (source, incarnation) = (&self.feeder.source, self.place.incarnation);
            let Changes { to, changes } = source.changes(incarnation, self.sent, most).await?;
            if to <= self.sent {
                return Ok(());
            }
            let changes = changes.into_iter();
            let changes = changes
                .filter_map(|change| self.left_out.fit_change(change))
                .collect();
            self.say_left_out();
            // One position may have many changes: all but the last batch end where they begin.
            let mut packs = packs(changes, most);
            let last = packs.pop().unwrap_or_default();
            for pack in packs {
                self.batch(say, self.sent, pack).await?;
            }
            self.batch(say, to, last).await?;
        }
    }

    async fn batch(
        &mut self,
        say: &mpsc::Sender<FromServer>,
        to: u64,
        changes: Vec<Change>,
    ) -> Result<(), End> {
        let changes = sent_changes(changes);
        let from = self.sent;
        self.under_way.push_back(to);
        self.sent = to;
        self.say(say, What::Batch(Batch { from, to, changes })).await
    }

    /// Sends everything, and waits until it counts.
    async fn snapshot(
        &mut self,
        say: &mpsc::Sender<FromServer>,
        hear: &mut Streaming<FromDirectory>,
        most: usize,
    ) -> Result<(), End> {
        let Snapshot {
            position,
            mut digest,
            mut parts,
        } = self.feeder.source.snapshot(self.place.incarnation).await?;
        let mut computed = Digest::EMPTY;
        while let Some(part) = parts.next().await {
            let entries = self.left_out.fit_all(part?, &mut digest);
            if digest.is_none() {
                entries.iter().for_each(|entry| computed.add(entry));
            }
            for pack in packs(entries, most) {
                let entries = sent(pack);
                self.say(say, What::Part(SnapshotPart { entries })).await?;
            }
        }
        self.say_left_out();
        let digest = digest.unwrap_or(computed).as_bytes().to_vec();
        self.say(say, What::End(SnapshotEnd { position, digest })).await?;
        self.sent = position;
        self.snapshot = Some(position);
        self.under_way.push_back(position);
        while !self.under_way.is_empty() {
            let breath = self.feeder.options.breath;
            match tokio::time::timeout(breath, hear.next()).await {
                Ok(heard) => self.take(heard)?,
                Err(_) => self.say(say, What::Presence(pb::Presence::default())).await?,
            }
        }
        Ok(())
    }

    /// Until presence may be told again, where it may have changed.
    fn presence_is_due(&self) -> Option<Duration> {
        let pause = self.feeder.options.presence_every;
        let due = pause.saturating_sub(self.presence_told.elapsed());
        self.presence_changed.then_some(due)
    }

    /// What is no entry: the share, presence, and that this server is still there.
    async fn tell_rest(&mut self, say: &mpsc::Sender<FromServer>) -> Result<(), End> {
        let share = self.feeder.source.share();
        if share != self.share && !self.presence_only {
            let what = What::Share(wire::share_to(&share));
            self.share = share;
            self.say(say, what).await?;
        }
        let revocations = self.feeder.source.revocations();
        if revocations != self.revocations {
            let what = What::Revocations(wire::revocations_to(revocations.as_ref()));
            self.revocations = revocations;
            self.say(say, what).await?;
        }
        if self.presence_is_due().is_some_and(|due| due.is_zero()) {
            self.tell_presence(say, false).await?;
        }
        if self.spoke.elapsed() >= self.feeder.options.breath {
            self.say(say, What::Presence(pb::Presence::default())).await?;
        }
        Ok(())
    }

    async fn tell_presence(&mut self, say: &mpsc::Sender<FromServer>, all: bool) -> Result<(), End> {
        let now = self.feeder.source.presence();
        let mut changed: Vec<_> = now
            .iter()
            .filter(|(user, presence)| all || self.presence.get(*user) != Some(presence))
            .map(|(user, presence)| (user.clone(), *presence))
            .collect();
        if !all {
            let gone = self.presence.keys().filter(|user| !now.contains_key(*user));
            changed.extend(gone.map(|user| (user.clone(), Presence::Offline)));
        }
        self.presence = now;
        self.presence_told = Instant::now();
        self.presence_changed = false;
        if changed.is_empty() && !all {
            return Ok(());
        }
        let mut all = all;
        let mut chunks = changed.chunks(MOST_PRESENCES);
        loop {
            let people = chunks.next().unwrap_or_default().iter();
            let people = people.map(|(user, presence)| pb::PresenceOf {
                user: user.clone(),
                state: wire::presence_to(*presence),
            });
            let presence = pb::Presence {
                all,
                people: people.collect(),
            };
            self.say(say, What::Presence(presence)).await?;
            all = false;
            if chunks.len() == 0 {
                return Ok(());
            }
        }
    }
}

/// Why the Directory does not listen any more: whoever was just sending hears of it only here.
async fn last_words(hear: &mut Streaming<FromDirectory>) -> Option<End> {
    let until = tokio::time::Instant::now() + LAST_WORDS_WITHIN;
    loop {
        match tokio::time::timeout_at(until, hear.next()).await.ok()?? {
            Ok(FromDirectory {
                what: Some(from_directory::What::Refused(refused)),
            }) => {
                return Some(End {
                    code: refused.code.parse().ok(),
                    reason: refused.reason,
                });
            }
            Ok(_) => {}
            Err(status) => return Some(status.into()),
        }
    }
}
