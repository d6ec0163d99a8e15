use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread::sleep,
    time::Duration,
};

/// A program of this workspace that was built before: `$PLENARY_NODE` for `plenary-node`, else the file in the
/// folder of the test binary or the one above.
///
/// # Errors
/// When it is not there; the text says how to build it.
pub fn program(name: &str) -> io::Result<PathBuf> {
    let variable = name.to_uppercase().replace('-', "_");
    if let Some(path) = std::env::var_os(variable) {
        return Ok(path.into());
    }
    let test = std::env::current_exe()?;
    let mut beside = test.ancestors().skip(1).take(2).map(|folder| folder.join(name));
    beside.find(|path| path.is_file()).ok_or_else(|| {
        let text =
            format!("{name} is not built: run `cargo build -p {name}` first, or name it by a variable");
        io::Error::new(io::ErrorKind::NotFound, text)
    })
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// The program's own process, where `child` is another one around it.
    pid: Pid,
    log: PathBuf,
}

impl Process {
    /// Starts `wrapper… program arguments…`, logging to the end of `log`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(wrapper: &[String], program: &Path, arguments: &[&str], log: &Path) -> io::Result<Self> {
        let out: File = OpenOptions::new().create(true).append(true).open(log)?;
        let mut command = match wrapper.split_first() {
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::from(out.try_clone()?))
            .stderr(Stdio::from(out));
        let child = command.spawn()?;
        let own = Pid::from_raw(i32::try_from(child.id()).map_err(io::Error::other)?);
        let pid = if wrapper.is_empty() {
            own
        } else {
            inner_pid(own, program).unwrap_or(own)
        };
        Ok(Self {
            child,
            pid,
            log: log.to_owned(),
        })
    }

    /// # Errors
    /// When the process is gone.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill(self.pid, signal)?)
    }

    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// How it ended, once it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// `kill -9`, and waits for the end.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        // It may have ended by itself.
        kill(self.pid, Signal::SIGKILL).ok();
        self.child.wait()?;
        Ok(())
    }

    /// The last five lines that it wrote.
    pub fn last_words(&self) -> String {
        let text = std::fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.into_iter().rev().collect::<Vec<_>>().join("\n")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        kill(self.pid, Signal::SIGCONT).ok();
        if self.kill().is_err() {
            self.child.kill().ok();
        }
    }
}

/// Finds the program below a wrapper such as strace, which needs a moment to start it.
fn inner_pid(outer: Pid, program: &Path) -> Option<Pid> {
    for _ in 0..200 {
        if is(outer, program) {
            return Some(outer);
        }
        let children =
            std::fs::read_to_string(format!("/proc/{outer}/task/{outer}/children")).unwrap_or_default();
        let mut pids = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok())
            .map(Pid::from_raw);
        if let Some(pid) = pids.find(|pid| is(*pid, program)) {
            return Some(pid);
        }
        sleep(Duration::from_millis(10));
    }
    None
}

fn is(pid: Pid, program: &Path) -> bool {
    std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program)
}
