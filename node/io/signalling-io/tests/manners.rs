//! Who is turned away, and for what.

mod support;

use futures::SinkExt as _;
use plenary_signalling_io::{Presence, Topic};
use serde_json::json;
use std::{sync::atomic::Ordering, time::Duration};
use support::{Node, options};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};
use tokio_tungstenite::tungstenite::{Error, Message};

const LONGEST: usize = 256 * 1024;

#[tokio::test]
async fn tokens_that_are_wrong_or_missing_are_refused() {
    let node = Node::start(options()).await;
    for hello in [
        json!({"type": "hello", "v": 1, "token": "wrong", "resume": null, "last_seq": 0}),
        json!({"type": "hello", "v": 1, "token": "", "last_seq": 0}),
        json!({"type": "hello", "v": 1}),
    ] {
        let mut client = node.dial().await;
        client.send(&hello).await;
        assert_eq!(client.closed().await.0, 4401, "{hello}");
    }
    assert_eq!(node.hub.figures().runs, 0);
}

#[tokio::test]
async fn whoever_says_no_hello_is_turned_away() {
    let mut options = options();
    options.limits.hello_ms = 30;
    let node = Node::start(options).await;
    assert_eq!(node.dial().await.closed().await.0, 4408);
    for text in [
        r#"{"type":"ping","ack":0}"#,
        r#"{"type":"hello","v":2,"token":"alice-1"}"#,
        "",
        "{",
    ] {
        let mut client = node.dial().await;
        client.socket.send(Message::text(text)).await.unwrap();
        assert_eq!(client.closed().await.0, 4400, "{text}");
    }
    let mut client = node.dial().await;
    client.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    assert_eq!(client.closed().await.0, 4400);
}

#[tokio::test]
async fn pages_of_other_hosts_may_not_connect() {
    let node = Node::start(options()).await;
    let own = format!("http://{}", node.address);
    assert!(node.dial_from(Some(&own)).await.is_ok());
    for origin in ["https://evil.example.com", "null", "http://127.0.0.1:1"] {
        let refused = node.dial_from(Some(origin)).await.err().unwrap();
        assert!(
            matches!(refused, Error::Http(answer) if answer.status() == 403),
            "{origin}"
        );
    }
}

#[tokio::test]
async fn a_request_that_is_no_websocket_gets_a_problem() {
    let node = Node::start(options()).await;
    let mut socket = tokio::net::TcpStream::connect(node.address).await.unwrap();
    socket
        .write_all(b"GET /api/v1/signal HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(
        answer.contains("application/problem+json") && answer.contains("bad-header"),
        "{answer}"
    );
}

#[tokio::test]
async fn no_more_connections_begin_than_can() {
    let mut options = options();
    options.handshakes = 1;
    let node = Node::start(options).await;
    let mut first = node.dial().await;
    let refused = node.dial_from(None).await.err().unwrap();
    assert!(matches!(refused, Error::Http(answer) if answer.status() == 503));
    first.hello("alice-1", None, 0).await;
    node.client("alice-1").await;
}

