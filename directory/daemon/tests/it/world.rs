//! An enterprise with a Directory, in a temporary folder.

use plenary_directory::{Config, Database, Follow, Found, Instance, Limits, Listen, Ports};
use plenary_directory_client::Key;
use plenary_identity::{EnterpriseCa, Identity, MACHINE_KEY_FILE, MachineKey, Program};
use plenary_model::{NodeId, ServerName};
use plenary_people::Rule;
use plenary_telemetry::Secret;
use plenary_testkit::{FreePorts, Postgres, eventually};
use serde_json::{Value, json};
use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    os::unix::net::UnixStream,
    path::PathBuf,
    time::Duration,
};

pub(crate) const LONG: Duration = Duration::from_secs(60);
pub(crate) const PARIS: &str = "paris.example.com";
pub(crate) const OSLO: &str = "oslo.example.com";

pub(crate) fn name(text: &str) -> ServerName {
    text.parse().unwrap()
}

pub(crate) struct World {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) postgres: Option<Postgres>,
    pub(crate) limits: Limits,
    pub(crate) instances: Vec<Option<Instance>>,
    configs: Vec<Config>,
}

impl World {
    /// With one instance that runs.
    pub(crate) async fn sqlite() -> Self {
        Self::with(None).await
    }

    pub(crate) async fn postgres() -> Option<Self> {
        let postgres = Postgres::start().await.expect("PostgreSQL starts");
        Some(Self::with(Some(postgres?)).await)
    }

    async fn with(postgres: Option<Postgres>) -> Self {
        let mut world = Self {
            folder: tempfile::tempdir().unwrap(),
            postgres,
            limits: Limits::default(),
            instances: Vec::new(),
            configs: Vec::new(),
        };
        world.add_instance().await;
        world
    }

    fn authority(&self) -> PathBuf {
        self.folder.path().join("authority")
    }

    pub(crate) fn data(&self, instance: usize) -> PathBuf {
        self.folder.path().join(format!("directory-{}", instance + 1))
    }

    /// Founds one more instance, and starts it.
    pub(crate) async fn add_instance(&mut self) {
        self.add(Follow::default()).await;
    }

    /// The same, which follows the first one.
    pub(crate) async fn add_follower(&mut self) {
        let first = self.addresses().first().cloned();
        self.add(Follow { first }).await;
    }

    /// From now on an instance follows nobody.
    pub(crate) async fn promote(&mut self, instance: usize) {
        self.configs[instance].follow = Follow::default();
        self.stop(instance).await;
        self.start(instance).await;
    }

    async fn add(&mut self, follow: Follow) {
        let instance = self.instances.len();
        // It comes back on the port on which it was.
        let address = FreePorts::default().next([127, 0, 0, 1].into()).unwrap();
        let config = Config {
            data: self.data(instance),
            listen: Listen {
                directory: address.to_string(),
                metrics: "127.0.0.1:0".into(),
            },
            database: Database {
                url: self.postgres.as_ref().map(|postgres| Secret::new(postgres.url())),
                url_file: None,
            },
            follow,
            ..Config::default()
        };
        let found = Found {
            directory: name("directory.example.com"),
            enterprise: "Demo".parse().unwrap(),
            authority: self.authority(),
            number: instance as u64 + 1,
        };
        found.make(&config).unwrap();
        self.configs.push(config);
        self.instances.push(None);
        self.start(instance).await;
    }

    pub(crate) async fn start(&mut self, instance: usize) {
        self.start_reading(instance).await;
        self.instances[instance].as_ref().unwrap().ready().await;
    }

    /// Without waiting until it has read everything.
    pub(crate) async fn start_reading(&mut self, instance: usize) {
        let mut config = self.configs[instance].clone();
        config.limits = self.limits.clone();
        // What another test starts holds the port of an instance that has ended until it is another program.
        let ports = eventually("the ports are free again", LONG, || async {
            Ports::bind(&config).ok()
        })
        .await;
        self.instances[instance] = Some(Instance::start(config, ports).await.unwrap());
    }

    pub(crate) async fn stop(&mut self, instance: usize) {
        self.instances[instance].take().unwrap().stop().await;
    }

    /// SQLite has written everything into the file of the database: connections that were given up close in threads of their own.
    pub(crate) async fn is_closed(&self, instance: usize) {
        let log = self.data(instance).join("store/directory.db-wal");
        eventually("the database is closed", LONG, async || {
            (!log.exists()).then_some(())
        })
        .await;
    }

