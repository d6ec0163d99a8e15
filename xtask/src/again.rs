//! Tests in Rust, and those that failed a second time: whether a failure is there whenever one looks.
//!
//! A test that fails and passes when it runs alone is called *unsteady*. Either it or what it tests has a fault that shows
//! on a busy machine only, and that is to be mended; but it does not keep everything else from being tried, unless strictness
//! is asked for (docs/decisions/0028-unsteady-tests.md).

use crate::steps::{cargo_command, step};
use anyhow::{Context as _, bail};
use std::{
    collections::BTreeSet,
    io::{BufRead as _, BufReader, Read, Write},
    process::Stdio,
    time::Instant,
};

/// With more failures than this, nothing is tried again: that is no chance any more.
const AT_MOST: usize = 2;
const WHAT: [&str; 3] = ["test", "--workspace", "--no-fail-fast"];

/// Runs all tests; gives the names of the unsteady ones.
pub(crate) fn tests(strict: bool) -> anyhow::Result<Vec<String>> {
    let shown = format!("cargo {}", WHAT.join(" "));
    eprintln!("── {shown}");
    let started = Instant::now();
    let mut command = cargo_command(&WHAT);
    let mut process = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("{shown} cannot be started"))?;
    let mut told = Told::default();
    let (stdout, stderr) = (process.stdout.take(), process.stderr.take());
    std::thread::scope(|scope| {
        let told_by_cargo = scope.spawn(|| {
            let mut told = Told::default();
            pass_on(stderr, std::io::stderr(), &mut told);
            told.programs
        });
        pass_on(stdout, std::io::stdout(), &mut told);
        told.programs = told_by_cargo.join().unwrap_or_default();
    });
    let status = process.wait()?;
    eprintln!("── {shown}: {:.1} s", started.elapsed().as_secs_f64());
    if status.success() {
        return Ok(Vec::new());
    }
    if strict || !told.is_by_chance() {
        bail!("{shown} failed ({status})");
    }
    let names = Vec::from_iter(told.names);
    let mut command = cargo_command(&WHAT);
    command.args(["--", "--exact"]).args(&names);
    step(command, &format!("{shown} -- --exact {}", names.join(" ")))?;
    Ok(names)
}

/// What was said about failures.
#[derive(Debug, Default)]
struct Told {
    /// Of tests that failed.
    names: BTreeSet<String>,
    /// Programs that said at their end that tests of theirs failed.
    results: usize,
    /// Programs of which cargo says that they failed, as also those that ended before their end.
    programs: usize,
}

impl Told {
    fn hear(&mut self, line: &str) {
        if let Some(name) = line
            .strip_prefix("test ")
            .and_then(|rest| rest.strip_suffix(" ... FAILED"))
        {
            self.names.insert(name.into());
        }
        self.results += usize::from(line.starts_with("test result: FAILED"));
        let failed = ["error: test failed", "error: doctest failed"];
        self.programs += usize::from(failed.iter().any(|start| line.starts_with(start)));
    }

    /// Whether few tests failed, and nothing else.
    fn is_by_chance(&self) -> bool {
        (1..=AT_MOST).contains(&self.names.len()) && self.results == self.programs
    }
}

/// Shows line by line what somebody says, and hears it.
fn pass_on(from: Option<impl Read>, mut to: impl Write, told: &mut Told) {
    let Some(from) = from else { return };
    let mut from = BufReader::new(from);
    let mut line = Vec::new();
    while from.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
        to.write_all(&line).unwrap_or_default();
        told.hear(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lines: &[&str]) -> Told {
        let mut told = Told::default();
        lines.iter().for_each(|line| told.hear(line));
        told
    }

    #[test]
    fn few_tests_that_failed_may_have_done_so_by_chance() {
        let one = told(&[
            "test a::b ... FAILED",
            "test a::c ... ok",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "error: test failed, to rerun pass `-p x --test it`",
        ]);
        assert!(one.is_by_chance());
        assert_eq!(Vec::from_iter(one.names), ["a::b"]);
    }

    #[test]
    fn what_ended_before_its_end_did_not_fail_by_chance() {
        let aborted = told(&[
            "test a::b ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.00s",
            "error: test failed, to rerun pass `-p x --test it`",
            "error: test failed, to rerun pass `-p y --test it`",
        ]);
        assert!(!aborted.is_by_chance());
        let many = told(&["test a ... FAILED", "test b ... FAILED", "test c ... FAILED"]);
        assert!(!many.is_by_chance());
        assert!(!told(&["error[E0425]: cannot find value"]).is_by_chance());
    }
}
