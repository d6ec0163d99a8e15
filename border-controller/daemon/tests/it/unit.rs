//! The unit in deploy/systemd, and the sandbox that it describes, built without systemd: namespaces and files by bubblewrap,
//! system calls by filters of our own.
//!
//! What is hidden here, systemd makes read-only or not executable: the sandbox is the narrower one of the two.

use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// What systemd alone can do, or does outside of the sandbox: control groups, the journal, when something is started.
const OF_SYSTEMD: &[&str] = &[
    "Restart",
    "RestartSec",
    "RestartPreventExitStatus",
    "TimeoutStopSec",
    "StateDirectoryMode",
    "MemoryMax",
    "TasksMax",
    "OOMPolicy",
    "DevicePolicy",
    "RemoveIPC",
    "KeyringMode",
];

const EPERM: u32 = 1;
const ENOSYS: u32 = 38;
const EAFNOSUPPORT: u32 = 97;
/// The namespaces that `clone` makes (`linux/sched.h`).
const NAMESPACES: [u32; 7] = [
    0x0002_0000,
    0x0200_0000,
    0x0400_0000,
    0x0800_0000,
    0x1000_0000,
    0x2000_0000,
    0x4000_0000,
];

/// The section `[Service]`, and which of its lines were read.
pub(crate) struct Unit {
    lines: BTreeMap<String, Vec<String>>,
    read: BTreeSet<String>,
}

/// Where files of the test come from.
pub(crate) struct Places<'a> {
    pub(crate) program: &'a Path,
    pub(crate) config: &'a Path,
    pub(crate) data: &'a Path,
    /// A socket that is told when the program is ready.
    pub(crate) notify: &'a Path,
}

/// A sandbox, as bubblewrap is to make it.
pub(crate) struct Sandbox {
    pub(crate) arguments: Vec<String>,
    /// Filters of system calls, one after the other, as the kernel takes them.
    pub(crate) filters: Vec<Vec<u8>>,
    /// `ExecStart`.
    pub(crate) command: Vec<String>,
    pub(crate) umask: String,
    pub(crate) descriptors: String,
}

pub(crate) fn file(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd");
    folder.join(format!("{name}.service"))
}

