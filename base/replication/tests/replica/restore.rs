//! A new server from a backup.

use std::path::{Path, PathBuf};

use plenary_replication::{Member, Options, RestoreError, restore};

use super::cluster::{Cluster, Node, eventually};

fn options(dir: PathBuf, node: u64) -> Options {
    let member = Member {
        name: "restored".into(),
        address: "127.0.0.1:1".into(),
    };
    let mut options = Options::new(dir, "paris", node, member);
    options.limits.reserve_bytes = 0;
    options
}

async fn backup(cluster: &Cluster) -> PathBuf {
    let path = cluster.dir.path().join("copy.db");
    let backup = cluster.node(2).replica.backup(&path).await.unwrap();
    assert_eq!(backup.bytes, std::fs::metadata(&path).unwrap().len());
    path
}

/// One that was free a moment ago: the restored member is known by it before it listens.
fn free_address() -> std::net::SocketAddr {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_restored_from_a_backup_holds_everything_and_grows_again() {
    let mut cluster = Cluster::of(3).await;
    for number in 1..=20 {
        let node = cluster.node(number % 3 + 1);
        node.replica
            .propose(format!("k{number}=v{number}"))
            .await
            .unwrap();
    }
    cluster.wait_for_same_state("k20", "v20").await;
    let copy = backup(&cluster).await;
    let before = cluster.node(2).replica.applied();
    for id in 1..=3 {
        cluster.stop(id).await;
    }

    let home = tempfile::tempdir().unwrap();
    let mut options = options(home.path().join("n4"), 4);
    let address = free_address();
    options.member.address = address.to_string();
    let restored = restore(&options, &copy).unwrap();
    assert_eq!(restored.applied, before);
    assert_eq!(restored.members.keys().copied().collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(names(home.path()), ["n4"]);

    let mut node = Node::start(options.clone(), Some(address)).await.unwrap();
    for times in 2..=3 {
        eventually("a leader", async || {
            (node.replica.status().leader == Some(4)).then_some(())
        })
        .await;
        assert_eq!(node.value("k7").await, Some(("v7".into(), times - 1)));
        let committed = node.replica.propose("k7=v7").await.unwrap();
        assert_eq!(committed.reply, times.to_string().into_bytes());
        assert!(committed.index > before);
        node.replica.read_index().await.unwrap();
        // The second round shows the same after a restart.
        let address = node.stop().await;
        node = Node::start(options.clone(), Some(address)).await.unwrap();
    }
    eventually("a leader", async || {
        (node.replica.status().leader == Some(4)).then_some(())
    })
    .await;
    assert_eq!(node.replica.status().members.len(), 1);

    let second = Node::start(self::options(home.path().join("n5"), 5), None)
        .await
        .unwrap();
    node.replica.add_learner(5, second.member()).await.unwrap();
    node.replica.promote(5).await.unwrap();
    let committed = second.replica.propose("k7=new").await.unwrap();
    assert_eq!(committed.reply, b"4");
    second.replica.read_index().await.unwrap();
    assert_eq!(second.value("k7").await, Some(("new".into(), 4)));
    assert_eq!(second.value("k20").await, Some(("v20".into(), 1)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_whole_backup_of_this_group_is_refused_and_nothing_is_left_behind() {
    let cluster = Cluster::of(2).await;
    for number in 0..200 {
        let note = format!("k{number}={}", "x".repeat(200));
        cluster.node(1).replica.propose(note).await.unwrap();
    }
    cluster.wait_for_same_state("k199", &"x".repeat(200)).await;
    let copy = backup(&cluster).await;
    let home = tempfile::tempdir().unwrap();
    let options = options(home.path().join("n4"), 4);
    let refused = |path: &Path| restore(&options, path).unwrap_err();

    let whole = std::fs::read(&copy).unwrap();
    let cut = cluster.dir.path().join("cut.db");
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    assert!(matches!(refused(&cut), RestoreError::NotABackup { .. }));

    let changed = cluster.dir.path().join("changed.db");
    let mut bytes = whole.clone();
    bytes[4096 * 3..4096 * 6].fill(0xA5);
    std::fs::write(&changed, bytes).unwrap();
    assert!(matches!(refused(&changed), RestoreError::NotABackup { .. }));

    let text = cluster.dir.path().join("text.db");
    std::fs::write(&text, "not a database").unwrap();
    assert!(matches!(refused(&text), RestoreError::NotABackup { .. }));
    assert!(matches!(
        refused(&cluster.dir.path().join("none.db")),
        RestoreError::Io { .. }
    ));

    let newer = cluster.dir.path().join("newer.db");
    std::fs::write(&newer, &whole).unwrap();
    rusqlite::Connection::open(&newer)
        .unwrap()
        .execute(
            "UPDATE replication_progress SET value = '{\"format\":9,\"shape\":[]}' WHERE key = 'origin'",
            [],
        )
        .unwrap();
    let error = refused(&newer);
    assert!(
        matches!(
            error,
            RestoreError::Newer {
                found: 9,
                known: 1,
                ..
            }
        ),
        "{error}"
    );

    let mut foreign = options.clone();
    foreign.group = "rome".into();
    let error = restore(&foreign, &copy).unwrap_err();
    assert!(matches!(error, RestoreError::Foreign { .. }), "{error}");
    assert_eq!(names(home.path()), Vec::<String>::new());

    restore(&options, &copy).unwrap();
    assert!(matches!(refused(&copy), RestoreError::NotEmpty { .. }));
}
