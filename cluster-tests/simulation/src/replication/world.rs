//! One run: nodes, what is done to them, and what must hold at the end.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, Once, PoisonError,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use plenary_replication::{
    Clock, Environment, Limits, Member, Options, Replica, Role, Work, simulation::seed_this_thread,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{sync::mpsc, time::Instant};

use super::{
    app::Ledger,
    clients,
    disk::{Crash, Platter, Trap},
    journal::Journal,
    mutant::Mutant,
    nemesis::{self, Theme},
    network::{GROUP, Net, Weather},
    oracle::Oracle,
};
use crate::seeds::Outcome;

/// Between two looks at the nodes.
const TICK: Duration = Duration::from_millis(10);
/// For everything to come to one state after the last fault.
const PATIENCE: Duration = Duration::from_secs(60);

thread_local! {
    /// Of the run on this thread; `None` outside of one.
    static PANIC: RefCell<Option<Option<String>>> = const { RefCell::new(None) };
}

/// Runs one seed from the start to the end.
pub fn run(seed: u64, mutant: Option<Mutant>) -> Outcome {
    watch_panics();
    PANIC.with(|cell| *cell.borrow_mut() = Some(None));
    seed_this_thread(Some(seed));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without IO needs nothing");
    let outcome = runtime.block_on(World::run(seed, mutant));
    drop(runtime);
    seed_this_thread(None);
    PANIC.with(|cell| *cell.borrow_mut() = None);
    outcome
}

/// Panics of tasks in a run are that run's, not the program's.
fn watch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let kept = PANIC.with(|cell| match cell.borrow_mut().as_mut() {
                Some(first) => {
                    first.get_or_insert_with(|| info.to_string());
                    true
                }
                None => false,
            });
            if !kept {
                usual(info);
            }
        }));
    });
}

fn first_panic() -> Option<String> {
    PANIC.with(|cell| cell.borrow().clone().flatten())
}

pub(crate) struct World {
    mutant: Option<Mutant>,
    seed: u64,
    limits: Limits,
    pub(crate) journal: Arc<Journal>,
    pub(crate) oracle: Arc<Oracle>,
    pub(crate) net: Arc<Net>,
    dir: PathBuf,
    tripped: mpsc::UnboundedSender<u64>,
    nodes: Mutex<BTreeMap<u64, Node>>,
    attempts: AtomicU64,
    over: AtomicBool,
}

struct Node {
    platter: Arc<Platter>,
    clock: Arc<DriftingClock>,
    incarnation: u64,
    dir: PathBuf,
    alive: Arc<AtomicBool>,
    replica: Option<Replica<Ledger>>,
    /// Crashed and not yet starting.
    down: bool,
    /// How long it stays away after a trap.
    restart: Duration,
}

struct DriftingClock {
    journal: Arc<Journal>,
    off_ms: AtomicI64,
}

impl Clock for DriftingClock {
    fn now_ms(&self) -> u64 {
        const START: u64 = 1_800_000_000_000;
        (START + self.journal.now_ms()).saturating_add_signed(self.off_ms.load(Ordering::Relaxed))
    }
}

/// Files that live for seconds belong into memory, where there is such a place.
fn scratch() -> std::io::Result<tempfile::TempDir> {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    }
}

impl World {
    async fn run(seed: u64, mutant: Option<Mutant>) -> Outcome {
        let mut rng = StdRng::seed_from_u64(seed);
        let journal = Arc::new(Journal::new());
        let oracle = Arc::new(Oracle::new(journal.clone()));
        let dir = scratch().expect("a temporary folder can be made");
        let (tripped, traps) = mpsc::unbounded_channel();
        let theme = Theme::choose(&mut rng);
        let world = Arc::new(Self {
            mutant,
            seed,
            limits: limits(theme, &mut rng),
            net: Net::new(seed, mutant, journal.clone()),
            journal: journal.clone(),
            oracle: oracle.clone(),
            dir: dir.path().to_owned(),
            tripped,
            nodes: Mutex::default(),
            attempts: AtomicU64::new(0),
            over: AtomicBool::new(false),
        });
        let watching = tokio::spawn(watch(world.clone(), traps));
        world.story(theme, &mut rng).await;
        watching.abort();
        world.net.close();
        if let Some(panic) = first_panic() {
            oracle.violate(panic);
        }
        let figures = oracle.figures();
        let (history, digest) = journal.close();
        Outcome {
            seed,
            violation: oracle.violation(),
            history,
            digest,
            figures,
        }
    }

