//! A stage that runs beside another one: the one computes while the other mostly waits.

use crate::{packages, steps::built};
use anyhow::{Context as _, bail};
use std::{
    io::{Read as _, Seek as _, Write as _},
    process::{Child, Command, Stdio},
    time::Instant,
};

/// A stage in a process of its own. What it says is kept until it is over, so that two do not talk at once.
pub(crate) struct Beside {
    name: String,
    process: Child,
    said: std::fs::File,
    begun: Instant,
}

impl Beside {
    /// Begins it; `gives_way`: it gets the processor when the other stage leaves it alone.
    pub(crate) fn begin(name: String, gives_way: bool) -> anyhow::Result<Self> {
        let said = tempfile::tempfile().context("what a stage says cannot be kept")?;
        // Not the file that runs now: the stage that builds all may have put another one in its place.
        let program = built("xtask");
        let mut command = if gives_way {
            let mut nice = Command::new("nice");
            nice.args(["-n", "19"]).arg(program.get_program());
            nice
        } else {
            program
        };
        command.args(["test", "--only", &name]);
        if packages::is_agreed() {
            command.arg("--yes");
        }
        let process = command
            .stdin(Stdio::null())
            .stdout(said.try_clone()?)
            .stderr(said.try_clone()?)
            .spawn();
        let process = process.with_context(|| format!("stage {name} cannot be started"))?;
        eprintln!("══ {name}: begun beside it");
        Ok(Self {
            process,
            name,
            said,
            begun: Instant::now(),
        })
    }

    /// Waits for its end, and shows what it said; gives how long it took.
    pub(crate) fn end(mut self) -> anyhow::Result<String> {
        let status = self.process.wait()?;
        let seconds = self.begun.elapsed().as_secs_f64();
        let mut said = Vec::new();
        self.said.rewind()?;
        self.said.read_to_end(&mut said)?;
        std::io::stderr().write_all(&said)?;
        let name = self.name;
        if status.success() {
            return Ok(format!("{name} {seconds:.0} s"));
        }
        bail!("stage {name} failed; alone it is run by cargo xtask test --only {name}")
    }
}
