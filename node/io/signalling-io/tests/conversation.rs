//! What clients hear, over cuts too.

mod support;

use plenary_signalling_io::{ClientBody, Presence, ServerBody, Topic};
use serde_json::json;
use std::time::Duration;
use support::{Node, changed, options};
use tokio::net::TcpSocket;

#[tokio::test]
async fn a_hello_is_welcomed_as_the_contract_says() {
    let node = Node::start(options()).await;
    let mut client = node.dial().await;
    let mut welcome = client.hello("alice-1", None, 0).await;
    let resume = welcome["resume"].take();
    assert!(resume.as_str().is_some_and(|resume| resume.len() >= 40));
    let expected = json!({
        "type": "welcome", "v": 1, "resume": null, "resumed": false, "last_seq": 0, "heartbeat_ms": 10_000,
        "user": "alice", "server": "paris.example.com", "node": "node-1",
        "nodes": ["https://node-1.example.com", "https://node-2.example.com"],
    });
    assert_eq!(welcome, expected);
    let callers = node.server.callers.lock().unwrap();
    assert_eq!(callers[0].address.to_string(), "127.0.0.1");
}

#[tokio::test]
async fn what_changes_is_told_to_who_watches_it() {
    let node = Node::start(options()).await;
    let mut root = node.watcher("root-1", &["users"]).await;
    let mut alice = node.watcher("alice-1", &["sessions"]).await;
    node.server.changed(Topic::Groups, "g-1", 4);
    node.server.changed(Topic::Users, "bob", 5);
    node.server.changed(Topic::Sessions, "bob", 6);
    node.server.changed(Topic::Sessions, "alice", 7);
    assert_eq!(root.told().await, changed("users", "bob", 5));
    assert_eq!(alice.told().await, changed("sessions", "alice", 7));
}

#[tokio::test]
async fn presence_is_told_of_those_in_the_address_book() {
    let node = Node::start(options()).await;
    node.server
        .books
        .lock()
        .unwrap()
        .insert(("alice".into(), "bob".into()));
    let mut alice = node.watcher("alice-1", &["contacts"]).await;
    let mut root = node.watcher("root-1", &["contacts"]).await;
    node.server.presence("carol", Presence::Online);
    node.server.presence("bob", Presence::Disabled);
    let bob = json!({"type": "presence", "body": {"user": "bob", "presence": "disabled"}});
    assert_eq!(alice.told().await, bob);
    // Administrators may read all.
    assert_eq!(root.told().await["body"]["user"], "carol");
    assert_eq!(root.told().await, bob);
}

#[tokio::test]
async fn a_cut_loses_and_doubles_nothing() {
    let node = Node::start(options()).await;
    let mut client = node.watcher("root-1", &["users"]).await;
    node.server.changed(Topic::Users, "a", 1);
    assert_eq!(client.told().await, changed("users", "a", 1));
    // On its way when the connection is cut, or told while it is.
    node.server.changed(Topic::Users, "b", 2);
    let (resume, received, sent) = (client.resume.clone(), client.received, client.sent);
    drop(client.socket);
    node.until(|hub| hub.figures().connected == 0).await;
    node.server.changed(Topic::Users, "c", 3);
    let mut again = node.dial().await;
    let welcome = again.hello("root-1", Some(&resume), received).await;
    assert_eq!(
        (&welcome["resumed"], &welcome["last_seq"]),
        (&json!(true), &json!(sent))
    );
    again.received = received;
    assert_eq!(again.told().await, changed("users", "b", 2));
    assert_eq!(again.told().await, changed("users", "c", 3));
    node.server.changed(Topic::Users, "d", 4);
    assert_eq!(again.told().await, changed("users", "d", 4));
    assert_eq!(node.hub.figures().runs, 1);
}

#[tokio::test]
async fn a_second_connection_replaces_the_first() {
    let node = Node::start(options()).await;
    let mut first = node.watcher("root-1", &["users"]).await;
    let (mut second, welcome) = node.again("root-1", &first).await;
    assert_eq!(welcome["resumed"], true);
    assert_eq!(first.closed().await.0, 4409);
    node.server.changed(Topic::Users, "a", 1);
    assert_eq!(second.told().await, changed("users", "a", 1));
}

