//! A License Manager of real processes, and how its administrators ask it.

use plenary_identity::{EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_licences::{
    Seats,
    licence::{Covers, Edition, Licence, LicenceId, Signed, Signer, Support, Term},
};
use plenary_model::{NodeId, ServerName, Timestamp};
use plenary_testkit::{FreePorts, Process, eventually};
use serde_json::Value;
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

pub(crate) const LONG: Duration = Duration::from_secs(40);
pub(crate) const MANAGER: &str = "licences.example.com";

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) replicas: Vec<Replica>,
    ports: FreePorts,
    made: usize,
}

pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) data: PathBuf,
    pub(crate) address: SocketAddr,
    metrics: SocketAddr,
    pub(crate) process: Option<Process>,
}

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) reason: String,
}

pub(crate) fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_plenary-license-manager"))
}

pub(crate) fn name(text: &str) -> ServerName {
    text.parse().unwrap()
}

pub(crate) fn pro(pro: u32) -> Seats {
    Seats { pro, ..Seats::NONE }
}

impl World {
    pub(crate) fn empty() -> Self {
        rustls::crypto::aws_lc_rs::default_provider()
            .install_default()
            .ok();
        Self {
            folder: tempfile::Builder::new().prefix("plenary-lm-").tempdir().unwrap(),
            replicas: Vec::new(),
            ports: FreePorts::default(),
            made: 0,
        }
    }

    /// A manager with one replica that runs and has leases of a minute.
    pub(crate) async fn of_one() -> Self {
        let mut world = Self::empty();
        let first = world.plan();
        let founded = world.run(
            first,
            &[
                "found",
                "--manager",
                MANAGER,
                "--enterprise",
                "Demo",
                "--authority",
                &world.authority(),
            ],
        );
        assert_eq!(founded.code, 0, "{}", founded.reason);
        world.start(first).await;
        world.done(first, &["ttl", "60s"]);
        world
    }

    /// Two more.
    pub(crate) async fn of_three() -> Self {
        let mut world = Self::of_one().await;
        for _ in 0..2 {
            let token = world.json(0, &["member", "invite"])["token"]
                .as_str()
                .unwrap()
                .to_owned();
            let next = world.plan();
            let joined = world.run(next, &["join", "--only", &token]);
            assert_eq!(joined.code, 0, "{}", joined.reason);
            world.start(next).await;
        }
        eventually("three voters", LONG, async || {
            let members = world.json(0, &["member", "list"]);
            let votes = |row: &Value| matches!(row["role"].as_str(), Some("leader" | "voter"));
            (members
                .as_array()
                .unwrap()
                .iter()
                .filter(|row| votes(row))
                .count()
                == 3)
                .then_some(())
        })
        .await;
        world
    }

    pub(crate) fn authority(&self) -> String {
        self.folder.path().join("authority").to_str().unwrap().to_owned()
    }

    /// Writes the configuration of one more replica; its number.
    pub(crate) fn plan(&mut self) -> usize {
        self.made += 1;
        let name = format!("lm-{}", self.made);
        let data = self.folder.path().join(&name);
        let mut port = || self.ports.next(Ipv4Addr::LOCALHOST.into()).unwrap();
        let (address, metrics) = (port(), port());
        let config = format!(
            "name = {name:?}\ndata = {data:?}\n[listen]\nleases = \"{address}\"\nmetrics = \"{metrics}\"\n[log]\nlevel = \"info,openraft=error\"\n"
        );
        std::fs::write(self.folder.path().join(format!("{name}.toml")), config).unwrap();
        self.replicas.push(Replica {
            name,
            data,
            address,
            metrics,
            process: None,
        });
        // Held until now so that nobody else gets them.
        self.ports = FreePorts::default();
        self.replicas.len() - 1
    }

    fn config(&self, replica: usize) -> String {
        let name = &self.replicas[replica].name;
        self.folder
            .path()
            .join(format!("{name}.toml"))
            .to_str()
            .unwrap()
            .to_owned()
    }

    pub(crate) fn run(&self, replica: usize, arguments: &[&str]) -> Ran {
        self.run_with(replica, arguments, &[])
    }

