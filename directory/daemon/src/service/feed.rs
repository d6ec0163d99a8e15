//! The feed of one server: what its leader tells, one word after the other.

use crate::{
    copy,
    limits::{COST_OF_MESSAGE, Pace},
    refusal::{Refusal, quoted},
    running::{Counts, Running},
    store::{Begun, Ended, Hello},
};
use plenary_contracts::directory::v1::{
    self as pb, Batch, FromDirectory, FromServer, SnapshotEnd, SnapshotRefused, Welcome,
    from_directory::What as Say, from_server::What,
};
use plenary_directory_client::wire::{self, MOST_CHANGES, MOST_PRESENCES};
use plenary_links::Who;
use plenary_model::ServerName;
use plenary_people::{Change, Digest, Entry, Share};
use std::{
    pin::Pin,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::mpsc;
use tokio_stream::{Stream, StreamExt as _, wrappers::ReceiverStream};
use tonic::{Status, Streaming};

/// The first word must come within this.
const HELLO_WITHIN: Duration = Duration::from_secs(10);
/// A feed that says nothing for so long is ended.
const SILENCE: Duration = Duration::from_secs(60);
/// How often it is looked whether the feed still counts.
const LOOK_EVERY: Duration = Duration::from_millis(200);

type Told = Result<FromDirectory, Status>;

/// Hears a feed in a task, until it ends or counts no more.
pub(super) fn begin(
    running: Arc<Running>,
    server: ServerName,
    who: Who,
    said: Streaming<FromServer>,
) -> Pin<Box<dyn Stream<Item = Told> + Send>> {
    let (say, heard) = mpsc::channel(64);
    tokio::spawn(async move {
        let mut feed = Feed {
            pace: Pace::new(running.changes_per_second, Instant::now()),
            running,
            server,
            said,
            say,
            begun: Begun {
                feed: 0,
                position: None,
                entries: 0,
            },
            share: Share::nothing(),
            incarnation: [0; 16],
            last_key: None,
            presence: 0,
            coming: None,
        };
        if let Err(refusal) = feed.hear(&who).await {
            tracing::debug!(server = %feed.server, reason = %refusal, "a feed ended");
            if matches!(
                refusal,
                Refusal::OtherServer { .. }
                    | Refusal::TooManyEntries { .. }
                    | Refusal::TooLarge { .. }
                    | Refusal::BadEntry { .. }
            ) {
                feed.running.note_refusal(&feed.server, &refusal).await;
            }
            // It may have gone already.
            feed.say.send(Err(refusal.into())).await.unwrap_or_default();
        }
        feed.leave().await;
    });
    Box::pin(ReceiverStream::new(heard))
}

/// A snapshot as it comes.
#[derive(Debug, Default)]
struct Coming {
    told: u64,
    bytes: u64,
    digest: Digest,
}

struct Feed {
    running: Arc<Running>,
    server: ServerName,
    said: Streaming<FromServer>,
    say: mpsc::Sender<Told>,
    begun: Begun,
    /// What was said of it last.
    share: Share,
    incarnation: [u8; 16],
    /// With which it came, where it leaves.
    last_key: Option<String>,
    /// Its number among those that tell presence here.
    presence: u64,
    coming: Option<Coming>,
    pace: Pace,
}

impl Feed {
    /// Listens until the server goes.
    async fn hear(&mut self, who: &Who) -> Result<(), Refusal> {
        let first = tokio::time::timeout(HELLO_WITHIN, self.said.next()).await;
        let hello = match first {
            Ok(Some(Ok(FromServer {
                what: Some(What::Hello(hello)),
            }))) => hello,
            Ok(None | Some(Err(_))) => return Ok(()),
            Ok(Some(Ok(_))) | Err(_) => return Err(Refusal::BadMessage("a feed begins with a hello".into())),
        };
        if let Err(refusal) = self.greet(hello).await {
            let refusal = copy::or_follows(&self.running, refusal);
            self.running.note_refusal(&self.server, &refusal).await;
            return Err(refusal);
        }
        let mut look = tokio::time::interval(LOOK_EVERY);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        let mut instances = self.running.instances.subscribe();
        loop {
            tokio::select! {
                message = self.said.next() => {
                    let Some(Ok(message)) = message else { return Ok(()) };
                    heard = Instant::now();
                    if !self.running.presences.heard(&self.server, self.presence, heard) {
                        return Err(Refusal::Superseded(self.server.clone()));
                    }
                    self.take(message.what).await?;
                }
                changed = instances.changed() => {
                    if changed.is_ok() {
                        let addresses = instances.borrow_and_update().clone();
                        self.tell(Say::Addresses(pb::Addresses { addresses })).await;
                    }
                }
                _ = look.tick() => {
                    if !(who.still_counts)() {
                        return Err(Refusal::NotANode);
                    }
                    if *self.running.ending.borrow() {
                        return Err(Refusal::Away("this instance is ending".into()));
                    }
                    if self.say.is_closed() || heard.elapsed() > SILENCE {
                        return Ok(());
                    }
                    self.still_counts()?;
                }
            }
        }
    }

    /// Whether the server was removed, or another feed took the place of this one, as far as this instance knows.
    fn still_counts(&self) -> Result<(), Refusal> {
        let Some(known) = self.running.known(&self.server) else {
            return Ok(());
        };
        if known.feed > self.begun.feed && self.begun.feed > 0 {
            return Err(match known.active {
                true => Refusal::Superseded(self.server.clone()),
                false => Refusal::NotConnected(self.server.clone()),
            });
        }
        match self.begun.feed == 0 && !known.active {
            true => Err(Refusal::NotConnected(self.server.clone())),
            false => Ok(()),
        }
    }

    async fn greet(&mut self, hello: pb::Hello) -> Result<(), Refusal> {
        // Before anything else: what is refused costs something, too.
        self.running.gate.hello(&self.server, Instant::now())?;
        if hello.version != wire::VERSION {
            return Err(Refusal::Version(hello.version));
        }
        if hello.server != self.server.as_str() {
            return Err(Refusal::OtherServer {
                certificate: self.server.clone(),
                said: quoted(&hello.server),
            });
        }
        if !hello.presence_only {
            self.running.must_not_follow()?;
        }
        let incarnation: Result<[u8; 16], _> = hello.incarnation.try_into();
        self.incarnation =
            incarnation.map_err(|_| Refusal::BadMessage("an incarnation has 16 bytes".into()))?;
        self.heed(hello.revocations)?;
        self.last_key = hello.leaving.then(|| hello.client_id.clone());
        let hello = Hello {
            server: self.server.clone(),
            credentials: wire::credentials_from(hello.client_id, &hello.secret)?,
            incarnation: self.incarnation,
            store: wire::store_from(&hello.store, self.incarnation)?,
            tells_from: hello.tells_from,
            position: hello.position,
            share: wire::share_from(hello.share)?,
            presence_only: hello.presence_only,
            term: hello.term,
        };
        self.share = hello.share.clone();
        self.begun = self.running.store.begin_feed(&hello).await?;
        self.presence = self.running.presences.begin(&self.server, Instant::now());
        if self.begun.feed > 0 {
            tracing::info!(server = %self.server, position = ?self.begun.position, "a server tells");
        }
        let welcome = Welcome {
            directory: self.running.facts.directory.to_string(),
            position: self.begun.position.unwrap_or(0),
            anew: self.begun.feed > 0 && self.begun.position.is_none(),
            addresses: self.running.instances.borrow().clone(),
            most_changes: MOST_CHANGES as u32,
        };
        self.tell(Say::Welcome(welcome)).await;
        Ok(())
    }

    /// Certificates of the server that count no more, as the server says and signed.
    fn heed(&self, list: Option<pb::Revocations>) -> Result<(), Refusal> {
        let Some(signed) = wire::revocations_from(list)? else {
            return Ok(());
        };
        let identity = &self.running.identity;
        let list = signed.verify(identity.root_der(), SystemTime::now());
        let bad = |error: &dyn std::fmt::Display| {
            // What it tells of its people is as good as before.
            tracing::warn!(server = %self.server, %error, "a list of revoked certificates does not count");
        };
        match list {
            Ok(list) if list.scope.server == self.server => {
                if let Err(error) = identity.accept_revocations(&signed) {
                    bad(&error);
                }
            }
            Ok(list) => bad(&format!("it is that of {}", list.scope)),
            Err(error) => bad(&error),
        }
        Ok(())
    }

    async fn tell(&self, what: Say) {
        // It may have gone; then listening ends too.
        let what = Some(what);
        self.say
            .send(Ok(FromDirectory { what }))
            .await
            .unwrap_or_default();
    }

    async fn take(&mut self, what: Option<What>) -> Result<(), Refusal> {
        let changes = self.begun.feed > 0;
        match what {
            Some(What::Presence(presence)) => self.presence(presence).await,
            Some(What::Revocations(list)) => {
                self.keep_pace(COST_OF_MESSAGE).await;
                self.heed(Some(list))
            }
            Some(What::Batch(batch)) if changes => self.batch(batch).await,
            Some(What::Part(part)) if changes => self.part(part.entries).await,
            Some(What::End(end)) if changes => self.end(end).await,
            Some(What::Share(share)) if changes => self.reshare(share).await,
            Some(What::Hello(_)) => Err(Refusal::BadMessage("there is one hello in a feed".into())),
            Some(_) => Err(Refusal::BadMessage("this feed tells presence only".into())),
            None => Err(Refusal::BadMessage(
                "it says nothing that this version knows".into(),
            )),
        }
    }

    /// What the server shows is another: all its entries are indexed anew, at each instance.
    async fn reshare(&mut self, share: pb::Share) -> Result<(), Refusal> {
        let share = wire::share_from(Some(share))?;
        if share == self.share {
            self.keep_pace(COST_OF_MESSAGE).await;
            return Ok(());
        }
        let known = self.running.known(&self.server).map_or(0, |known| known.entries);
        let entries = known.max(self.begun.entries) as usize;
        // Nothing of them is written.
        self.keep_pace((entries / 10).max(COST_OF_MESSAGE)).await;
        let store = &self.running.store;
        store.put_share(&self.server, self.begun.feed, &share).await?;
        self.share = share;
        Ok(())
    }

    /// The feed ends.
    async fn leave(&self) {
        if self.coming.is_some()
            && let Err(refusal) = self
                .running
                .store
                .drop_staged(&self.server, self.begun.feed)
                .await
        {
            tracing::debug!(server = %self.server, reason = %refusal, "parts of a snapshot are kept for some hours");
        }
    }

    /// An entry that this server may put.
    fn own(&self, entry: pb::Entry) -> Result<Entry, Refusal> {
        let entry = wire::entry_from(entry)?;
        self.must_be_own(&entry.id.server)?;
        entry.check().map_err(|error| Refusal::BadEntry {
            id: quoted(&entry.id.to_string()),
            reason: error.to_string(),
        })?;
        Ok(entry)
    }

    fn must_be_own(&self, server: &ServerName) -> Result<(), Refusal> {
        match *server == self.server {
            true => Ok(()),
            false => Err(Refusal::OtherServer {
                certificate: self.server.clone(),
                said: server.to_string(),
            }),
        }
    }

    /// Something came that costs as much as so many changes: what comes too fast is heard later.
    async fn keep_pace(&mut self, cost: usize) {
        let mut pause = self.pace.took(cost, Instant::now());
        loop {
            let part = pause.min(LOOK_EVERY * 10);
            tokio::time::sleep(part).await;
            // Whoever waits because of us is not silent.
            self.running
                .presences
                .heard(&self.server, self.presence, Instant::now());
            pause -= part;
            if pause.is_zero() || *self.running.ending.borrow() {
                return;
            }
        }
    }

    /// The same for changes or entries of one message.
    async fn keep_pace_of(&mut self, changes: usize) -> Result<(), Refusal> {
        if changes > MOST_CHANGES {
            let text = format!("there are more than {MOST_CHANGES} changes or entries in one message");
            return Err(Refusal::BadMessage(text));
        }
        self.keep_pace(changes.max(COST_OF_MESSAGE)).await;
        Ok(())
    }

    async fn batch(&mut self, Batch { from, to, changes }: Batch) -> Result<(), Refusal> {
        if self.coming.is_some() || to < from {
            let text = "a batch goes forward, and comes not within a snapshot";
            return Err(Refusal::BadMessage(text.into()));
        }
        self.keep_pace_of(changes.len()).await?;
        let mut read = Vec::with_capacity(changes.len());
        for change in changes {
            read.push(match change.what {
                Some(pb::change::What::Set(entry)) => Change::put(self.own(entry)?),
                _ => {
                    let change = wire::change_from(change)?;
                    self.must_be_own(change.server())?;
                    if let Change::Remove(id) = &change {
                        id.check().map_err(|error| Refusal::BadEntry {
                            id: quoted(&id.to_string()),
                            reason: error.to_string(),
                        })?;
                    }
                    change
                }
            });
        }
        let most = self.running.most;
        let store = &self.running.store;
        store
            .put_batch(&self.server, self.begun.feed, (from, to), &read, most)
            .await?;
        Counts::add(&self.running.counts.batches, 1);
        Counts::add(&self.running.counts.changes, read.len());
        self.tell(Say::Durable(to)).await;
        Ok(())
    }

    async fn part(&mut self, entries: Vec<pb::Entry>) -> Result<(), Refusal> {
        self.keep_pace_of(entries.len()).await?;
        let entries = entries.into_iter().map(|entry| self.own(entry));
        let entries: Vec<Entry> = entries.collect::<Result<_, _>>()?;
        let coming = self.coming.get_or_insert_default();
        coming.told += entries.len() as u64;
        coming.bytes += entries.iter().map(|entry| entry.bytes() as u64).sum::<u64>();
        entries.iter().for_each(|entry| coming.digest.add(entry));
        let most = self.running.most;
        if coming.told > most.entries || coming.bytes > most.bytes {
            return Err(most.refused(&self.server, coming.told > most.entries));
        }
        self.running
            .store
            .stage(&self.server, self.begun.feed, &entries)
            .await
    }

    async fn end(&mut self, SnapshotEnd { position, digest }: SnapshotEnd) -> Result<(), Refusal> {
        let Coming {
            told, digest: came, ..
        } = self.coming.take().unwrap_or_default();
        // Even one of nothing is compared with all that there is.
        self.keep_pace((self.begun.entries as usize / 10).max(COST_OF_MESSAGE))
            .await;
        let (server, feed) = (&self.server, self.begun.feed);
        let done = match digest == came.as_bytes() {
            true => {
                let ended = Ended {
                    incarnation: self.incarnation,
                    position,
                    told,
                    last_key: self.last_key.clone(),
                };
                self.running.store.end_snapshot(server, feed, &ended).await
            }
            false => Err(Refusal::Digest),
        };
        match done {
            Ok(()) => {
                tracing::info!(%server, entries = told, "all entries of a server came anew");
                self.begun.entries = told;
                Counts::add(&self.running.counts.snapshots, 1);
                self.tell(Say::Durable(position)).await;
                Ok(())
            }
            Err(refusal @ Refusal::Digest) => {
                tracing::warn!(%server, entries = told, "a snapshot did not count");
                Counts::add(&self.running.counts.snapshots_refused, 1);
                self.running.store.drop_staged(server, feed).await?;
                let refused = SnapshotRefused {
                    code: refusal.code().as_str().to_owned(),
                    reason: refusal.to_string(),
                };
                self.tell(Say::Refused(refused)).await;
                Ok(())
            }
            Err(other) => Err(other),
        }
    }

    async fn presence(&mut self, presence: pb::Presence) -> Result<(), Refusal> {
        if presence.people.len() > MOST_PRESENCES {
            let text = format!("there are more than {MOST_PRESENCES} people in one message");
            return Err(Refusal::BadMessage(text));
        }
        // It is taken into memory, which is fast, but not for nothing.
        self.keep_pace(1 + presence.people.len() / 10).await;
        let most = usize::try_from(self.running.most.entries).unwrap_or(usize::MAX);
        let people = presence.people.into_iter().map(|person| {
            let presence = wire::presence_from(person.state);
            (person.user, presence)
        });
        let people = people.filter(|(user, _)| user.len() <= 256);
        self.running
            .presences
            .tell(&self.server, self.presence, presence.all, people, most);
        Ok(())
    }
}
