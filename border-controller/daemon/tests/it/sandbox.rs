//! The real program in the sandbox that its unit describes: it does all its work there, and can do nothing else.

use crate::{
    unit::{self, Places, Sandbox, Unit},
    world::{Controller, LONG, Node, PARIS, PROGRAM, WEEK, World, fetch},
};
use nix::{
    sched::{CloneFlags, setns},
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use plenary_testkit::{Process, eventually};
use std::{
    collections::BTreeMap,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output},
};
use tokio::net::UnixDatagram;

const NAME: &str = "plenary-border-controller";
/// What the unit may be exposed to, by the rules of `systemd-analyze security`: 10 is everything.
const EXPOSED: f32 = 2.0;
/// Takes as many descriptors as the unit lets it have, or as this machine does; opens the filters as descriptors from 3 on, and becomes what is named behind them.
const OPEN: &str = r#"umask "$1"; ulimit -n "$2" 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec 9>"$3"; shift 3
number=3
while [ "$1" != -- ]; do eval "exec $number<\"\$1\""; number=$((number + 1)); shift; done
shift
exec "$@""#;

/// Fails where no sandbox can be made, and says why.
fn can_be_made() {
    assert!(
        geteuid().is_root(),
        "a sandbox with a network that the test enters needs root: run this test as root"
    );
    let made = Command::new("bwrap")
        .args([
            "--unshare-user",
            "--unshare-net",
            "--unshare-pid",
            "--ro-bind",
            "/",
            "/",
            "--",
        ])
        .arg("true")
        .output();
    let made = made.expect("bwrap is needed: apt-get install bubblewrap");
    assert!(
        made.status.success(),
        "bwrap makes no namespaces here: {}",
        String::from_utf8_lossy(&made.stderr)
    );
}

/// A program in a sandbox.
struct Confined {
    process: Process,
    folder: PathBuf,
}

impl Sandbox {
    /// The command that runs `command` in it, with `more` to be seen in the file system.
    fn wrapped(&self, folder: &Path, more: &[&str], command: &[String]) -> Vec<String> {
        assert!(self.filters.len() <= 6, "sh knows descriptors of one digit");
        let mut files = Vec::new();
        let mut arguments = vec!["--info-fd".to_owned(), "9".to_owned()];
        for (number, filter) in self.filters.iter().enumerate() {
            let file = folder.join(format!("filter-{number}"));
            fs::write(&file, filter).unwrap();
            files.push(file.to_str().unwrap().to_owned());
            arguments.extend(["--add-seccomp-fd".to_owned(), (3 + number).to_string()]);
        }
        let info = folder.join("info").to_str().unwrap().to_owned();
        let shell = ["-c", OPEN, "sh", &self.umask, &self.descriptors, &info].map(str::to_owned);
        let more = more.iter().map(|one| (*one).to_owned());
        let words = shell
            .into_iter()
            .chain(files)
            .chain(["--".into(), "bwrap".into()]);
        let words = words
            .chain(more)
            .chain(self.arguments.iter().cloned())
            .chain(arguments);
        words
            .chain(["--".into()])
            .chain(command.iter().cloned())
            .collect()
    }

    fn start(&self, folder: &Path) -> Confined {
        let words = self.wrapped(folder, &[], &self.command);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let log = folder.join("sandbox.log");
        Confined {
            process: Process::start(&[], Path::new("/bin/sh"), &words, &log).unwrap(),
            folder: folder.to_owned(),
        }
    }

    /// Runs a program of this system in it.
    fn tries(&self, folder: &Path, command: &[&str]) -> Output {
        let (programs, seen) = ("/usr/bin", "/probe");
        let (program, arguments) = command.split_first().unwrap();
        let mut words = vec![format!("{seen}/{program}")];
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let mut shell = Command::new("/bin/sh");
        shell.args(self.wrapped(folder, &["--ro-bind", programs, seen], &words));
        shell.output().unwrap()
    }
}

impl Confined {
    fn log(&self) -> String {
        fs::read_to_string(self.folder.join("sandbox.log")).unwrap_or_default()
    }