    /// With other limits from now on.
    pub(crate) async fn limit(&mut self, limits: Limits) {
        self.limits = limits;
        self.stop(0).await;
        self.start(0).await;
    }

    /// With these rules of who sees whom from now on.
    pub(crate) async fn rule(&mut self, rules: Vec<Rule>) {
        self.configs[0].policy.rules = rules;
        self.stop(0).await;
        self.start(0).await;
    }

    pub(crate) fn addresses(&self) -> Vec<String> {
        let listen = self.configs.iter().map(|config| config.listen.directory.clone());
        listen.collect()
    }

    /// The identity of a node of a server of this enterprise.
    pub(crate) fn identity(&self, server: &str) -> Identity {
        identity(&self.authority(), self.folder.path(), server, 1)
    }

    /// That of another node of the same server.
    pub(crate) fn second_identity(&self, server: &str) -> Identity {
        identity(&self.authority(), self.folder.path(), server, 2)
    }

    /// A connection to the database, beside the instances.
    pub(crate) async fn database(&self) -> sqlx::AnyConnection {
        use sqlx::Connection as _;
        sqlx::any::install_default_drivers();
        let url = match &self.postgres {
            Some(postgres) => postgres.url(),
            None => format!("sqlite://{}", self.data(0).join("store/directory.db").display()),
        };
        sqlx::AnyConnection::connect(&url).await.unwrap()
    }

    /// What an administrator asks on the machine of the first instance.
    pub(crate) fn ask(&self, wish: Value) -> Result<Value, String> {
        self.ask_at(0, wish)
    }

    /// The same on that of another one.
    pub(crate) fn ask_at(&self, instance: usize, wish: Value) -> Result<Value, String> {
        let mut stream = UnixStream::connect(self.data(instance).join("admin.sock")).unwrap();
        stream.write_all(format!("{wish}\n").as_bytes()).unwrap();
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        match said.get("done") {
            Some(value) => Ok(value.clone()),
            None => Err(said["refused"]["code"].as_str().unwrap().to_owned()),
        }
    }

    /// A key of a server that the Directory was given.
    pub(crate) fn invite(&self, server: &str) -> Key {
        let key = key(server);
        self.ask(json!({ "add": { "key": key.encode() } })).unwrap();
        key
    }

    pub(crate) fn remove(&self, server: &str) {
        self.ask(json!({ "remove": { "server": server } })).unwrap();
    }

    /// All events, as text.
    pub(crate) fn events(&self) -> String {
        self.ask(json!({ "events": { "before": null, "most": 1000 } }))
            .unwrap()
            .to_string()
    }

    /// A number of the database.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        use sqlx::{Connection as _, Row as _};
        let mut database = self.database().await;
        let row = sqlx::query(sql).fetch_one(&mut database).await.unwrap();
        let number = row.try_get(0).unwrap();
        database.close().await.unwrap();
        number
    }

    /// A figure of an instance.
    pub(crate) fn figure(&self, instance: usize, figure: &str) -> f64 {
        let text = self.http(instance, "/metrics");
        let line = text.lines().find_map(|line| line.strip_prefix(figure));
        line.and_then(|rest| rest.trim().parse().ok()).unwrap_or_default()
    }

    pub(crate) fn http(&self, instance: usize, path: &str) -> String {
        let metrics = self.instances[instance].as_ref().unwrap().metrics();
        let mut stream = std::net::TcpStream::connect(metrics).unwrap();
        write!(stream, "GET {path} HTTP/1.0\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }
}

/// The identity of a node that this authority certified.
pub(crate) fn identity(
    authority: &std::path::Path,
    folder: &std::path::Path,
    server: &str,
    number: u64,
) -> Identity {
    let folder = folder.join(format!("{server}-{:08x}", rand::random::<u32>()));
    let authority = EnterpriseCa::open(authority).unwrap();
    let ca = authority.certify(Program::Node, &name(server), &[]).unwrap();
    std::fs::create_dir_all(&folder).unwrap();
    let machine = MachineKey::open_or_create(&folder.join(MACHINE_KEY_FILE)).unwrap();
    Identity::create(
        &folder.join("identity"),
        machine,
        ca,
        format!("node-{number}").parse().unwrap(),
        NodeId(number),
    )
    .unwrap()
}

/// A new key of a server, which nobody was given yet.
pub(crate) fn key(server: &str) -> Key {
    Key::make(name(server), "0.1.0", vec![format!("https://{server}")]).unwrap()
}
