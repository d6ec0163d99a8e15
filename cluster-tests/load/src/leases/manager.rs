//! Three managers as people start them, and servers that borrow from them.

use crate::processes::free_ports;
use anyhow::{Context as _, bail, ensure};
use plenary_contracts::leases::v1::{from_manager::What, leases_client::LeasesClient};
use plenary_identity::{EnterpriseCa, Expected, Identity, JoinToken, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_licences::{
    Ask, Epoch, Incarnation, Order, PoolId, Position, Reply, Request, Seats,
    licence::{Covers, Edition, Licence, LicenceId, Signed, Signer, Support, Term},
};
use plenary_license_manager_client::{enrol, wire};
use plenary_model::{NodeId, ServerName, Timestamp};
use serde_json::Value;
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};
use tokio::time::{Instant, sleep};
use tonic::transport::Channel;

const MANAGER: &str = "licences.example.com";
const READY_WITHIN: Duration = Duration::from_secs(60);
const SEATS: u32 = Licence::SEATS;

/// Three running managers; killed when this is dropped.
pub(crate) struct Managers {
    folder: PathBuf,
    program: PathBuf,
    addresses: Vec<SocketAddr>,
    children: Vec<Child>,
}

impl Drop for Managers {
    fn drop(&mut self) {
        for child in &mut self.children {
            child.kill().ok();
            child.wait().ok();
        }
    }
}

impl Managers {
    pub(crate) async fn start(folder: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let program = std::env::current_exe()?.with_file_name("plenary-license-manager");
        ensure!(program.exists(), "{} is not built", program.display());
        let mut managers = Self {
            folder: folder.to_owned(),
            program,
            addresses: Vec::new(),
            children: Vec::new(),
        };
        for number in 1..=3 {
            managers.add(number).await?;
        }
        managers.install()?;
        managers
            .until("three voters", |managers| {
                let rows = managers.json(1, &["member", "list"]).ok()?;
                let votes = |row: &&Value| matches!(row["role"].as_str(), Some("leader" | "voter"));
                (rows.as_array()?.iter().filter(votes).count() == 3).then_some(())
            })
            .await?;
        managers
            .until("seats", |managers| {
                let status = managers.json(1, &["status"]).ok()?;
                (status["capacity"]["pro"] == SEATS).then_some(())
            })
            .await?;
        Ok(managers)
    }

    async fn add(&mut self, number: usize) -> anyhow::Result<()> {
        let [address, metrics]: [SocketAddr; 2] = free_ports(2)?.try_into().ok().context("two ports")?;
        let data = self.folder.join(number.to_string());
        let config = format!(
            "name = \"lm-{number}\"\ndata = {data:?}\n[listen]\nleases = \"{address}\"\nmetrics = \"{metrics}\"\n[log]\nlevel = \"error\"\n"
        );
        std::fs::write(self.config(number), config)?;
        self.addresses.push(address);
        if number == 1 {
            let authority = self.authority();
            let found = [
                "found",
                "--manager",
                MANAGER,
                "--enterprise",
                "Load",
                "--authority",
            ];
            self.run(1, &[&found[..], &[&authority]].concat())?;
        } else {
            let token = self.json(1, &["member", "invite"])?;
            let token = token["token"].as_str().context("a token")?.to_owned();
            self.run(number, &["join", "--only", &token])?;
        }
        let log = std::fs::File::create(self.folder.join(format!("{number}.log")))?;
        let child = self
            .command(number)
            .arg("run")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()?;
        self.children.push(child);
        self.until("an answer", |managers| {
            let status = managers.json(number, &["status"]).ok()?;
            status["leader"].is_string().then_some(())
        })
        .await
    }

    fn authority(&self) -> String {
        self.folder.join("authority").to_string_lossy().into_owned()
    }

    fn config(&self, number: usize) -> PathBuf {
        self.folder.join(format!("{number}.toml"))
    }

    fn command(&self, number: usize) -> Command {
        let mut command = Command::new(&self.program);
        // The licence of the benchmark is signed with the development key.
        command.env("PLENARY_DEVELOPMENT_LICENCES", "yes");
        command.arg("--config").arg(self.config(number));
        command
    }

    fn run(&self, number: usize, arguments: &[&str]) -> anyhow::Result<String> {
        let output = self.command(number).args(arguments).output()?;
        ensure!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    }

    fn json(&self, number: usize, arguments: &[&str]) -> anyhow::Result<Value> {
        Ok(serde_json::from_str(
            &self.run(number, &[arguments, &["--json"]].concat())?,
        )?)
    }

