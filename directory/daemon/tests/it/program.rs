//! The program itself: its commands, and how it ends.

use crate::world::{LONG, PARIS, key};
use nix::sys::signal::Signal;
use plenary_testkit::{FreePorts, Process, eventually};
use std::{path::Path, process::Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_plenary-directory");

struct Said {
    code: i32,
    text: String,
    reason: String,
}

fn run(config: &Path, arguments: &[&str]) -> Said {
    let mut command = Command::new(PROGRAM);
    command.arg("--config").arg(config).args(arguments);
    let output = command.output().unwrap();
    Said {
        code: output.status.code().unwrap(),
        text: String::from_utf8(output.stdout).unwrap(),
        reason: String::from_utf8(output.stderr).unwrap(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_administrator_makes_a_directory_and_connects_a_server() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let mut ports = FreePorts::default();
    let mut port = || ports.next([127, 0, 0, 1].into()).unwrap();
    let text = format!(
        "data = '{}'\n[listen]\ndirectory = '{}'\nmetrics = '{}'\n",
        at("data"),
        port(),
        port()
    );
    drop(ports);
    let config = folder.path().join("directory.toml");
    std::fs::write(&config, text).unwrap();
    assert!(
        run(&config, &["--version"])
            .text
            .starts_with("plenary-directory ")
    );
    assert!(run(&config, &["--help"]).text.contains("add KEY"));
    assert!(run(&config, &["completions", "bash"]).text.contains("complete"));
    let early = run(&config, &["run"]);
    assert!(
        early.code == 2 && early.reason.contains("plenary-directory found"),
        "{}",
        early.reason
    );
    let authority = at("authority");
    let found = [
        "found",
        "--directory",
        "directory.example.com",
        "--enterprise",
        "Demo",
        "--authority",
        &authority,
    ];
    let made = run(&config, &found);
    assert_eq!(made.code, 0, "{}", made.reason);
    assert_eq!(run(&config, &found).code, 2, "there is one already");
    let checked = run(&config, &["check"]);
    assert!(
        checked.code == 0 && checked.text.contains("directory.example.com"),
        "{}",
        checked.reason
    );
    let absent = run(&config, &["servers"]);
    assert!(
        absent.code == 1 && absent.reason.contains("no instance runs here"),
        "{}",
        absent.reason
    );

    let log = folder.path().join("log");
    let arguments = ["--config", config.to_str().unwrap(), "run"];
    let mut process = Process::start(&[], Path::new(PROGRAM), &arguments, &log).unwrap();
    eventually("it answers", LONG, async || {
        (run(&config, &["status"]).code == 0).then_some(())
    })
    .await;
    assert!(run(&config, &["check"]).text.contains("is running"));
    let second = run(&config, &["run"]);
    assert_eq!(second.code, 2, "{}", second.reason);
    let added = run(&config, &["add", &key(PARIS).encode()]);
    assert!(added.code == 0 && added.text.contains(PARIS), "{}", added.reason);
    let junk = run(&config, &["add", "junk"]);
    assert!(
        junk.code == 1 && junk.reason.contains("copy it again"),
        "{}",
        junk.reason
    );
    let servers = run(&config, &["servers"]).text;
    assert!(
        servers.contains(PARIS) && servers.contains("waits for it"),
        "{servers}"
    );
    let status = run(&config, &["status", "--json"]).text;
    assert!(status.contains("\"database\": \"SQLite\""), "{status}");
    assert!(run(&config, &["events"]).text.contains("key_added"));
    assert_eq!(run(&config, &["remove", PARIS]).code, 0);
    assert!(run(&config, &["servers"]).text.contains("revoked"));
    process.signal(Signal::SIGTERM).unwrap();
    let ended = eventually("it ends", LONG, || std::future::ready(process.ended())).await;
    assert!(ended.success(), "{}", process.last_words());
}
