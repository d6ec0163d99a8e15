//! One conversation with one instance, from hello to its end.

use super::Feeder;
use crate::{
    Changes, Code, Place, Presence, Snapshot, SourceError, talk,
    wire::{self, MOST_CHANGES, MOST_PRESENCES},
};
use plenary_contracts::directory::v1::{
    self as pb, Batch, FromDirectory, FromServer, Hello, SnapshotEnd, SnapshotPart, from_directory,
    from_server::What,
};
use plenary_people::{Digest, Share};
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
        Self::broken("the conversation ended")
    }
}

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
    share: Share,
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
}

impl<'a> Conversation<'a> {
    pub(super) fn new(feeder: &'a Feeder, address: &'a str, presence_only: bool) -> Self {
        Self {
            feeder,
            address,
            presence_only,
            place: feeder.source.place(),
            share: feeder.source.share(),
            sent: 0,
            snapshot: None,
            under_way: Default::default(),
            presence: BTreeMap::new(),
            presence_changed: true,
            presence_told: Instant::now(),
            spoke: Instant::now(),
        }
    }

    /// Talks until it ends; `welcome`: whether the Directory took the feed.
    pub(super) async fn run(mut self, welcome: &mut bool) -> End {
        match self.talk(welcome).await {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    async fn talk(&mut self, welcomed: &mut bool) -> Result<std::convert::Infallible, End> {
        let (say, mut hear) = self.call().await?;
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
            self.snapshot(&say, &mut hear, most).await?;
        } else {
            self.sent = welcome.position;
            self.durable(welcome.position);
        }
        let mut watch = self.feeder.source.watch();
        loop {
            // What changes from here on is looked at in the next round.
            self.presence_changed |= watch.has_changed().unwrap_or(true);
            watch.mark_unchanged();
            self.catch_up(&say, &mut hear, most).await?;
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
                    self.durable(position);
                    Ok(())
                }
                Some(from_directory::What::Refused(refused)) => Err(End {
                    code: refused.code.parse().ok(),
                    reason: refused.reason,
                }),
                Some(from_directory::What::Welcome(_)) | None => Ok(()),
            },
        }
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
            let Changes { to, changes } = self.feeder.source.changes(self.sent, most).await?;
            if to <= self.sent {
                return Ok(());
            }
            let mut changes: Vec<_> = changes.into_iter().filter_map(wire::change_to).collect();
            // One position may have many changes: all but the last batch end where they begin.
            while changes.len() > most {
                let rest = changes.split_off(most);
                self.batch(say, self.sent, changes).await?;
                changes = rest;
            }
            self.batch(say, to, changes).await?;
        }
    }

    async fn batch(
        &mut self,
        say: &mpsc::Sender<FromServer>,
        to: u64,
        changes: Vec<pb::Change>,
    ) -> Result<(), End> {
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
            digest,
            mut parts,
        } = self.feeder.source.snapshot().await?;
        let mut computed = Digest::EMPTY;
        while let Some(part) = parts.next().await {
            let mut entries = part?.into_iter().peekable();
            while entries.peek().is_some() {
                let entries = entries.by_ref().take(most).inspect(|entry| computed.add(entry));
                let entries = entries.map(wire::entry_to).collect();
                self.say(say, What::Part(SnapshotPart { entries })).await?;
            }
        }
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