impl Unit {
    pub(crate) fn of(name: &str) -> Self {
        let text = fs::read_to_string(file(name)).unwrap();
        let service = text.split("[Service]").nth(1).unwrap();
        let service = service.split("\n[").next().unwrap();
        let mut lines: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in service.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, value)) = line.split_once('=') {
                lines.entry(key.into()).or_default().push(value.into());
            }
        }
        Self {
            lines,
            read: BTreeSet::new(),
        }
    }

    fn all(&mut self, key: &str) -> Vec<String> {
        self.read.insert(key.into());
        self.lines.get(key).cloned().unwrap_or_default()
    }

    fn words(&mut self, key: &str) -> Vec<String> {
        let all = self.all(key);
        let words = all.iter().flat_map(|value| value.split_whitespace());
        words.map(str::to_owned).collect()
    }

    fn one(&mut self, key: &str) -> String {
        let mut all = self.all(key);
        assert!(all.len() <= 1, "{key} is said more than once");
        all.pop().unwrap_or_default()
    }

    /// A switch; `on` is what it says where it confines.
    fn is(&mut self, key: &str, on: &str) -> bool {
        let said = self.one(key);
        assert!(
            said.is_empty() || said == on,
            "{key}={said} is not known to this test"
        );
        said == on
    }

    /// The sandbox, as it is for this program.
    ///
    /// # Panics
    /// Where the unit has a line that is not translated.
    pub(crate) fn sandbox(mut self, places: &Places<'_>) -> Sandbox {
        let command = self.words("ExecStart");
        assert_eq!(self.one("Type"), "notify");
        let mut arguments = self.namespaces();
        arguments.extend(self.files(places, &command));
        let sandbox = Sandbox {
            filters: self.filters(),
            arguments,
            command,
            umask: self.one("UMask"),
            descriptors: self.one("LimitNOFILE"),
        };
        let left = self.lines.keys().filter(|key| !self.read.contains(*key));
        let left: Vec<_> = left.filter(|key| !OF_SYSTEMD.contains(&key.as_str())).collect();
        assert!(
            left.is_empty(),
            "these lines of the unit are not translated: {left:?}"
        );
        sandbox
    }

    fn namespaces(&mut self) -> Vec<String> {
        let mut arguments = strings(&["--die-with-parent", "--new-session", "--clearenv"]);
        let mut add = |more: &[&str]| arguments.extend(strings(more));
        // A network of its own, so that low ports are there to be opened; whoever tests it comes in.
        add(&["--unshare-user", "--unshare-net", "--unshare-cgroup-try"]);
        for (key, value, argument) in [
            ("PrivateIPC", "yes", "--unshare-ipc"),
            ("ProtectHostname", "yes", "--unshare-uts"),
            ("ProtectProc", "invisible", "--unshare-pid"),
        ] {
            if self.is(key, value) {
                add(&[argument]);
            }
        }
        let (user, group) = (self.one("User"), self.one("Group"));
        assert!(![&*user, &*group].contains(&"root") && !user.is_empty() && !group.is_empty());
        add(&["--uid", "990", "--gid", "990", "--cap-drop", "ALL"]);
        let bounded = self.words("CapabilityBoundingSet");
        assert_eq!(self.words("AmbientCapabilities"), bounded);
        for capability in &bounded {
            add(&["--cap-add", capability]);
        }
        // bubblewrap always does that.
        assert!(self.is("NoNewPrivileges", "yes"));
        arguments
    }

    fn files(&mut self, places: &Places<'_>, command: &[String]) -> Vec<String> {
        let mut arguments = Vec::new();
        let mut add = |more: &[&str]| arguments.extend(strings(more));
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        assert_eq!(self.one("NoExecPaths"), "/");
        for path in self.words("ExecPaths") {
            if path == command[0] {
                add(&["--ro-bind", &text(places.program), &path]);
                continue;
            }
            // Debian leads /lib to /usr/lib.
            let Ok(real) = fs::canonicalize(&path) else {
                continue;
            };
            add(&["--ro-bind", &text(&real), &text(&real)]);
            if let Ok(leads_to) = fs::read_link(&path) {
                add(&["--symlink", &text(&leads_to), &path]);
            }
        }
        let config = command
            .iter()
            .skip_while(|word| *word != "--config")
            .nth(1)
            .unwrap();
        add(&["--ro-bind", &text(places.config), config]);
        add(&["--ro-bind-try", "/etc/ld.so.cache", "/etc/ld.so.cache"]);
        let state = format!("/var/lib/{}", self.one("StateDirectory"));
        add(&["--bind", &text(places.data), &state]);
        add(&["--bind", &text(places.notify), "/run/notify"]);
        add(&["--setenv", "NOTIFY_SOCKET", "/run/notify"]);
        if self.is("PrivateTmp", "yes") {
            add(&["--tmpfs", "/tmp", "--tmpfs", "/var/tmp"]);
        }
        if self.is("ProtectHome", "yes") {
            add(&["--tmpfs", "/root", "--remount-ro", "/root"]);
            add(&["--tmpfs", "/home", "--remount-ro", "/home"]);
        }
        if self.is("PrivateDevices", "yes") {
            // With terminals bubblewrap would take another user namespace, whose rights do not count for the network.
            add(&["--tmpfs", "/dev"]);
            for device in ["null", "zero", "full", "random", "urandom"].map(|name| format!("/dev/{name}")) {
                add(&["--dev-bind", &device, &device]);
            }
            add(&["--remount-ro", "/dev"]);
        }
        add(&["--proc", "/proc"]);
        if self.is("ProcSubset", "pid") {
            for entry in fs::read_dir("/proc").unwrap().flatten() {
                let (path, kind) = (text(&entry.path()), entry.file_type().unwrap());
                let is_process = entry.file_name().to_string_lossy().parse::<u32>().is_ok();
                if kind.is_dir() && !is_process {
                    add(&["--tmpfs", &path, "--remount-ro", &path]);
                } else if kind.is_file() {
                    add(&["--ro-bind", "/dev/null", &path]);
                }
            }
        }
        // There is no /sys at all, and of /proc what is of processes alone.
        assert!(self.is("ProtectKernelTunables", "yes") && self.is("ProtectControlGroups", "yes"));
        if self.is("ProtectSystem", "strict") {
            add(&["--remount-ro", "/"]);
        }
        arguments
    }

    fn filters(&mut self) -> Vec<Vec<u8>> {
        // By construction of the filters: others are killed.
        assert_eq!(self.one("SystemCallArchitectures"), "native");
        assert_eq!(self.one("SystemCallErrorNumber"), "EPERM");
        let mut filters = vec![self.allowed()];
        let mut refused = Vec::new();
        let rule = |call: &str, arguments: Vec<Value>| json!({ "syscall": call, "args": arguments });
        let with = |index: u8, mask: u32| json!({ "index": index, "type": "dword", "op": { "masked_eq": mask }, "val": mask });
        let is = |index: u8, op: &str, value: u32| json!({ "index": index, "type": "dword", "op": op, "val": value });
        if self.is("RestrictNamespaces", "yes") {
            refused.extend(NAMESPACES.map(|flag| rule("clone", vec![with(0, flag)])));
            refused.extend(["unshare", "setns"].map(|call| json!({ "syscall": call })));
            // Its flags are in memory, where filters do not look: programs take `clone` instead.
            filters.push(filter("allow", errno(ENOSYS), &[json!({ "syscall": "clone3" })]));
        }
        if self.is("RestrictRealtime", "yes") {
            let policies = [1, 2, 6].map(|policy| rule("sched_setscheduler", vec![is(1, "eq", policy)]));
            refused.extend(policies);
        }
        if self.is("RestrictSUIDSGID", "yes") {
            for (call, mode) in [
                ("chmod", 1),
                ("fchmod", 1),
                ("fchmodat", 2),
                ("mkdir", 1),
                ("mkdirat", 2),
            ] {
                refused.extend([0o4000, 0o2000].map(|bit| rule(call, vec![with(mode, bit)])));
            }
        }
        if self.is("LockPersonality", "yes") {
            refused.push(rule("personality", vec![is(0, "ne", 0), is(0, "ne", u32::MAX)]));
        }
        if self.is("MemoryDenyWriteExecute", "yes") {
            // PROT_WRITE and PROT_EXEC; SHM_EXEC.
            refused.push(rule("mmap", vec![with(2, 0b110)]));
            refused.extend(["mprotect", "pkey_mprotect"].map(|call| rule(call, vec![with(2, 0b100)])));
            refused.push(rule("shmat", vec![with(2, 0o100_000)]));
        }
        let known: Vec<_> = refused
            .into_iter()
            .filter(|rule| is_call(rule["syscall"].as_str().unwrap()))
            .collect();
        filters.push(filter("allow", errno(EPERM), &known));
        let families = self.words("RestrictAddressFamilies");
        let others = families.iter().map(|family| is(0, "ne", number_of(family)));
        let others = rule("socket", others.collect());
        filters.push(filter("allow", errno(EAFNOSUPPORT), &[others]));
        filters
    }

    /// What is on the list of system calls, and nothing else.
    fn allowed(&mut self) -> Vec<u8> {
        let mut lists = self.all("SystemCallFilter").into_iter();
        let first = lists.next().unwrap();
        assert!(!first.starts_with('~'), "the first list is of what is allowed");
        let mut allowed: BTreeSet<String> = first.split_whitespace().flat_map(calls).collect();
        allowed.extend(calls("@default"));
        let mut taken: Vec<String> = Vec::new();
        for list in lists {
            let list = list.strip_prefix('~').expect("further lists are of what is not");
            taken.extend(list.split_whitespace().map(str::to_owned));
        }
        for (key, group) in [
            ("ProtectClock", "@clock"),
            ("ProtectKernelModules", "@module"),
            ("ProtectKernelLogs", "syslog"),
            ("PrivateDevices", "@raw-io"),
        ] {
            if self.is(key, "yes") {
                taken.push(group.into());
            }
        }
        for call in taken.iter().flat_map(|name| calls(name)) {
            allowed.remove(&call);
        }
        let rules: Vec<_> = allowed
            .iter()
            .filter(|call| is_call(call))
            .map(|call| json!({ "syscall": call }))
            .collect();
        filter_of(errno(EPERM), "allow".into(), &rules)
    }
}

