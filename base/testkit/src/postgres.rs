//! A real PostgreSQL (of Debian) with a database of a test.

use crate::{FreePorts, Process};
use nix::unistd::{User, chown, geteuid};
use std::{
    fs, io,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use tokio::time::sleep;

const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(50);
/// It refuses to be root; its package makes this user.
const USER: &str = "postgres";

/// It ends when this is dropped, and its data goes.
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    process: Process,
    folder: TempDir,
    /// `name=value`
    settings: Vec<String>,
}

impl Postgres {
    /// Starts one on a free port of loopback. `None` where it is not installed, which is said on standard error; where the
    /// tests are those of a whole run (`CI`) it must be there.
    ///
    /// # Errors
    /// When it does not answer, or must be there and is not.
    pub async fn start() -> io::Result<Option<Self>> {
        Self::start_with(&["shared_buffers=16MB"]).await
    }

    /// The same with settings of its own, each as `name=value`.
    ///
    /// # Errors
    /// As [`Postgres::start`].
    pub async fn start_with(settings: &[&str]) -> io::Result<Option<Self>> {
        let Some(programs) = programs() else {
            let text = "PostgreSQL is not installed; get it with: apt-get install postgresql";
            if std::env::var_os("CI").is_some_and(|value| !value.is_empty()) {
                return Err(io::Error::other(text));
            }
            eprintln!("skipped: {text}");
            return Ok(None);
        };
        let folder = tempfile::tempdir()?;
        if geteuid().is_root() {
            let user = User::from_name(USER)?;
            let user = user.ok_or_else(|| io::Error::other("there is no user postgres"))?;
            chown(folder.path(), Some(user.uid), Some(user.gid))?;
        }
        let mut init = command(&programs.join("initdb"));
        let data = folder.path().join("data");
        init.args(["--auth=trust", "--username=plenary", "--no-sync"]);
        init.args(["--encoding=UTF8", "--locale=C.UTF-8", "--pgdata"])
            .arg(&data);
        let made = init.current_dir(folder.path()).output()?;
        if !made.status.success() {
            return Err(io::Error::other(
                String::from_utf8_lossy(&made.stderr).into_owned(),
            ));
        }
        let port = FreePorts::default().next(Ipv4Addr::LOCALHOST.into())?.port();
        let settings: Vec<String> = settings.iter().map(|&setting| setting.to_owned()).collect();
        let process = run(&programs, &folder, port, &settings)?;
        let mut postgres = Self {
            programs,
            port,
            process,
            folder,
            settings,
        };
        postgres.answers().await?;
        Ok(Some(postgres))
    }

    /// Where programs find it.
    pub fn url(&self) -> String {
        format!("postgres://plenary@127.0.0.1:{}/postgres", self.port)
    }

    /// `kill -9`; what it acknowledged must be there when it is started again.
    ///
    /// # Errors
    /// When it cannot be waited for.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill()
    }

    /// Starts it again, with the same data on the same port.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn start_again(&mut self) -> io::Result<()> {
        // What is left of the killed one says that it runs still; its children go a moment later.
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.process = run(&self.programs, &self.folder, self.port, &self.settings)?;
            match self.answers().await {
                Err(_) if Instant::now() < deadline && !self.process.is_running() => sleep(LOOK).await,
                answered => return answered,
            }
        }
    }

    async fn answers(&mut self) -> io::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let mut ask = Command::new(self.programs.join("pg_isready"));
            let port = self.port.to_string();
            ask.args(["-q", "-h", "127.0.0.1", "-p", &port]);
            if ask.status()?.success() {
                return Ok(());
            }
            if !self.process.is_running() || Instant::now() >= deadline {
                return Err(io::Error::other(self.process.last_words()));
            }
            sleep(LOOK).await;
        }
    }
}

fn run(programs: &Path, folder: &TempDir, port: u16, settings: &[String]) -> io::Result<Process> {
    let (data, port) = (folder.path().join("data"), port.to_string());
    let data = data
        .to_str()
        .ok_or_else(|| io::Error::other("temporary paths are UTF-8"))?;
    let sockets = format!("unix_socket_directories={}", folder.path().display());
    let mut arguments = vec!["-D", data, "-h", "127.0.0.1", "-p", &port, "-c", &sockets];
    for setting in settings {
        arguments.extend(["-c", setting]);
    }
    let program = programs.join("postgres");
    Process::start(&wrapper(), &program, &arguments, &folder.path().join("log"))
}

/// Around a program that refuses to be root.
fn wrapper() -> Vec<String> {
    let words = ["setpriv", "--reuid", USER, "--regid", USER, "--clear-groups"];
    match geteuid().is_root() {
        true => words.iter().map(|word| (*word).to_owned()).collect(),
        false => Vec::new(),
    }
}

fn command(program: &Path) -> Command {
    match wrapper().split_first() {
        Some((first, rest)) => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// The folder of the newest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let newest = versions.map(|entry| entry.path()).max_by_key(version)?;
    let programs = newest.join("bin");
    programs.join("postgres").exists().then_some(programs)
}