    /// The first process in its namespaces, as this system counts them.
    fn first(&self) -> Option<Pid> {
        let told = fs::read_to_string(self.folder.join("info")).ok()?;
        let told: serde_json::Value = serde_json::from_str(&told).ok()?;
        Some(Pid::from_raw(i32::try_from(told["child-pid"].as_i64()?).ok()?))
    }

    /// The program itself.
    fn program(&self) -> Option<Pid> {
        let first = self.first()?;
        let below = fs::read_to_string(format!("/proc/{first}/task/{first}/children")).ok()?;
        below.split_whitespace().next()?.parse().ok().map(Pid::from_raw)
    }
}

/// Does something in the network of a process, in a thread of its own.
fn in_network_of<T: Send>(pid: Pid, work: impl FnOnce(&tokio::runtime::Runtime) -> T + Send) -> T {
    std::thread::scope(|scope| {
        let inside = scope.spawn(|| {
            let network = File::open(format!("/proc/{pid}/ns/net")).unwrap();
            setns(network, CloneFlags::CLONE_NEWNET).unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            work(&runtime.unwrap())
        });
        inside
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// A controller that was enrolled and does not run; its configuration is for the sandbox, with the usual port for the web.
async fn enrolled(world: &World, node: &plenary_identity::Identity) -> (Controller, PathBuf) {
    let mut controller = Controller::new(world, "dmz-1", "");
    let token = world.token(node, controller.tunnel, WEEK);
    controller.start(&["join", "--only", &token.text]);
    controller.enrol(node, &token).await.unwrap();
    let ended = eventually("it is enrolled", LONG, || {
        std::future::ready(controller.process().ended())
    })
    .await;
    assert!(ended.success(), "{}", controller.log());
    let data = world.folder.path().join("dmz-1");
    let text = fs::read_to_string(&controller.config).unwrap();
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, 443));
    let text = text
        .replace(&data.display().to_string(), &format!("/var/lib/{NAME}"))
        .replace(
            &format!("web = '{}'", controller.web),
            &format!("web = '{usual}'"),
        );
    controller.web = usual;
    fs::write(&controller.config, text).unwrap();
    (controller, data)
}

/// What the system says of a process.
fn status(pid: Pid) -> BTreeMap<String, String> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    lines
        .map(|(key, value)| (key.to_owned(), value.trim().to_owned()))
        .collect()
}

async fn told(socket: &UnixDatagram, what: &str) {
    let mut buffer = [0; 1_024];
    loop {
        let came = tokio::time::timeout(LONG, socket.recv(&mut buffer)).await;
        let length = came.unwrap_or_else(|_| panic!("nobody says {what}")).unwrap();
        if String::from_utf8_lossy(&buffer[..length])
            .lines()
            .any(|line| line == what)
        {
            return;
        }
    }
}

/// Passes TLS of a client on to a node.
async fn works(world: &World, node: &plenary_identity::Identity, controller: &Controller) {
    let _node = Node::dial(node, controller.tunnel);
    controller.tunnels(1.0).await;
    let served = eventually("the offer is known", LONG, async || {
        fetch(world, controller.web, PARIS).await.ok()
    });
    assert_eq!(served.await, "node-1 serves web to 127.0.0.1");
}

#[test]
fn in_the_sandbox_of_its_unit_it_serves_and_ends_when_told() {
    can_be_made();
    let world = World::new();
    let one = world.node(1);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (controller, data) = runtime.block_on(enrolled(&world, &one));
    let notify = world.folder.path().join("notify");
    let listening = runtime.block_on(async { UnixDatagram::bind(&notify) }).unwrap();
    let places = Places {
        program: Path::new(PROGRAM),
        config: &controller.config,
        data: &data,
        notify: &notify,
    };
    let sandbox = Unit::of(NAME).sandbox(&places);
    let mut confined = sandbox.start(world.folder.path());
    let ready = runtime.block_on(async {
        let ended = eventually("it ends", LONG, || std::future::ready(confined.process.ended()));
        tokio::select! {
            () = told(&listening, "READY=1") => true,
            _ = ended => false,
        }
    });
    assert!(ready, "{}", confined.log());
    let pid = confined.program().expect("the program");
    in_network_of(pid, |inside| inside.block_on(works(&world, &one, &controller)));

    let status = status(pid);
    let opens_low_ports = format!("{:016x}", 1_u64 << 10);
    for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(status[set], opens_low_ports, "{set}");
    }
    assert_eq!((&*status["NoNewPrivs"], &*status["Seccomp"]), ("1", "2"));
    let filters: usize = status["Seccomp_filters"].parse().unwrap();
    assert!(filters >= sandbox.filters.len(), "{filters}");
    assert_eq!(status["Umask"], sandbox.umask);

    kill(pid, Signal::SIGTERM).unwrap();
    runtime.block_on(told(&listening, "STOPPING=1"));
    let ended = runtime.block_on(eventually("it ends", LONG, || {
        std::future::ready(confined.process.ended())
    }));
    assert!(ended.success(), "{ended}: {}", confined.log());
}