fn strings(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

fn number_of(family: &str) -> u32 {
    match family {
        "AF_UNIX" => 1,
        "AF_INET" => 2,
        "AF_INET6" => 10,
        other => panic!("{other} is not known to this test"),
    }
}

/// The system calls of a group, as systemd of this machine has them.
fn calls(name: &str) -> Vec<String> {
    if !name.starts_with('@') {
        return vec![name.to_owned()];
    }
    let asked = Command::new("systemd-analyze")
        .args(["syscall-filter", "--no-pager", name])
        .output();
    let said = asked.expect("systemd-analyze is needed: apt-get install systemd");
    let text = String::from_utf8(said.stdout).unwrap();
    let lines = text.lines().skip(1).map(str::trim);
    let lines: Vec<_> = lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    assert!(!lines.is_empty(), "systemd knows no {name}");
    lines.into_iter().flat_map(calls).collect()
}

fn errno(number: u32) -> Value {
    json!({ "errno": number })
}

fn filter(otherwise: &str, action: Value, rules: &[Value]) -> Vec<u8> {
    filter_of(otherwise.into(), action, rules)
}

fn filter_of(otherwise: Value, action: Value, rules: &[Value]) -> Vec<u8> {
    let program = compiled(otherwise, action, rules).unwrap();
    let instruction = |one: &seccompiler::sock_filter| {
        let [code, k] = [one.code.to_ne_bytes().to_vec(), one.k.to_ne_bytes().to_vec()];
        [code, vec![one.jt, one.jf], k].concat()
    };
    program.iter().flat_map(instruction).collect()
}

fn compiled(
    otherwise: Value,
    action: Value,
    rules: &[Value],
) -> Result<seccompiler::BpfProgram, seccompiler::Error> {
    let text = json!({
        "all": { "mismatch_action": otherwise, "match_action": action, "filter": rules }
    });
    let machine: seccompiler::TargetArch = std::env::consts::ARCH.try_into().unwrap();
    let mut made = seccompiler::compile_from_json(text.to_string().as_bytes(), machine)?;
    Ok(made.remove("all").unwrap())
}

/// Whether this machine has it: groups name calls of all. What is newer than this table is refused, then.
fn is_call(name: &str) -> bool {
    compiled("allow".into(), errno(EPERM), &[json!({ "syscall": name })]).is_ok()
}