    async fn until(&self, what: &str, mut condition: impl FnMut(&Self) -> Option<()>) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY_WITHIN;
        while condition(self).is_none() {
            ensure!(Instant::now() < deadline, "{what}: not in time");
            sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    fn install(&self) -> anyhow::Result<()> {
        let licence = Licence {
            id: LicenceId(1),
            enterprise: "Load".into(),
            contact: String::new(),
            covers: Covers::Any,
            seats: Seats {
                pro: SEATS,
                ..Seats::NONE
            },
            extensions: Default::default(),
            term: Term::Lifetime,
            edition: Edition::Server,
            support: Support::Basic,
            issued: Timestamp(1),
            valid_from: Timestamp(1),
            valid_until: None,
        };
        let file = self.folder.join("load.licence");
        std::fs::write(&file, Signed::issue(&licence, &Signer::for_development()?)?)?;
        self.run(1, &["licence", "install", &file.to_string_lossy()])
            .map(drop)
    }

    /// So many servers, each with a certificate and a lease of its own, connected to the leader.
    pub(crate) async fn borrowers(&self, count: usize) -> anyhow::Result<Vec<Borrower>> {
        let status = self.json(1, &["status"])?;
        let leader: usize = status["leader"]
            .as_str()
            .and_then(|name| name.strip_prefix("lm-")?.parse().ok())
            .context("a leader")?;
        let address = self.addresses.get(leader - 1).context("its address")?.to_string();
        let authority = EnterpriseCa::open(Path::new(&self.authority()))?;
        let mut borrowers = Vec::new();
        for number in 0..count {
            let server: ServerName = format!("server-{number}.example.com").parse()?;
            let folder = self.folder.join(server.as_str());
            std::fs::create_dir_all(&folder)?;
            let ca = authority.certify(Program::Node, &server, &[])?;
            let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE))?;
            let identity = Identity::create(
                &folder.join("identity"),
                machine,
                ca,
                "node-1".parse()?,
                NodeId(1),
            )?;
            let token = self.json(1, &["server", "invite", server.as_str()])?;
            let token: JoinToken = token["token"].as_str().context("a token")?.parse()?;
            let enrolled = enrol(&identity, &token).await?;
            let expected = Expected::any(Program::LicenseManager).at(&enrolled.manager);
            let channel = plenary_links::channel(&address, identity.client_config(expected))?;
            borrowers.push(Borrower::register(server, enrolled.pool, LeasesClient::new(channel)).await?);
        }
        Ok(borrowers)
    }
}

/// One server that asks for one more seat again and again.
pub(crate) struct Borrower {
    client: LeasesClient<Channel>,
    request: Request,
    epoch: Epoch,
    seq: u64,
    seats: u32,
}

impl Borrower {
    async fn register(
        server: ServerName,
        pool: PoolId,
        client: LeasesClient<Channel>,
    ) -> anyhow::Result<Self> {
        let mut borrower = Self {
            client,
            request: Request {
                server,
                pool: Some(pool),
                seen: Position::default(),
                ask: Ask::Register {
                    incarnation: Incarnation(rand::random()),
                },
            },
            epoch: Epoch::default(),
            seq: 0,
            seats: 0,
        };
        match borrower.ask().await? {
            Reply::Registered { epoch, .. } => borrower.epoch = epoch,
            other => bail!("not registered: {other:?}"),
        }
        Ok(borrower)
    }

    fn order(&mut self) -> Order {
        self.seq += 1;
        Order {
            epoch: self.epoch,
            term: 1,
            seq: self.seq,
        }
    }

    /// The lease is kept, which is committed by a majority of the managers too.
    pub(crate) async fn renew(&mut self) -> anyhow::Result<()> {
        let order = self.order();
        let held = Seats {
            pro: self.seats,
            ..Seats::NONE
        };
        self.request.ask = Ask::Renew {
            order,
            used: held,
            wanted: held,
        };
        match self.ask().await? {
            Reply::Renewed { seats, .. } if seats == held => Ok(()),
            other => bail!("not renewed: {other:?}"),
        }
    }

    /// One more seat, committed by a majority of the managers.
    pub(crate) async fn grow(&mut self) -> anyhow::Result<()> {
        let order = self.order();
        let to = Seats {
            pro: self.seats + 1,
            ..Seats::NONE
        };
        self.request.ask = Ask::Grow { order, to };
        match self.ask().await? {
            Reply::Grown { seats, .. } if seats.pro == self.seats + 1 => self.seats = seats.pro,
            other => bail!("not granted: {other:?}"),
        }
        Ok(())
    }

    async fn ask(&mut self) -> anyhow::Result<Reply> {
        let request = wire::request_to(&self.request);
        let said = self
            .client
            .ask(request)
            .await
            .context("a request was refused")?
            .into_inner();
        let Some(What::Answer(answer)) = said.what else {
            bail!("the leader changed: {:?}", said.what);
        };
        let answer = wire::answer_from(answer)?;
        self.request.seen = self.request.seen.later(answer.position);
        Ok(answer.reply)
    }
}
