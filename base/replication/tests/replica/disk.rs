//! Files that were cut short, changed or have no space.

use std::{
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use plenary_replication::{
    OpenError, Options, ProposeError,
    simulation::{Disk, DiskFile, DiskRead, FileDisk},
};

use super::cluster::{Cluster, Node, eventually, newest_log_file};

/// A group with `count` notes, stopped; its log file and the end of what was written.
async fn stopped_after(count: u64) -> (Cluster, PathBuf, usize) {
    let mut cluster = Cluster::of(1).await;
    for number in 0..count {
        let note = format!("k{number}=some-text-{number}");
        cluster.node(1).replica.propose(note).await.unwrap();
    }
    cluster.stop(1).await;
    let file = newest_log_file(&cluster.path(1));
    let bytes = std::fs::read(&file).unwrap();
    let end = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    (cluster, file, end)
}

/// Drops the state, so that everything has to come from the log.
fn forget_state(dir: &Path) {
    for name in ["state-1.db", "state-1.db-wal", "state-1.db-shm"] {
        match std::fs::remove_file(dir.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => panic!("{name}: {error}"),
            _ => {}
        }
    }
}

async fn reopen(cluster: &Cluster) -> Result<Node, OpenError> {
    let node = Node::start(cluster.options(1), None).await?;
    eventually("a leader", async || {
        (node.replica.status().leader == Some(1)).then_some(())
    })
    .await;
    Ok(node)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_cut_short_is_repaired_and_everything_before_it_is_there() {
    let (cluster, file, end) = stopped_after(10).await;
    // The last write was the note that is now cut; nobody was told about it.
    let bytes = std::fs::read(&file).unwrap();
    let start = find_last(&bytes[..end], b"PLF1");
    std::fs::write(&file, &bytes[..start + (end - start) / 2]).unwrap();
    forget_state(&cluster.path(1));
    let node = reopen(&cluster).await.unwrap();
    node.replica.propose("after=1").await.unwrap();
    assert_eq!(node.value("k8").await, Some(("some-text-8".into(), 1)));
    assert_eq!(node.value("k9").await, None);
    assert_eq!(node.value("after").await, Some(("1".into(), 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_byte_is_refused_by_file_and_place() {
    let (cluster, file, end) = stopped_after(10).await;
    let whole = std::fs::read(&file).unwrap();
    let text = find_last(&whole[..end], b"some-text-4");
    let mut changed = whole.clone();
    changed[text] ^= 1;
    std::fs::write(&file, &changed).unwrap();
    let error = reopen(&cluster).await.err().unwrap();
    let OpenError::Corrupt { path, offset, .. } = &error else {
        panic!("{error}");
    };
    assert_eq!(path, &file);
    assert!((*offset as usize) < text && *offset as usize + 400 > text);
    let said = error.to_string();
    assert!(
        said.contains("is damaged at byte") && said.contains("checksum"),
        "{said}"
    );
    // Nothing was changed by looking: with the byte put back, the node starts.
    assert_eq!(std::fs::read(&file).unwrap(), changed);
    std::fs::write(&file, &whole).unwrap();
    reopen(&cluster).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_forgot_its_votes_is_refused() {
    let (cluster, file, _end) = stopped_after(10).await;
    let whole = std::fs::read(&file).unwrap();
    // What is left looks like the first write of all, cut short.
    std::fs::write(&file, &whole[..100]).unwrap();
    let error = reopen(&cluster).await.err().unwrap();
    assert!(matches!(error, OpenError::Lost { log_term: 0, .. }), "{error}");
    // The state is as it was: with the log put back, the node starts.
    std::fs::write(&file, &whole).unwrap();
    let node = reopen(&cluster).await.unwrap();
    assert_eq!(node.value("k9").await, Some(("some-text-9".into(), 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zeros_in_the_middle_are_damage_and_not_an_end() {
    let (cluster, file, end) = stopped_after(40).await;
    let mut bytes = std::fs::read(&file).unwrap();
    let start = find_last(&bytes[..end], b"some-text-20") / 512 * 512;
    assert!(start + 512 < end);
    bytes[start..start + 512].fill(0);
    std::fs::write(&file, bytes).unwrap();
    let error = reopen(&cluster).await.err().unwrap();
    assert!(matches!(error, OpenError::Corrupt { .. }), "{error}");
}

fn find_last(bytes: &[u8], what: &[u8]) -> usize {
    bytes
        .windows(what.len())
        .rposition(|window| window == what)
        .unwrap()
}

/// The file system with little space or, as a switch, none.
struct SmallDisk {
    free: AtomicU64,
    full: Arc<AtomicBool>,
}

struct SmallFile(Box<dyn DiskFile>, Arc<AtomicBool>);

impl DiskFile for SmallFile {
    fn append(&mut self, data: &[u8]) -> io::Result<()> {
        if self.1.load(Ordering::SeqCst) {
            return Err(ErrorKind::StorageFull.into());
        }
        self.0.append(data)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync()
    }
}

impl Disk for SmallDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        FileDisk.create_dir(dir)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        FileDisk.list(dir)
    }

    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        FileDisk.read(path)
    }

    fn replace(&self, path: &Path, data: &[u8]) -> io::Result<()> {
        FileDisk.replace(path, data)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SmallFile(FileDisk.create(path)?, self.full.clone())))
    }

    fn open(&self, path: &Path, length: u64) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SmallFile(
            FileDisk.open(path, length)?,
            self.full.clone(),
        )))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskRead>> {
        FileDisk.open_read(path)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        FileDisk.remove(path)
    }

    fn lock(&self, dir: &Path) -> io::Result<Option<Box<dyn Send + Sync>>> {
        FileDisk.lock(dir)
    }

    fn free_bytes(&self, _dir: &Path) -> io::Result<u64> {
        Ok(self.free.load(Ordering::SeqCst))
    }
}

async fn on_small_disk() -> (tempfile::TempDir, Node, Arc<SmallDisk>) {
    let dir = tempfile::tempdir().unwrap();
    let disk = Arc::new(SmallDisk {
        free: AtomicU64::new(1 << 30),
        full: Arc::default(),
    });
    let mut options = Options::new(dir.path().join("n1"), "paris", 1, Default::default());
    options.environment.disk = disk.clone();
    options.timing.deadline = Duration::from_secs(20);
    let node = Node::start(options, None).await.unwrap();
    node.replica.found().await.unwrap();
    node.replica.propose("a=1").await.unwrap();
    (dir, node, disk)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_are_refused_below_the_reserve_and_go_on_when_there_is_space() {
    let (_dir, node, disk) = on_small_disk().await;
    disk.free.store(1 << 20, Ordering::SeqCst);
    eventually("a refusal", async || {
        (node.replica.propose("a=2").await == Err(ProposeError::DiskFull)).then_some(())
    })
    .await;
    node.replica.read_index().await.unwrap();
    disk.free.store(1 << 30, Ordering::SeqCst);
    eventually("a write", async || node.replica.propose("b=1").await.ok()).await;
    assert_eq!(node.replica.failure().borrow().clone(), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_finds_no_space_is_tried_again_and_the_node_lives() {
    let (_dir, node, disk) = on_small_disk().await;
    disk.full.store(true, Ordering::SeqCst);
    let waiting = tokio::spawn({
        let replica = node.replica.clone();
        async move { replica.propose("b=1").await }
    });
    eventually("a full disk", async || {
        node.replica.status().disk_full.then_some(())
    })
    .await;
    assert_eq!(node.replica.propose("c=1").await, Err(ProposeError::DiskFull));
    disk.full.store(false, Ordering::SeqCst);
    assert_eq!(waiting.await.unwrap().unwrap().reply, b"1");
    eventually("a write", async || node.replica.propose("d=1").await.ok()).await;
    assert_eq!(node.replica.failure().borrow().clone(), None);
}
