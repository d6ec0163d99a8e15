//! What a person sees who starts a node like it cannot be started: one line that says what to change, exit code 2.

use plenary_testkit::{FreePorts, Process, eventually};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

const PASSWORD: &str = "correct-horse-battery";

/// A node's folder and configuration; nothing is made yet.
struct Place {
    folder: tempfile::TempDir,
    metrics: SocketAddr,
    http: SocketAddr,
}

impl Place {
    fn new() -> Self {
        let mut ports = FreePorts::default();
        let [http, cluster, metrics] =
            [(); 3].map(|()| ports.next(Ipv4Addr::LOCALHOST.into()).expect("a free port"));
        let place = Self {
            folder: tempfile::tempdir().expect("folder"),
            metrics,
            http,
        };
        let text = format!(
            "name = \"node-1\"\ndata = \"{}\"\n[listen]\nhttp = \"{http}\"\nhttps = \"\"\ncluster = \"{cluster}\"\nmetrics = \"{metrics}\"\nmedia = \"127.0.0.1:0\"\n",
            place.data().display()
        );
        std::fs::write(place.config(), text).expect("written");
        place
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    fn config(&self) -> PathBuf {
        self.path().join("node.toml")
    }

    fn node(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_plenary-node"))
            .args(arguments)
            .arg("--config")
            .arg(self.config())
            .env("PLENARY_ADMIN_PASSWORD", PASSWORD)
            .stdin(std::process::Stdio::null())
            .output()
            .expect("the program starts")
    }

    fn found(&self, server: &str, enterprise: &str, authority: &Path) -> Output {
        let authority = authority.to_str().expect("temporary paths are UTF-8");
        self.node(&[
            "found",
            "--server",
            server,
            "--enterprise",
            enterprise,
            "--authority",
            authority,
        ])
    }

    fn founded() -> Self {
        let place = Self::new();
        let output = place.found("paris.internal", "Demo", &place.path().join("enterprise"));
        assert!(output.status.success(), "{}", words(&output));
        place
    }

    async fn run(&self, arguments: &[&str]) -> Process {
        self.run_in(&[], arguments).await
    }

    /// So many days from now. Needs Debian's faketime.
    async fn run_after(&self, days: u32) -> Process {
        let shift = format!("+{days}d");
        let wrapper = ["env", "FAKETIME_DONT_FAKE_MONOTONIC=1", "faketime", "-f", &shift];
        self.run_in(&wrapper.map(str::to_owned), &["run"]).await
    }

    async fn run_in(&self, wrapper: &[String], arguments: &[&str]) -> Process {
        let config = self.config();
        let mut all = arguments.to_vec();
        all.extend(["--config", config.to_str().expect("UTF-8")]);
        let program = Path::new(env!("CARGO_BIN_EXE_plenary-node"));
        let mut process = Process::start(wrapper, program, &all, &self.path().join("node.log"))
            .expect("the program starts");
        let http = client();
        let url = format!("http://{}/readyz", self.metrics);
        eventually("the node is ready", Duration::from_secs(60), || {
            assert!(process.is_running(), "{}", process.last_words());
            let asked = http.get(&url).timeout(Duration::from_secs(2)).send();
            async {
                asked
                    .await
                    .ok()
                    .filter(|answer| answer.status().is_success())
                    .map(drop)
            }
        })
        .await;
        process
    }

    /// A session token of the administrator.
    async fn sign_in(&self) -> String {
        let answer: serde_json::Value = client()
            .post(format!("http://{}/api/v1/session", self.http))
            .json(&serde_json::json!({ "login": "admin", "password": PASSWORD }))
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    async fn join_token(&self) -> String {
        let made: serde_json::Value = client()
            .post(format!("http://{}/api/v1/cluster/invitations", self.http))
            .bearer_auth(self.sign_in().await)
            .json(&serde_json::json!({}))
            .send()
            .await
            .expect("an answer")
            .json()
            .await
            .expect("JSON");
        made["token"].as_str().expect("a join token").to_owned()
    }
}

fn client() -> reqwest::Client {
    // Installed once for the process; a second call changes nothing.
    rustls::crypto::aws_lc_rs::default_provider()
        .install_default()
        .ok();
    reqwest::Client::builder().build().expect("a client")
}

fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// One line, exit code 2, with these words in it.
#[track_caller]
fn refused(output: &Output, expected: &[&str]) {
    let text = words(output);
    assert_eq!(output.status.code(), Some(2), "{text}");
    // Lines of the log are JSON where nobody sits at a terminal.
    let lines = text.lines().filter(|line| !line.starts_with('{'));
    assert_eq!(lines.count(), 1, "{text}");
    for part in expected {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
}

#[test]
fn a_folder_without_a_node_says_how_to_make_one() {
    refused(&Place::new().node(&["run"]), &["found", "join"]);
}

#[test]
fn unknown_keys_name_the_nearest_one() {
    let place = Place::new();
    std::fs::write(place.config(), "[listen]\nclustre = \"127.0.0.1:1\"\n").expect("written");
    refused(
        &place.node(&["run"]),
        &["listen.clustre", "did you mean", "listen.cluster"],
    );
}

#[test]
fn founding_twice_is_refused_and_changes_nothing() {
    let place = Place::founded();
    let before = std::fs::read(place.data().join("node.json")).expect("read");
    refused(
        &place.found("paris.internal", "Demo", &place.path().join("enterprise")),
        &["belongs to a node already"],
    );
    assert_eq!(
        std::fs::read(place.data().join("node.json")).expect("read"),
        before
    );
}

#[test]
fn the_root_key_of_another_enterprise_is_refused() {
    let place = Place::founded();
    let other = Place::new();
    refused(
        &other.found("rome.internal", "Other", &place.path().join("enterprise")),
        &["\"Demo\"", "\"Other\""],
    );
}

#[test]
fn a_short_password_is_refused_before_anything_is_made() {
    let place = Place::new();
    let output = Command::new(env!("CARGO_BIN_EXE_plenary-node"))
        .args([
            "found",
            "--server",
            "paris.internal",
            "--enterprise",
            "Demo",
            "--authority",
        ])
        .arg(place.path().join("enterprise"))
        .arg("--config")
        .arg(place.config())
        .env("PLENARY_ADMIN_PASSWORD", "short")
        .output()
        .expect("the program starts");
    refused(&output, &["8 to 64"]);
    assert!(!place.data().exists() && !place.path().join("enterprise").exists());
}

#[test]
fn data_of_a_newer_version_is_refused() {
    let place = Place::founded();
    std::fs::write(place.data().join("node.json"), "{\"format\":99}").expect("written");
    refused(&place.node(&["run"]), &["newer version"]);
}

#[test]
fn a_folder_put_together_from_two_nodes_is_refused() {
    let (paris, rome) = (Place::founded(), Place::new());
    let made = rome.found("rome.internal", "Demo", &rome.path().join("enterprise"));
    assert!(made.status.success(), "{}", words(&made));
    std::fs::remove_dir_all(paris.data().join("identity")).expect("removed");
    std::fs::rename(rome.data().join("identity"), paris.data().join("identity")).expect("moved");
    refused(
        &paris.node(&["run"]),
        &["identity of node-1", "rome.internal", "paris.internal"],
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn check_names_every_reason_and_may_be_asked_while_the_node_runs() {
    let place = Place::founded();
    assert_eq!(place.node(&["check"]).status.code(), Some(0));
    let running = place.run(&["run"]).await;
    let asked = place.node(&["check"]);
    assert_eq!(asked.status.code(), Some(0), "{}", words(&asked));
    assert!(String::from_utf8_lossy(&asked.stdout).contains("is running"));

    let other = Place::new();
    let config = std::fs::read_to_string(other.config()).expect("read");
    let config = config.replace(&other.metrics.to_string(), &place.metrics.to_string());
    let wrong = "[web]\ntrusted_proxies = [\"everybody\"]\n[log]\nlevel = \"plenary=loud\"\n";
    std::fs::write(other.config(), format!("{config}{wrong}")).expect("written");
    let asked = other.node(&["check"]);
    let text = words(&asked);
    assert_eq!(asked.status.code(), Some(1), "{text}");
    assert_eq!(text.lines().count(), 3, "{text}");
    for part in ["listen.metrics", "web.trusted_proxies", "plenary=loud"] {
        assert!(text.contains(part), "{part:?} is not in: {text}");
    }
    std::fs::write(other.config(), "nmae = \"x\"").expect("written");
    assert_eq!(other.node(&["check"]).status.code(), Some(1));
    drop(running);
}

#[test]
fn a_damaged_log_is_refused_by_name() {
    let place = Place::founded();
    let log = place.data().join("replica/log");
    let segment = std::fs::read_dir(&log)
        .expect("the folder of the log")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| std::fs::metadata(path).is_ok_and(|facts| facts.len() > 200))
        .max_by_key(|path| std::fs::metadata(path).map(|facts| facts.len()).unwrap_or(0))
        .expect("a file of the log");
    let mut bytes = std::fs::read(&segment).expect("read");
    bytes[150] ^= 0x40;
    std::fs::write(&segment, bytes).expect("written");
    refused(&place.node(&["run"]), &["is damaged at byte", "restore a backup"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_and_a_folder_in_use_are_named() {
    let place = Place::founded();
    let _running = place.run(&["run"]).await;
    refused(
        &place.node(&["run"]),
        &["listen.cluster", "another program uses it"],
    );
    let elsewhere = Place::new();
    let data = place.data();
    let config = std::fs::read_to_string(elsewhere.config()).expect("read");
    let config = config.replace(
        &elsewhere.data().display().to_string(),
        &data.display().to_string(),
    );
    std::fs::write(elsewhere.config(), config).expect("written");
    refused(&elsewhere.node(&["run"]), &["in use by a running node"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn join_tokens_count_once_and_only_whole() {
    let place = Place::founded();
    let _first = place.run(&["run"]).await;
    let token = place.join_token().await;

    let hopeful = Place::new();
    refused(&hopeful.node(&["join", "hello"]), &["not a join token"]);
    let mut cut = token.clone();
    cut.truncate(token.len() - 3);
    refused(&hopeful.node(&["join", &cut]), &["incomplete or was changed"]);
    assert!(!hopeful.data().join("node.json").exists());

    let second = Place::new();
    let config = std::fs::read_to_string(second.config())
        .expect("read")
        .replace("node-1", "node-2");
    std::fs::write(second.config(), config).expect("written");
    let joined = second.node(&["join", "--only", &token]);
    assert!(joined.status.success(), "{}", words(&joined));

    refused(
        &hopeful.node(&["join", "--only", &token]),
        &["refused", "used already"],
    );
    assert!(!hopeful.data().join("node.json").exists());
    let log = std::fs::read_to_string(place.path().join("node.log")).expect("read");
    assert!(
        log.contains("a node was refused") && log.contains("used already"),
        "the server says why, too"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_refuses_writes_and_nothing_else() {
    let place = Place::founded();
    // More than any disk has: as if it were full.
    let config = std::fs::read_to_string(place.config()).expect("read");
    std::fs::write(
        place.config(),
        format!("{config}\n[limits]\ndisk_reserve_bytes = {}\n", 1u64 << 60),
    )
    .expect("written");
    let program = Path::new(env!("CARGO_BIN_EXE_plenary-node"));
    let path = place.config();
    let arguments = ["run", "--config", path.to_str().expect("UTF-8")];
    let _process = Process::start(&[], program, &arguments, &place.path().join("node.log")).expect("started");
    let http = client();
    let server = format!("http://{}/api/v1/server", place.http);
    eventually("reads are answered", Duration::from_secs(60), || {
        let asked = http.get(&server).send();
        async {
            asked
                .await
                .ok()
                .filter(|answer| answer.status().is_success())
                .map(drop)
        }
    })
    .await;
    let body = serde_json::json!({ "login": "admin", "password": PASSWORD });
    let answer = http
        .post(format!("http://{}/api/v1/session", place.http))
        .json(&body)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 507);
    let problem: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(problem["code"], "disk-full");
}

/// Needs Debian's faketime, which `cargo xtask test` installs.
#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_is_off_by_more_than_a_minute_is_refused_on_both_sides() {
    let place = Place::founded();
    let _first = place.run(&["run"]).await;
    let token = place.join_token().await;
    let second = Place::new();
    let config = std::fs::read_to_string(second.config())
        .expect("read")
        .replace("node-1", "node-2");
    std::fs::write(second.config(), config).expect("written");
    let join = |shift: &str| {
        let shifted = Command::new("faketime")
            .args([
                "-f",
                shift,
                env!("CARGO_BIN_EXE_plenary-node"),
                "join",
                "--only",
                &token,
                "--config",
            ])
            .arg(second.config())
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .output();
        shifted.expect("faketime is installed (Debian package faketime)")
    };
    for shift in ["+90s", "-90s"] {
        refused(&join(shift), &["refused", "differ by", "NTP"]);
    }
    let log = std::fs::read_to_string(place.path().join("node.log")).expect("read");
    assert!(
        log.contains("a node was refused") && log.contains("differ by"),
        "the server says why, too"
    );
    // The token is still good: the refusal came before it was used up.
    let joined = join("+0s");
    assert!(joined.status.success(), "{}", words(&joined));
}

/// The administrator at work.
struct Desk {
    http: reqwest::Client,
    base: String,
    token: String,
}

impl Desk {
    async fn at(place: &Place) -> Self {
        Self {
            http: client(),
            base: format!("http://{}/api/v1", place.http),
            token: place.sign_in().await,
        }
    }

    /// Gives the status and the answer.
    async fn write(&self, method: &str, path: &str, body: serde_json::Value) -> (u16, serde_json::Value) {
        let method = method.parse().expect("a method");
        let request = self.http.request(method, format!("{}{path}", self.base));
        let answer = request.bearer_auth(&self.token).json(&body).send().await;
        let answer = answer.expect("an answer");
        (answer.status().as_u16(), answer.json().await.unwrap_or_default())
    }

    /// Keeps so many days what is over, and what nobody uses.
    async fn keep(&self, past_days: u32, unused_days: u32) -> u16 {
        let conferences = serde_json::json!({
            "delete_past": true, "delete_past_days": past_days,
            "delete_unused": true, "delete_unused_days": unused_days, "keep_history_days": 365, "keep_chat_days": 365,
        });
        let body = serde_json::json!({ "conferences": conferences });
        self.write("PATCH", "/settings", body).await.0
    }

    async fn create(&self, body: serde_json::Value) {
        let (status, answer) = self.write("POST", "/conferences", body).await;
        assert_eq!(status, 201, "{answer}");
    }

    async fn has(&self, cid: &str) -> bool {
        let request = self.http.get(format!("{}/conferences/{cid}", self.base));
        let answer = request.bearer_auth(&self.token).send().await.expect("an answer");
        answer.status().is_success()
    }

    async fn until_gone(&self, cid: &str) {
        eventually("it is deleted", Duration::from_secs(60), || async {
            (!self.has(cid).await).then_some(())
        })
        .await;
    }
}

/// The leader looks when it begins to lead, and each hour after.
#[tokio::test(flavor = "multi_thread")]
async fn the_leader_deletes_what_nobody_has_used_for_long() {
    let place = Place::founded();
    let first = place.run(&["run"]).await;
    let soon = Command::new("date")
        .args(["-u", "-d", "+2 hours", "+%Y-%m-%dT%H:%M"])
        .output()
        .expect("date is there");
    let soon = String::from_utf8_lossy(&soon.stdout).trim().to_owned();
    let (date, time) = soon.split_once('T').expect("a day and a time");
    let schedule = serde_json::json!({ "date": date, "time": time, "zone": "UTC", "duration_minutes": 30 });
    let unused = || serde_json::json!({ "cid": "unused", "name": "Unused" });
    let desk = Desk::at(&place).await;
    desk.create(unused()).await;
    desk.create(serde_json::json!({
        "cid": "past", "name": "Past", "launch": "scheduled", "schedule": schedule
    }))
    .await;
    for (past, unused) in [(0, 1), (10_001, 1), (1, 0), (1, 10_001)] {
        assert_eq!(desk.keep(past, unused).await, 422, "{past} and {unused} days");
    }
    assert_eq!(desk.keep(10_000, 3).await, 200);
    drop(first);
    let second = place.run_after(5).await;
    let desk = Desk::at(&place).await;
    desk.until_gone("unused").await;
    assert!(desk.has("past").await, "the other kind has its own time");
    desk.create(unused()).await;
    assert_eq!(desk.keep(1, 10_000).await, 200);
    drop(second);
    let _third = place.run_after(9).await;
    let desk = Desk::at(&place).await;
    desk.until_gone("past").await;
    assert!(desk.has("unused").await);
}
