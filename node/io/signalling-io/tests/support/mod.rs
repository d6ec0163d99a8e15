//! A node with signalling on a real port, and a real client.
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use async_trait::async_trait;
use axum::{Extension, Router, routing};
use futures::{SinkExt as _, StreamExt as _};
use plenary_model::UserName;
use plenary_outside::CameFromOutside;
use plenary_signalling_io::{
    Caller, Client as MeetingClient, ClientBody, Hub, Notification, Options, Presence, Source, Topic,
    Unavailable, Who, router,
};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::broadcast,
    time::timeout,
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that knows what it was told.
pub(crate) struct Server {
    pub(crate) sessions: Mutex<BTreeMap<String, Who>>,
    pub(crate) books: Mutex<BTreeSet<(String, String)>>,
    pub(crate) callers: Mutex<Vec<Caller>>,
    pub(crate) nodes: Mutex<Vec<String>>,
    pub(crate) broken: AtomicBool,
    /// What was asked about meetings, and which runs ended that had asked.
    pub(crate) requests: Mutex<Vec<(MeetingClient, ClientBody)>>,
    pub(crate) ended: Mutex<Vec<u64>>,
    /// From where clients came back that had asked.
    pub(crate) moved: Mutex<Vec<IpAddr>>,
    sender: broadcast::Sender<Notification>,
}

#[async_trait]
impl Source for Server {
    async fn authenticate(&self, token: &str, caller: &Caller) -> Result<Option<Who>, Unavailable> {
        self.callers.lock().unwrap().push(caller.clone());
        self.still_valid(token, caller).await
    }

    async fn still_valid(&self, token: &str, _: &Caller) -> Result<Option<Who>, Unavailable> {
        if self.broken.load(Ordering::SeqCst) {
            return Err(Unavailable("broken".into()));
        }
        Ok(self.sessions.lock().unwrap().get(token).cloned())
    }

    async fn in_address_book(&self, viewer: &UserName, user: &UserName) -> Result<bool, Unavailable> {
        let pair = (viewer.to_string(), user.to_string());
        Ok(self.books.lock().unwrap().contains(&pair))
    }

    async fn nodes(&self) -> Vec<String> {
        self.nodes.lock().unwrap().clone()
    }

    fn applied(&self) -> u64 {
        77
    }

    fn request(&self, client: &MeetingClient, request: ClientBody) {
        self.requests.lock().unwrap().push((client.clone(), request));
    }

    fn moved(&self, client: &MeetingClient) {
        self.moved.lock().unwrap().push(client.address);
    }

    fn ended(&self, run: u64) {
        self.ended.lock().unwrap().push(run);
    }

    fn subscribe(&self) -> broadcast::Receiver<Notification> {
        self.sender.subscribe()
    }
}

impl Server {
    pub(crate) fn sign_in(&self, token: &str, user: &str, admin: bool) {
        let who = Who {
            user: user.parse().unwrap(),
            guest_of: None,
            admin,
            session: format!("id-of-{token}"),
        };
        self.sessions.lock().unwrap().insert(token.into(), who);
    }

    pub(crate) fn sign_out(&self, token: &str) {
        self.sessions.lock().unwrap().remove(token);
    }

    /// Tells all runs; whether there are any is up to the test.
    pub(crate) fn changed(&self, topic: Topic, object: &str, index: u64) {
        self.sender
            .send(Notification::Changed {
                topic,
                object: object.into(),
                index,
            })
            .ok();
    }

    pub(crate) fn presence(&self, user: &str, presence: Presence) {
        let user = user.parse().unwrap();
        self.sender.send(Notification::Presence { user, presence }).ok();
    }
}

pub(crate) struct Node {
    pub(crate) server: Arc<Server>,
    pub(crate) hub: Hub,
    pub(crate) address: SocketAddr,
}

pub(crate) fn options() -> Options {
    let mut options = Options::new("paris.example.com".parse().unwrap(), "node-1".parse().unwrap());
    options.url = Some("https://node-1.example.com".into());
    options
}