#[tokio::test]
async fn a_run_that_is_not_known_begins_anew() {
    let node = Node::start(options()).await;
    let mut client = node.dial().await;
    let welcome = client.hello("alice-1", Some("from-another-node"), 9).await;
    assert_eq!(
        (&welcome["resumed"], &welcome["last_seq"]),
        (&json!(false), &json!(0))
    );
    assert_ne!(welcome["resume"], "from-another-node");
}

#[tokio::test]
async fn nobody_takes_over_the_run_of_another() {
    let node = Node::start(options()).await;
    let mut alice = node.watcher("alice-1", &["sessions"]).await;
    for token in ["bob-1", "alice-2"] {
        let (_, welcome) = node.again(token, &alice).await;
        assert_eq!(welcome["resumed"], false);
        assert_ne!(welcome["resume"], alice.resume.as_str());
    }
    node.server.changed(Topic::Sessions, "alice", 7);
    assert_eq!(alice.told().await, changed("sessions", "alice", 7));
}

#[tokio::test]
async fn a_run_is_forgotten_when_its_client_stays_away() {
    let mut options = options();
    options.limits.resume_for_ms = 20;
    let node = Node::start(options).await;
    let client = node.client("alice-1").await;
    let resume = client.resume.clone();
    drop(client);
    node.until(|hub| hub.figures().runs == 0).await;
    assert_eq!(
        node.dial().await.hello("alice-1", Some(&resume), 0).await["resumed"],
        false
    );
}

#[tokio::test]
async fn who_says_goodbye_is_answered_and_forgotten() {
    let node = Node::start(options()).await;
    let mut client = node.client("alice-1").await;
    let code = tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode::Normal;
    let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
        code,
        reason: "".into(),
    };
    client.socket.close(Some(frame)).await.unwrap();
    assert_eq!(client.closed().await.0, 1000);
    node.until(|hub| hub.figures().runs == 0).await;
}

#[tokio::test]
async fn who_falls_behind_is_told_that_anything_changed() {
    let node = Node::start(options()).await;
    let mut client = node.watcher("root-1", &["groups"]).await;
    // One thread and no pause: more than the channel holds, before the run sees the first of them.
    for index in 0..200 {
        node.server.changed(Topic::Users, "a", index);
    }
    assert_eq!(client.told().await, changed("groups", "", 77));
}

#[tokio::test]
async fn silence_is_answered_by_pings_and_a_close_that_can_be_resumed() {
    let mut options = options();
    options.limits.heartbeat_ms = 40;
    let node = Node::start(options).await;
    let mut client = node.client("alice-1").await;
    let ping = json!({"type": "ping", "ack": 0});
    assert_eq!(client.next().await, Ok(ping.clone()));
    client.send(&json!({"type": "pong", "ack": 0})).await;
    assert_eq!(client.next().await, Ok(ping.clone()));
    assert_eq!(client.next().await, Ok(ping));
    assert_eq!(client.closed().await.0, 4408);
    assert_eq!(node.again("alice-1", &client).await.1["resumed"], true);
}

#[tokio::test]
async fn the_daemon_hears_who_comes_and_goes() {
    let mut options = options();
    options.limits.absent_after_ms = 10;
    options.limits.resume_for_ms = 60_000;
    let node = Node::start(options).await;
    let mut seen = node.hub.presence();
    let alice = "alice".parse().unwrap();
    let first = node.client("alice-1").await;
    let second = node.client("alice-2").await;
    let came = seen.recv().await.unwrap();
    assert_eq!((came.user, came.online), ("alice".parse().unwrap(), true));
    let sessions = ["id-of-alice-1".to_string(), "id-of-alice-2".to_string()];
    assert_eq!(node.hub.online()[&alice], sessions.into());
    drop(first);
    node.until(|hub| hub.online()[&alice].len() == 1).await;
    assert!(node.hub.is_online(&alice) && seen.try_recv().is_err());
    drop(second);
    let went = seen.recv().await.unwrap();
    assert_eq!((went.user, went.online), ("alice".parse().unwrap(), false));
    assert!(!node.hub.is_online(&alice) && node.hub.online().is_empty());
    assert_eq!(node.hub.figures().runs, 2);
}