    async fn story(self: &Arc<Self>, theme: Theme, rng: &mut StdRng) {
        let count = if rng.random_bool(0.2) { 5 } else { 3 };
        self.journal.say(format!("{count} nodes, {theme:?}"));
        for _ in 0..count {
            self.add_node().await;
        }
        self.found(count).await;
        let mut working = Vec::new();
        for _ in 0..rng.random_range(2..=4) {
            working.push(tokio::spawn(clients::write(self.clone(), fork(rng))));
        }
        for _ in 0..2 {
            working.push(tokio::spawn(clients::read(self.clone(), fork(rng))));
        }
        if rng.random_bool(0.4) {
            working.push(tokio::spawn(clients::change_members(self.clone(), fork(rng))));
        }
        let end = Instant::now() + Duration::from_millis(rng.random_range(3000..8000));
        nemesis::rage(self.clone(), theme, end, fork(rng)).await;
        self.journal.say("all faults end");
        self.net.set_weather(Weather::default());
        self.net.heal();
        for node in self.nodes().values() {
            node.platter.disarm();
            node.platter
                .set_sync_times(Duration::ZERO, Duration::from_millis(4));
        }
        self.over.store(true, Ordering::SeqCst);
        for work in working {
            if self.oracle.violation().is_none() && work.await.is_err() {
                self.oracle.violate("a client panicked");
            }
        }
        self.settle().await;
    }

    async fn found(self: &Arc<Self>, count: u64) {
        let Some(founder) = self.replica(1) else { return };
        if let Err(error) = founder.found().await {
            self.oracle
                .violate(format!("node 1 cannot found a group: {error}"));
        }
        for id in 2..=count {
            if tokio::time::timeout(PATIENCE, clients::join(self, id))
                .await
                .is_err()
            {
                self.oracle.violate(format!("node {id} cannot join"));
            }
        }
    }

    /// Waits until all members hold the same and every one takes a write, and looks for what was lost.
    async fn settle(self: &Arc<Self>) {
        let settled = async {
            while !(self.all_hold_the_same().await && self.all_take_writes().await) {
                tokio::time::sleep(TICK * 5).await;
                if self.oracle.violation().is_some() {
                    return;
                }
            }
        };
        if self.oracle.violation().is_none() && tokio::time::timeout(PATIENCE, settled).await.is_err() {
            let seen: Vec<String> = self
                .running()
                .iter()
                .map(|(id, replica)| {
                    let status = replica.status();
                    format!(
                        "node {id} {:?} of {:?} at {} of {}",
                        status.role, status.leader, status.last_applied, status.last_log
                    )
                })
                .collect();
            self.oracle.violate(format!(
                "no common state a minute after all faults ended: {seen:?}"
            ));
        }
        for (id, replica) in self.members() {
            self.check_nothing_lost(id, &replica).await;
        }
    }

    /// Who is a member in the eyes of the leader, as far as it runs; none without a leader.
    fn members(&self) -> Vec<(u64, Replica<Ledger>)> {
        let running = self.running();
        let leaders = running.iter().filter(|(_, r)| r.leads());
        let Some((_, leader)) = leaders.max_by_key(|(_, r)| r.status().term) else {
            return Vec::new();
        };
        let members = leader.status().members;
        running
            .into_iter()
            .filter(|(id, _)| members.get(id).is_some_and(|member| member.voter))
            .collect()
    }

    async fn all_hold_the_same(&self) -> bool {
        let members = self.members();
        let Some((_, first)) = members.first() else {
            return false;
        };
        let voters = first
            .status()
            .members
            .values()
            .filter(|member| member.voter)
            .count();
        let due = self.oracle.newest().index;
        let applied = first.applied();
        let all = members.iter().all(|(_, replica)| replica.applied() == applied);
        if voters != members.len() || applied < due || !all {
            return false;
        }
        let mut hashes = Vec::new();
        for (id, replica) in &members {
            let hash = replica.read(|database| {
                database.query_row(
                    "SELECT hash, (SELECT content FROM replication_books WHERE node = -1) FROM chain",
                    [],
                    |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
                )
            });
            hashes.push((*id, hash.await.map(Result::ok).unwrap_or_default()));
        }
        if hashes.iter().any(|(_, hash)| *hash != hashes[0].1)
            && members.iter().all(|(_, r)| r.applied() == applied)
        {
            self.oracle.violate(format!(
                "at entry {applied} the members hold different states: {hashes:?}"
            ));
        }
        true
    }

    async fn all_take_writes(&self) -> bool {
        for (id, replica) in self.members() {
            if !clients::propose(self, id, &replica, 0).await {
                return false;
            }
        }
        true
    }