impl Node {
    /// A node with an administrator (`root-1`), and users `alice` (`alice-1`, `alice-2`) and `bob` (`bob-1`).
    pub(crate) async fn start(options: Options) -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").await.unwrap(), options).await
    }

    /// The same, to clients that come through a Border Controller.
    pub(crate) async fn start_for_the_outside(options: Options) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self::serve(listener, options, |app| app.layer(Extension(CameFromOutside))).await
    }

    pub(crate) async fn start_on(listener: TcpListener, options: Options) -> Self {
        Self::serve(listener, options, |app| app).await
    }

    async fn serve(listener: TcpListener, options: Options, around: impl FnOnce(Router) -> Router) -> Self {
        let server = Arc::new(Server {
            sessions: Mutex::default(),
            books: Mutex::default(),
            callers: Mutex::default(),
            nodes: Mutex::new(vec![
                "https://node-1.example.com".into(),
                "https://node-2.example.com".into(),
            ]),
            broken: AtomicBool::new(false),
            requests: Mutex::default(),
            ended: Mutex::default(),
            moved: Mutex::default(),
            sender: broadcast::channel(64).0,
        });
        for (token, user, admin) in [
            ("root-1", "root", true),
            ("alice-1", "alice", false),
            ("alice-2", "alice", false),
            ("bob-1", "bob", false),
        ] {
            server.sign_in(token, user, admin);
        }
        let (signalling, hub) = router(Arc::clone(&server), options);
        // As the daemon has it: beside an interface that takes all other paths.
        let app = Router::new()
            .route("/api/{*rest}", routing::any(|| async { "rest" }))
            .merge(signalling);
        let app = around(app);
        let address = listener.local_addr().unwrap();
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        Self { server, hub, address }
    }

    /// A socket on which nothing was said.
    pub(crate) async fn dial(&self) -> Client {
        self.dial_from(None).await.unwrap()
    }

    pub(crate) async fn dial_from(&self, origin: Option<&str>) -> Result<Client, tungstenite::Error> {
        let mut request = format!("ws://{}/api/v1/signal", self.address)
            .into_client_request()
            .unwrap();
        if let Some(origin) = origin {
            request.headers_mut().insert("origin", origin.parse().unwrap());
        }
        let (socket, _) = tokio_tungstenite::connect_async(request).await?;
        Ok(Client {
            socket,
            resume: String::new(),
            received: 0,
            sent: 0,
        })
    }

    pub(crate) async fn dial_over(&self, socket: TcpStream) -> Client {
        let url = format!("ws://{}/api/v1/signal", self.address);
        let (socket, _) = tokio_tungstenite::client_async(url, MaybeTlsStream::Plain(socket))
            .await
            .unwrap();
        Client {
            socket,
            resume: String::new(),
            received: 0,
            sent: 0,
        }
    }

    /// A client that was welcomed to a new run.
    pub(crate) async fn client(&self, token: &str) -> Client {
        let mut client = self.dial().await;
        let welcome = client.hello(token, None, 0).await;
        assert_eq!(welcome["resumed"], false, "{welcome}");
        client
    }

    /// A client that was welcomed and watches.
    pub(crate) async fn watcher(&self, token: &str, topics: &[&str]) -> Client {
        let mut client = self.client(token).await;
        client.watch(topics).await;
        client
    }

    /// Goes on with the run of `client`, which may be gone; gives the welcome as well.
    pub(crate) async fn again(&self, token: &str, client: &Client) -> (Client, Value) {
        let mut again = self.dial().await;
        let welcome = again.hello(token, Some(&client.resume), client.received).await;
        if welcome["resumed"] == true {
            (again.received, again.sent) = (client.received, client.sent);
        }
        (again, welcome)
    }

    /// Waits until it is so.
    pub(crate) async fn until(&self, so: impl Fn(&Hub) -> bool) {
        let wait = async {
            while !so(&self.hub) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        timeout(PATIENCE, wait).await.expect("it became so");
    }
}

pub(crate) struct Client {
    pub(crate) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    pub(crate) resume: String,
    pub(crate) received: u64,
    pub(crate) sent: u64,
}

impl Client {
    pub(crate) async fn send(&mut self, value: &Value) {
        self.socket.send(Message::text(value.to_string())).await.unwrap();
    }

    pub(crate) async fn hello(&mut self, token: &str, resume: Option<&str>, last_seq: u64) -> Value {
        self.send(&json!({"type": "hello", "v": 1, "token": token, "resume": resume, "last_seq": last_seq}))
            .await;
        let welcome = self.next().await.expect("a welcome");
        assert_eq!(welcome["type"], "welcome");
        self.resume = welcome["resume"].as_str().unwrap().into();
        welcome
    }

    /// Chooses topics and waits until the node has heard.
    pub(crate) async fn watch(&mut self, topics: &[&str]) {
        self.sent += 1;
        let (seq, ack) = (self.sent, self.received);
        self.send(&json!({"seq": seq, "ack": ack, "type": "watch", "body": {"topics": topics}}))
            .await;
        while self.next().await.expect("an acknowledgement")["ack"] != seq {}
    }

    /// The next message; or the code and reason of the close, 0 if there was none.
    pub(crate) async fn next(&mut self) -> Result<Value, (u16, String)> {
        loop {
            let message = timeout(PATIENCE, self.socket.next())
                .await
                .expect("something comes");
            match message {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    if let Some(seq) = value["seq"].as_u64() {
                        assert_eq!(seq, self.received + 1, "lost or doubled");
                        self.received = seq;
                    }
                    return Ok(value);
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Err((frame.code.into(), frame.reason.to_string()));
                }
                Some(Ok(Message::Close(None)) | Err(_)) | None => return Err((0, String::new())),
                Some(Ok(_)) => {}
            }
        }
    }

    /// The next numbered message, without pings and pongs.
    pub(crate) async fn told(&mut self) -> Value {
        loop {
            let value = self.next().await.expect("a message");
            if value["seq"].is_u64() {
                return json!({"type": value["type"], "body": value["body"]});
            }
        }
    }

    /// The code with which the connection is closed, whatever comes before.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        loop {
            if let Err(close) = self.next().await {
                return close;
            }
        }
    }
}

pub(crate) fn changed(topic: &str, object: &str, index: u64) -> Value {
    json!({"type": "changed", "body": {"topic": topic, "object": object, "index": index.to_string()}})
}
