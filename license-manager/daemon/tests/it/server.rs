//! A server that borrows: the real client over the real line, with a log of one node in memory.

use crate::world::{World, pro};
use plenary_identity::{Identity, JoinToken};
use plenary_licences::{
    Epoch, Refusal, Seats,
    lessee::{Applied, Change, Held, Home, Options, Watch},
};
use plenary_license_manager_client::{Enrolled, Leading, Line, LineOptions, Log, boot_id, enrol, run};
use plenary_model::NodeId;
use plenary_testkit::eventually;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::Notify, task::JoinHandle};

pub(crate) struct Server {
    pub(crate) log: Arc<MemoryLog>,
    pub(crate) identity: Identity,
    pub(crate) enrolled: Enrolled,
    task: Option<JoinHandle<()>>,
    name: String,
    options: Options,
}

#[derive(Default)]
struct State {
    held: Held,
    in_use: Seats,
    wanted: Seats,
    watch: Watch,
    refusal: Option<Refusal>,
}

pub(crate) struct MemoryLog {
    state: Mutex<State>,
    changed: Notify,
    home: Home,
}

#[async_trait::async_trait]
impl Log for MemoryLog {
    fn leads(&self) -> Option<Leading> {
        Some(Leading {
            term: 1,
            members: [NodeId(1)].into(),
        })
    }

    fn state(&self) -> (Held, Seats) {
        let state = self.state.lock().unwrap();
        (state.held, state.in_use)
    }

    fn wanted(&self) -> Seats {
        self.state.lock().unwrap().wanted
    }

    fn statements(&self) -> Vec<(NodeId, Option<Epoch>)> {
        vec![(NodeId(1), None)]
    }

    fn home(&self) -> Home {
        self.home
    }

    fn watch(&self, f: &mut dyn FnMut(&mut Watch)) {
        f(&mut self.state.lock().unwrap().watch);
    }

    async fn propose(&self, _: u64, change: Change) -> Result<Applied, String> {
        let mut state = self.state.lock().unwrap();
        let in_use = state.in_use;
        let applied = state.held.apply(&change, in_use);
        self.changed.notify_one();
        Ok(applied)
    }

    async fn changed(&self) {
        self.changed.notified().await;
    }

    fn refused(&self, refusal: Option<Refusal>) {
        self.state.lock().unwrap().refusal = refusal;
    }
}

impl Server {
    /// A server that was invited, and borrows from now on.
    pub(crate) async fn enrolled(world: &World, name: &str) -> Self {
        let identity = world.identity(name);
        let token = world.json(0, &["server", "invite", name])["token"]
            .as_str()
            .unwrap()
            .to_owned();
        let token: JoinToken = token.parse().unwrap();
        let enrolled = enrol(&identity, &token).await.unwrap();
        Self::start(name, identity, enrolled)
    }

    /// Quick, so that tests need not wait.
    pub(crate) fn start(name: &str, identity: Identity, enrolled: Enrolled) -> Self {
        let quick = Options {
            idle_ms: 60_000,
            change_ms: 500,
            retry_ms: 500,
            ..Options::default()
        };
        Self::start_with(name, identity, enrolled, quick)
    }

    pub(crate) fn start_with(name: &str, identity: Identity, enrolled: Enrolled, options: Options) -> Self {
        let home = Home {
            boot_id: boot_id().unwrap(),
            device: 1,
            inode: 1,
            restore: 0,
        };
        let log = Arc::new(MemoryLog {
            state: Mutex::default(),
            changed: Notify::new(),
            home,
        });
        let mut server = Self {
            log,
            identity,
            enrolled,
            task: None,
            name: name.to_owned(),
            options,
        };
        server.resume();
        server
    }

    pub(crate) fn resume(&mut self) {
        let Enrolled {
            manager, addresses, ..
        } = self.enrolled.clone();
        let line = Line::open(self.identity.clone(), LineOptions::new(manager, addresses));
        let log: Arc<dyn Log> = self.log.clone();
        self.task = Some(tokio::spawn(run(
            self.name.parse().unwrap(),
            self.options,
            log,
            line,
        )));
    }

    /// As if the machine lost its power.
    pub(crate) fn stop(&mut self) {
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    /// People come or go.
    pub(crate) fn want(&self, seats: u32) {
        let mut state = self.log.state.lock().unwrap();
        state.wanted = pro(seats);
        state.in_use = state.in_use.min(pro(seats));
        drop(state);
        self.log.changed.notify_one();
    }

    pub(crate) fn seats(&self) -> u32 {
        self.log.state.lock().unwrap().held.seats.pro
    }

    /// What its people may use at this moment.
    pub(crate) fn usable(&self) -> u32 {
        let state = self.log.state.lock().unwrap();
        let now = plenary_license_manager_client::reading();
        let left = state
            .held
            .epoch()
            .and_then(|epoch| state.watch.left_ms(epoch, now, self.log.home));
        left.filter(|left| *left > 0).map_or(0, |_| state.held.seats.pro)
    }

    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.log.state.lock().unwrap().refusal
    }

    /// Waits until it holds so many, and uses them.
    pub(crate) async fn gets(&self, seats: u32, within: Duration) {
        eventually(&format!("{} has {seats} seats", self.name), within, async || {
            (self.seats() >= seats).then_some(())
        })
        .await;
        self.log.state.lock().unwrap().in_use = pro(seats);
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