    async fn check_nothing_lost(&self, id: u64, replica: &Replica<Ledger>) {
        if replica.read_index().await.is_err() {
            self.oracle
                .violate(format!("node {id} answers no fresh read after all faults ended"));
            return;
        }
        let rows = replica.read(
            |database| -> Result<BTreeMap<u64, u64>, plenary_replication::AppError> {
                let mut query = database.prepare("SELECT id, log_index FROM attempt")?;
                let rows = query.query_map([], |row| {
                    Ok((
                        row.get::<_, i64>(0)?.cast_unsigned(),
                        row.get::<_, i64>(1)?.cast_unsigned(),
                    ))
                })?;
                Ok(rows.collect::<Result<_, _>>()?)
            },
        );
        let Ok(Ok(held)) = rows.await else {
            self.oracle
                .violate(format!("the state of node {id} cannot be read"));
            return;
        };
        for (attempt, index) in self.oracle.all_acknowledged() {
            if held.get(&attempt) != Some(&index) {
                self.oracle.violate(format!(
                    "proposal {attempt}, acknowledged at entry {index}, is at {:?} on node {id}",
                    held.get(&attempt)
                ));
            }
        }
    }
}

/// What differs between runs beside the faults.
fn limits(theme: Theme, rng: &mut StdRng) -> Limits {
    let short = theme == Theme::Snapshots || rng.random_bool(0.3);
    Limits {
        segment_bytes: rng.random_range(1 << 10..16 << 10),
        log_bytes: if short { 3 << 10 } else { 64 << 10 },
        log_tail_bytes: if short { 1 << 10 } else { 16 << 10 },
        cache_bytes: rng.random_range(0..16 << 10),
        batch_bytes: rng.random_range(256..16 << 10),
        batches_in_flight: rng.random_range(1..=4),
        reserve_bytes: 0,
        readers: 2,
        ..Limits::default()
    }
}

fn fork(rng: &mut StdRng) -> StdRng {
    StdRng::seed_from_u64(rng.random())
}

/// Sees to what happens to nodes by themselves.
async fn watch(world: Arc<World>, mut traps: mpsc::UnboundedReceiver<u64>) {
    loop {
        let tripped = tokio::select! {
            biased;
            tripped = traps.recv() => tripped,
            () = tokio::time::sleep(TICK) => None,
        };
        if let Some(node) = tripped {
            let restart = world.nodes().get(&node).map(|node| node.restart);
            world.crash(node, Crash::Power, restart.unwrap_or_default());
        }
        for (id, replica) in world.running() {
            let status = replica.status();
            if status.role == Role::Leader {
                let start = world.nodes().get(&id).map_or(0, |node| node.incarnation);
                world.oracle.leads(id, status.term, start);
            }
            let failure = replica.failure().borrow().clone();
            let Some(failure) = failure else { continue };
            let (excused, restart) = {
                let nodes = world.nodes();
                let node = nodes.get(&id);
                let current = node.is_none_or(|node| node.platter.works());
                let failed = node.is_some_and(|node| node.platter.has_failed());
                (failed || !current, node.map(|node| node.restart))
            };
            if excused {
                world.crash(id, Crash::Power, restart.unwrap_or_default());
            } else {
                world.oracle.violate(format!("node {id} stopped: {failure}"));
            }
        }
        if let Some(panic) = first_panic() {
            world.oracle.violate(panic);
        }
        if world.oracle.violation().is_some() {
            world.over.store(true, Ordering::SeqCst);
        }
    }
}

impl World {
    fn nodes(&self) -> MutexGuard<'_, BTreeMap<u64, Node>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether clients are to end.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn next_attempt(&self) -> u64 {
        self.attempts.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn node_ids(&self) -> Vec<u64> {
        self.nodes().keys().copied().collect()
    }

    pub(crate) fn running(&self) -> Vec<(u64, Replica<Ledger>)> {
        let nodes = self.nodes();
        let running = nodes
            .iter()
            .filter_map(|(id, node)| Some((*id, node.replica.clone()?)));
        running.collect()
    }

    fn replica(&self, id: u64) -> Option<Replica<Ledger>> {
        self.nodes().get(&id)?.replica.clone()
    }

    pub(crate) fn any_running(&self, rng: &mut StdRng) -> Option<(u64, Replica<Ledger>)> {
        let mut running = self.running();
        if running.is_empty() {
            return None;
        }
        Some(running.swap_remove(rng.random_range(0..running.len())))
    }

    pub(crate) fn any_node(&self, rng: &mut StdRng) -> Option<u64> {
        let ids = self.node_ids();
        ids.get(rng.random_range(0..ids.len().max(1))).copied()
    }

    pub(crate) fn leader(&self) -> Option<u64> {
        let running = self.running();
        let mut leaders = running.iter().filter(|(_, r)| r.leads());
        leaders.next().map(|(id, _)| *id)
    }