#[test]
fn what_the_unit_forbids_cannot_be_done_in_its_sandbox() {
    can_be_made();
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| {
        let path = folder.path().join(name);
        fs::write(&path, "").unwrap();
        path
    };
    let (config, notify, data) = (at("config"), at("notify"), folder.path().join("data"));
    fs::create_dir(&data).unwrap();
    let places = Places {
        program: Path::new(PROGRAM),
        config: &config,
        data: &data,
        notify: &notify,
    };
    let sandbox = Unit::of(NAME).sandbox(&places);
    let tries = |command: &[&str]| {
        let output = sandbox.tries(folder.path(), command);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let state = format!("/var/lib/{NAME}/file");
    for allowed in [vec!["true"], vec!["touch", &state], vec!["touch", "/tmp/file"]] {
        let (done, said) = tries(&allowed);
        assert!(done, "{allowed:?}: {said}");
    }
    // mmap, for all three.
    let write_and_execute = match std::env::consts::ARCH {
        "x86_64" => "syscall(9, 0, 4096, 7, 0x22, -1, 0) == -1 and die $!",
        _ => "syscall(222, 0, 4096, 7, 0x22, -1, 0) == -1 and die $!",
    };
    for (why, forbidden) in [
        ("Operation not permitted", vec!["chown", "990", &state]),
        ("Operation not permitted", vec!["chmod", "u+s", &state]),
        (
            "Operation not permitted",
            vec!["unshare", "--user", "/probe/true"],
        ),
        (
            "Operation not permitted",
            vec!["setpriv", "--reuid", "990", "/probe/true"],
        ),
        (
            "Operation not permitted",
            vec!["setarch", "--addr-no-randomize", "/probe/true"],
        ),
        (
            "Operation not permitted",
            vec!["chrt", "--fifo", "1", "/probe/true"],
        ),
        ("Operation not permitted", vec!["date", "--set", "2030-01-01"]),
        // A socket to change routes with.
        (
            "Address family not supported",
            vec!["perl", "-e", "socket(my $s, 16, 3, 0) or die $!"],
        ),
        ("Operation not permitted", vec!["perl", "-e", write_and_execute]),
        ("Read-only file system", vec!["touch", "/etc/file"]),
        ("Read-only file system", vec!["touch", "/usr/bin/file"]),
        ("Read-only file system", vec!["touch", "/dev/file"]),
        ("No such file", vec!["ls", "/proc/sys/kernel"]),
        ("No such file", vec!["ls", "/dev/kmsg"]),
        ("No such file", vec!["ls", "/sys/kernel"]),
    ] {
        let (done, said) = tries(&forbidden);
        assert!(!done && said.contains(why), "{forbidden:?}: {said}");
    }
}

#[test]
fn the_unit_is_hardly_exposed() {
    let mut ask = Command::new("systemd-analyze");
    ask.args(["security", "--offline=true", "--no-pager"])
        .arg(unit::file(NAME));
    let said = ask.env("LC_ALL", "C").output();
    let said = said.expect("systemd-analyze is needed: apt-get install systemd");
    let text = String::from_utf8_lossy(&said.stdout).into_owned();
    let level = text.split("Overall exposure level for ").nth(1);
    let level: f32 = level
        .and_then(|rest| rest.split_once(": ")?.1.split_whitespace().next())
        .and_then(|number| number.parse().ok())
        .unwrap_or_else(|| panic!("{text}"));
    assert!(level < EXPOSED, "{text}");
}