    pub(crate) fn run_with(&self, replica: usize, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let output = Command::new(program())
            .args(["--config", &self.config(replica)])
            .args(arguments)
            .envs(variables.iter().copied())
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            reason: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub(crate) fn done(&self, replica: usize, arguments: &[&str]) -> String {
        let ran = self.run(replica, arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.reason);
        ran.out
    }

    pub(crate) fn json(&self, replica: usize, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.done(replica, &[arguments, &["--json"]].concat())).unwrap()
    }

    pub(crate) fn launch_with(&mut self, replica: usize, variables: &[(&str, &str)]) {
        let config = self.config(replica);
        let log = self
            .folder
            .path()
            .join(format!("{}.log", self.replicas[replica].name));
        let variables = variables.iter().map(|(key, value)| format!("{key}={value}"));
        let wrapper: Vec<String> = std::iter::once("env".to_owned()).chain(variables).collect();
        let process = Process::start(&wrapper, program(), &["--config", &config, "run"], &log).unwrap();
        self.replicas[replica].process = Some(process);
    }

    pub(crate) async fn start(&mut self, replica: usize) {
        self.launch_with(replica, &[]);
        self.answers(replica).await;
    }

    pub(crate) async fn answers(&self, replica: usize) {
        eventually("the replica answers", LONG, async || {
            let ran = self.run(replica, &["status", "--json"]);
            let status: Value = serde_json::from_str(&ran.out).unwrap_or_default();
            status["leader"].is_string().then_some(())
        })
        .await;
    }

    pub(crate) fn leader(&self) -> Option<usize> {
        let runs = (0..self.replicas.len()).find(|i| self.replicas[*i].process.is_some())?;
        self.leader_by(runs)
    }

    /// Who leads, as this replica says.
    pub(crate) fn leader_by(&self, replica: usize) -> Option<usize> {
        let status: Value = serde_json::from_str(&self.run(replica, &["status", "--json"]).out).ok()?;
        let leader = status["leader"].as_str()?;
        self.replicas.iter().position(|replica| replica.name == leader)
    }

    pub(crate) fn kill(&mut self, replica: usize) {
        self.replicas[replica].process.take().unwrap().kill().unwrap();
    }

    /// What `/readyz` says.
    pub(crate) fn readiness(&self, replica: usize, path: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = std::net::TcpStream::connect(self.replicas[replica].metrics).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// A licence file in the folder, signed with this key.
    pub(crate) fn licence(&self, id: u128, seats: Seats, servers: &[&str], signer: &Signer) -> String {
        let licence = Licence {
            id: LicenceId(id),
            enterprise: "Demo".into(),
            contact: String::new(),
            covers: match servers {
                [] => Covers::Any,
                names => Covers::Only(names.iter().map(|text| name(text)).collect()),
            },
            seats,
            extensions: Default::default(),
            term: Term::Lifetime,
            edition: Edition::Server,
            support: Support::Basic,
            issued: Timestamp(1),
            valid_from: Timestamp(1),
            valid_until: None,
        };
        let path = self.folder.path().join(format!("{id}.licence"));
        std::fs::write(&path, Signed::issue(&licence, signer).unwrap()).unwrap();
        path.to_str().unwrap().to_owned()
    }

    pub(crate) fn install(&self, seats: Seats, servers: &[&str]) {
        let file = self.licence(1, seats, servers, &Signer::for_development().unwrap());
        self.done(0, &["licence", "install", &file]);
    }

    /// The identity of a node of a server of the same enterprise.
    pub(crate) fn identity(&self, server: &str) -> Identity {
        let folder = self.folder.path().join(server);
        let authority = EnterpriseCa::open(Path::new(&self.authority())).unwrap();
        let ca = authority.certify(Program::Node, &name(server), &[]).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).unwrap();
        let identity = folder.join("identity");
        Identity::create(&identity, machine, ca, "node-1".parse().unwrap(), NodeId(1)).unwrap()
    }

    /// What servers hold together, as the managers say.
    pub(crate) fn leased(&self, replica: usize) -> u64 {
        self.json(replica, &["status"])["leased"]["pro"].as_u64().unwrap()
    }
}