    pub(crate) fn arm(&self, node: u64, skipped: u32, trap: Trap) {
        if let Some(node) = self.nodes().get(&node) {
            node.platter.arm(skipped, trap);
        }
    }

    pub(crate) fn set_restart(&self, node: u64, restart: Duration) {
        if let Some(node) = self.nodes().get_mut(&node) {
            node.restart = restart;
        }
    }

    pub(crate) fn set_sync_times(&self, node: u64, min: Duration, max: Duration) {
        if let Some(node) = self.nodes().get(&node) {
            node.platter.set_sync_times(min, max);
        }
    }

    pub(crate) fn set_clock(&self, node: u64, off_ms: i64) {
        if let Some(node) = self.nodes().get(&node) {
            node.clock.off_ms.store(off_ms, Ordering::Relaxed);
        }
    }

    /// Makes and starts a node that is no member yet; returns its number.
    pub(crate) async fn add_node(self: &Arc<Self>) -> u64 {
        let id = {
            let mut nodes = self.nodes();
            let id = nodes.last_key_value().map_or(1, |(id, _)| id + 1);
            let safe = self.dir.join(format!("n{id}-safe"));
            let node = Node {
                platter: Platter::new(id, self.seed, safe, self.mutant, self.tripped.clone()),
                clock: Arc::new(DriftingClock {
                    journal: self.journal.clone(),
                    off_ms: AtomicI64::new(0),
                }),
                incarnation: 0,
                dir: self.dir.join(format!("n{id}-0")),
                alive: Arc::default(),
                replica: None,
                down: false,
                restart: Duration::from_millis(100),
            };
            nodes.insert(id, node);
            id
        };
        self.start(id).await;
        id
    }

    async fn start(self: &Arc<Self>, id: u64) {
        let (options, app, incarnation, platter) = {
            let mut nodes = self.nodes();
            let Some(node) = nodes.get_mut(&id) else { return };
            node.down = false;
            node.alive = Arc::new(AtomicBool::new(true));
            let member = Member {
                name: format!("node {id}"),
                address: String::new(),
            };
            let mut options = Options::new(&node.dir, GROUP, id, member);
            options.limits = self.limits.clone();
            options.timing.deadline = Duration::from_secs(3);
            options.environment = Environment {
                clock: node.clock.clone(),
                disk: node.platter.mount(),
                work: Work::Inline,
            };
            let app = Arc::new(Ledger {
                node: id,
                oracle: self.oracle.clone(),
                alive: node.alive.clone(),
                told: AtomicU64::new(0),
            });
            (options, app, node.incarnation, node.platter.clone())
        };
        self.journal.say(format!("node {id} starts"));
        let opened = Replica::open_with_links(options, app, self.net.links(id, incarnation)).await;
        let replica = {
            let mut nodes = self.nodes();
            let Some(node) = nodes.get_mut(&id) else { return };
            match opened {
                Ok(replica) if node.incarnation == incarnation && platter.works() => {
                    self.net.connect(id, incarnation, replica.receiver());
                    node.replica = Some(replica);
                    return;
                }
                // It crashed again meanwhile.
                Ok(replica) => replica,
                Err(_) if node.incarnation != incarnation || !platter.works() => return,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    self.oracle.violate(format!(
                        "node {id} does not start: {error} {}",
                        cause.unwrap_or_default()
                    ));
                    return;
                }
            }
        };
        replica.shutdown().await;
    }

    /// The node is gone at once, and starts again after a while.
    pub(crate) fn crash(self: &Arc<Self>, id: u64, crash: Crash, restart: Duration) {
        let replica = {
            let mut nodes = self.nodes();
            let Some(node) = nodes.get_mut(&id) else { return };
            if node.down {
                return;
            }
            node.down = true;
            node.alive.store(false, Ordering::SeqCst);
            node.incarnation += 1;
            let to = self.dir.join(format!("n{id}-{}", node.incarnation));
            if let Err(error) = node.platter.crash(crash, &node.dir, &to) {
                self.oracle
                    .violate(format!("the simulated disk of node {id} failed: {error}"));
            }
            node.dir = to;
            node.replica.take()
        };
        self.net.disconnect(id);
        self.oracle.count(|figures| figures.crashes += 1);
        self.journal.say(format!("node {id} crashes ({crash:?})"));
        let world = self.clone();
        tokio::spawn(async move {
            if let Some(replica) = replica {
                tokio::spawn(async move { replica.shutdown().await });
            }
            tokio::time::sleep(restart).await;
            world.start(id).await;
        });
    }
}