#[tokio::test]
async fn a_flood_is_closed() {
    let mut options = options();
    options.limits.burst_messages = 50;
    options.limits.messages_per_s = 1;
    let node = Node::start(options).await;
    let mut client = node.client("alice-1").await;
    for _ in 0..60 {
        // It may be closed before all is sent.
        client
            .socket
            .send(Message::text(r#"{"type":"ping","ack":0}"#))
            .await
            .ok();
    }
    let (code, reason) = client.closed().await;
    assert_eq!(code, 4400);
    assert!(reason.contains("too many"), "{reason}");
    node.until(|hub| hub.figures().runs == 0).await;
}

#[tokio::test]
async fn messages_may_be_long_but_not_longer() {
    let node = Node::start(options()).await;
    let ping = |bytes: usize| {
        let head = r#"{"type":"ping","ack":0,"pad":""#;
        format!("{head}{}\"}}", "x".repeat(bytes - head.len() - 2))
    };
    let mut client = node.client("alice-1").await;
    assert_eq!(ping(LONGEST).len(), LONGEST);
    client.socket.send(Message::text(ping(LONGEST))).await.unwrap();
    assert_eq!(client.next().await, Ok(json!({"type": "pong", "ack": 0})));
    client
        .socket
        .send(Message::text(ping(LONGEST + 1)))
        .await
        .unwrap();
    assert_eq!(client.closed().await.0, 4400);
    let mut client = node.dial().await;
    client
        .socket
        .send(Message::text(ping(LONGEST + 1)))
        .await
        .unwrap();
    assert_eq!(client.closed().await.0, 4400);
}

#[tokio::test]
async fn messages_that_are_longer_by_far_are_not_even_read() {
    let node = Node::start(options()).await;
    let mut client = node.client("alice-1").await;
    // Only the head of the frame: 1 TiB is to come.
    let mut head = vec![0x81, 0xff];
    head.extend((1u64 << 40).to_be_bytes());
    head.extend([0; 4]);
    let tokio_tungstenite::MaybeTlsStream::Plain(socket) = client.socket.get_mut() else {
        panic!("TLS")
    };
    socket.write_all(&head).await.unwrap();
    assert_eq!(client.closed().await.0, 4400);
    node.until(|hub| hub.figures().runs == 0).await;
}

#[tokio::test]
async fn who_has_not_the_right_hears_so() {
    let node = Node::start(options()).await;
    let mut client = node.client("alice-1").await;
    client
        .send(&json!({"seq": 1, "ack": 0, "type": "watch", "body": {"topics": ["users"]}}))
        .await;
    assert_eq!(client.closed().await.0, 4403);
}

#[tokio::test]
async fn a_session_that_ends_closes_its_connections() {
    let node = Node::start(options()).await;
    let mut ended = node.client("alice-1").await;
    let mut other = node.client("alice-2").await;
    node.server.sign_out("alice-1");
    node.server.changed(Topic::Sessions, "alice", 3);
    assert_eq!(ended.closed().await.0, 4401);
    other.watch(&["sessions"]).await;
    // The run is gone with it, whoever has its token.
    assert_eq!(node.again("alice-2", &ended).await.1["resumed"], false);
}

#[tokio::test]
async fn a_session_that_expires_unheard_is_noticed() {
    let mut options = options();
    options.recheck = Duration::from_millis(20);
    let node = Node::start(options).await;
    let mut client = node.client("alice-1").await;
    node.server.sign_out("alice-1");
    assert_eq!(client.closed().await.0, 4401);
}

#[tokio::test]
async fn an_administrator_who_is_none_any_more_hears_so() {
    let node = Node::start(options()).await;
    let mut client = node.watcher("root-1", &["events"]).await;
    node.server.sign_in("root-1", "root", false);
    node.server.changed(Topic::Users, "root", 3);
    assert_eq!(client.closed().await.0, 4403);
}

#[tokio::test]
async fn when_the_server_cannot_tell_clients_stay_and_newcomers_try_again() {
    let node = Node::start(options()).await;
    let mut client = node.watcher("root-1", &["users"]).await;
    node.server.broken.store(true, Ordering::SeqCst);
    node.server.changed(Topic::Users, "root", 3);
    assert_eq!(client.told().await["body"]["object"], "root");
    let mut newcomer = node.dial().await;
    newcomer
        .send(&json!({"type": "hello", "v": 1, "token": "alice-1", "last_seq": 0}))
        .await;
    assert_eq!(newcomer.closed().await.0, 4408);
    client.watch(&["groups"]).await;
}

#[tokio::test]
async fn a_client_that_acknowledges_nothing_is_closed_and_loads_anew() {
    let mut options = options();
    options.limits.kept_messages = 5;
    let node = Node::start(options).await;
    let mut client = node.watcher("root-1", &["contacts", "users"]).await;
    for n in 0..6 {
        node.server.presence(&format!("user{n}"), Presence::Online);
    }
    let (code, reason) = client.closed().await;
    assert_eq!(
        (code, reason.contains("not acknowledged")),
        (4408, true),
        "{reason}"
    );
    assert_eq!(client.received, 5);
    assert_eq!(node.again("root-1", &client).await.1["resumed"], false);
}

#[tokio::test]
async fn a_client_that_does_not_read_is_closed() {
    let mut options = options();
    options.limits.burst_messages = u64::MAX / 2_000;
    options.limits.burst_bytes = u64::MAX / 2_000;
    // Buffers of the system are short, so that they are soon full.
    let listener = tokio::net::TcpSocket::new_v4().unwrap();
    listener.set_send_buffer_size(4_096).unwrap();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let node = Node::start_on(listener.listen(8).unwrap(), options).await;
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    let socket = socket.connect(node.address).await.unwrap();
    let mut client = node.dial_over(socket).await;
    client.hello("alice-1", None, 0).await;
    let mut said = 0;
    let flood = async {
        while node.hub.figures().connected == 1 {
            said += 1;
            if client
                .socket
                .send(Message::text(r#"{"type":"ping","ack":0}"#))
                .await
                .is_err()
            {
                break;
            }
            // The node has time to answer each: only that nobody takes the answers fills its queue.
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(60), flood)
        .await
        .expect("the node lets go");
    node.until(|hub| hub.figures().connected == 0).await;
    assert!(said > 2_000, "{said} are not too many");
}

#[tokio::test]
async fn a_burst_that_is_allowed_is_answered_in_full() {
    let node = Node::start(options()).await;
    let mut client = node.client("alice-1").await;
    for _ in 0..1_000 {
        client
            .socket
            .feed(Message::text(r#"{"type":"ping","ack":0}"#))
            .await
            .unwrap();
    }
    client.socket.flush().await.unwrap();
    for _ in 0..1_000 {
        assert_eq!(client.next().await.unwrap()["type"], "pong");
    }
}

#[tokio::test]
async fn a_user_has_so_many_connections_and_old_ones_that_are_away_give_way() {
    let mut options = options();
    options.runs_of_user = 2;
    let node = Node::start(options).await;
    let first = node.client("alice-1").await;
    let _second = node.client("alice-1").await;
    let mut third = node.dial().await;
    third
        .send(&json!({"type": "hello", "v": 1, "token": "alice-2", "last_seq": 0}))
        .await;
    assert_eq!(third.closed().await.0, 4403);
    node.client("bob-1").await;
    drop(first);
    node.until(|hub| hub.figures().connected == 1).await;
    let _fourth = node.client("alice-2").await;
    assert_eq!(node.hub.online()[&"alice".parse().unwrap()].len(), 2);
}

#[tokio::test]
async fn a_full_node_sends_newcomers_to_the_others() {
    let mut options = options();
    options.runs = 1;
    let node = Node::start(options).await;
    let client = node.client("alice-1").await;
    let mut newcomer = node.dial().await;
    newcomer
        .send(&json!({"type": "hello", "v": 1, "token": "bob-1", "last_seq": 0}))
        .await;
    assert_eq!(
        newcomer.closed().await,
        (4503, r#"["https://node-2.example.com"]"#.into())
    );
    // Where there is no other, it is not sent in circles.
    *node.server.nodes.lock().unwrap() = vec!["https://node-1.example.com".into()];
    let mut newcomer = node.dial().await;
    newcomer
        .send(&json!({"type": "hello", "v": 1, "token": "bob-1", "last_seq": 0}))
        .await;
    assert_eq!(newcomer.closed().await.0, 4408);
    drop(client);
    node.until(|hub| hub.figures().connected == 0).await;
    node.client("bob-1").await;
}

#[tokio::test]
async fn the_only_node_lets_nobody_come_while_it_takes_leave() {
    let node = Node::start(options()).await;
    *node.server.nodes.lock().unwrap() = vec!["https://node-1.example.com".into()];
    let mut client = node.client("alice-1").await;
    node.hub.drain(true);
    assert_eq!(client.closed().await, (4503, "[]".into()));
    let refused = node.dial_from(None).await.err().unwrap();
    assert!(matches!(refused, Error::Http(answer) if answer.status() == 503));
}
