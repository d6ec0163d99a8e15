//! A run that is killed goes on where it was.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

fn simulation(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_plenary-simulation"));
    command
        .args(["leases", "--threads", "2", "--progress"])
        .args(flags);
    command
}

#[test]
fn a_run_that_was_killed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("progress");
    let path = file.to_str().expect("a name in UTF-8");
    let mut first = simulation(&[path, "--seeds", "1000000"])
        .stdout(Stdio::null())
        .spawn()
        .expect("it starts");
    let started = Instant::now();
    let next: u64 = loop {
        let text = fs::read_to_string(&file).unwrap_or_default();
        match text.lines().nth(1).and_then(|next| next.parse().ok()) {
            Some(next) if next > 2 => break next,
            _ => assert!(started.elapsed() < Duration::from_secs(300), "{text:?}"),
        }
        thread::sleep(Duration::from_millis(50));
    };
    first.kill().expect("it runs");
    first.wait().expect("it ends");
    // It may have written once more before it was killed.
    let text = fs::read_to_string(&file).expect("it is there");
    let next = text
        .lines()
        .nth(1)
        .and_then(|next| next.parse().ok())
        .unwrap_or(next);

    let all = (next + 1).to_string();
    let second = simulation(&[path, "--seeds", &all]).output().expect("it runs");
    let said = String::from_utf8_lossy(&second.stdout);
    assert!(second.status.success(), "{said}");
    assert!(said.contains(&format!("goes on at seed {next},")), "{said}");
    assert!(said.contains(&format!("{all} seeds, 0 violations")), "{said}");
    assert!(!file.exists(), "there is nothing to go on with");
}