#[tokio::test]
async fn a_node_that_takes_leave_sends_its_clients_to_the_others() {
    let mut options = options();
    // Neither client answers the close before the node has left.
    options.close_wait = Duration::from_millis(100);
    let node = Node::start(options).await;
    let mut client = node.client("alice-1").await;
    let mut quiet = node.dial().await;
    let shutdown = tokio::spawn({
        let hub = node.hub.clone();
        async move { hub.shutdown().await }
    });
    let elsewhere = (4503, r#"["https://node-2.example.com"]"#.to_string());
    assert_eq!(client.closed().await, elsewhere);
    assert_eq!(quiet.closed().await, elsewhere);
    shutdown.await.unwrap();
    assert_eq!(node.hub.figures().runs, 0);
    assert_eq!(node.dial().await.closed().await, elsewhere);
    // It has come back.
    node.hub.drain(false);
    node.client("alice-1").await;
}

#[tokio::test]
async fn who_comes_from_outside_is_told_of_no_node() {
    let node = Node::start_for_the_outside(options()).await;
    let mut client = node.dial().await;
    let welcome = client.hello("alice-1", None, 0).await;
    assert_eq!(welcome["nodes"], json!([]), "{welcome}");
    let callers = node.server.callers.lock().unwrap().clone();
    assert!(callers.iter().all(|caller| caller.from_outside), "{callers:?}");
    node.hub.drain(true);
    // The controller finds another one.
    assert_eq!(client.closed().await, (4503, "[]".into()));
    assert_eq!(node.dial().await.closed().await, (4503, "[]".into()));
}

#[tokio::test]
async fn leave_is_taken_at_once_when_all_have_heard() {
    let mut options = options();
    options.close_wait = Duration::from_secs(3_600);
    let node = Node::start(options).await;
    let mut client = node.client("alice-1").await;
    let (_, close) = tokio::join!(node.hub.shutdown(), async {
        let close = client.closed().await;
        drop(client);
        close
    });
    assert_eq!(close.0, 4503);
}

#[tokio::test]
async fn who_comes_back_from_another_address_is_told_to_the_server() {
    let node = Node::start(options()).await;
    let mut alice = node.client("alice-1").await;
    let join = json!({"seq": 1, "ack": 0, "type": "join", "body": {"room": "demo"}});
    alice.send(&join).await;
    alice.sent = 1;
    node.until(|_| !node.server.requests.lock().unwrap().is_empty())
        .await;
    let near = node.server.requests.lock().unwrap()[0].0.address;
    assert!(near.is_loopback());
    // From the same address nothing is new.
    let (same, welcome) = node.again("alice-1", &alice).await;
    assert_eq!(welcome["resumed"], true);
    let far = TcpSocket::new_v4().unwrap();
    far.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut moved = node.dial_over(far.connect(node.address).await.unwrap()).await;
    let welcome = moved.hello("alice-1", Some(&same.resume), same.received).await;
    assert_eq!(welcome["resumed"], true);
    node.until(|_| !node.server.moved.lock().unwrap().is_empty())
        .await;
    let expected: std::net::IpAddr = "127.0.0.2".parse().unwrap();
    assert_eq!(*node.server.moved.lock().unwrap(), [expected]);
}

#[tokio::test]
async fn what_is_asked_about_meetings_goes_to_the_server_and_what_it_says_comes_back() {
    let node = Node::start(options()).await;
    let mut alice = node.client("alice-1").await;
    let join = json!({"seq": 1, "ack": 0, "type": "join", "body": {"room": "demo"}});
    alice.send(&join).await;
    node.until(|_| !node.server.requests.lock().unwrap().is_empty())
        .await;
    let (client, request) = node.server.requests.lock().unwrap()[0].clone();
    assert!(matches!(request, ClientBody::Join(join) if join.room == "demo"));
    assert_eq!(client.who.user.as_str(), "alice");
    let ended: ServerBody =
        serde_json::from_value(json!({"type": "ended", "body": {"reason": "removed"}})).unwrap();
    client.tell.send(ended).unwrap();
    assert_eq!(alice.told().await["body"]["reason"], "removed");
    drop(alice);
    node.hub.drain(true);
    node.until(|_| *node.server.ended.lock().unwrap() == [client.run])
        .await;
}
