//! What strangers try at the public port, and that it costs the others nothing.

use crate::world::{Controller, Node, WEEK, World, connect, fetch};
use std::{io, net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

/// Says this and waits for the end of the connection.
async fn say(address: SocketAddr, bytes: &[u8]) -> io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    // It may have been ended before all was said.
    stream.write_all(bytes).await.ok();
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    assert!(answer.is_empty(), "strangers are told nothing");
    read.map(drop)
}

const LIMITS: &str = "hello_ms = 700\nrate = 2000\nrate_per_network = 2000\nconnections = 60\n\
                      connections_per_network = 40\nwaiting = 20";

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_tls_or_asks_for_nothing_that_is_offered_is_refused_and_counted() {
    let world = World::new();
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, LIMITS).await;
    let _node = Node::dial(&one, controller.tunnel);
    controller.tunnels(1.0).await;
    let mut meeting = loop {
        if let Ok(stream) = connect(&world, controller.web, "paris.example.com").await {
            break stream;
        }
    };
    meeting.write_all(b"GET /stay HTTP/1.1\r\n\r\n").await.unwrap();

    let unknown = controller.refused("unknown_name").await;
    for name in ["admin.example.com", "example.com", "localhost"] {
        connect(&world, controller.web, name).await.unwrap_err();
    }
    controller.refuses("unknown_name", unknown + 2.0).await;
    connect(&world, controller.web, "127.0.0.1").await.unwrap_err();
    controller.refuses("no_name", 0.0).await;
    for garbage in [&b"GET /admin HTTP/1.1\r\n\r\n"[..], b"SSH-2.0-x\r\n", &[0; 500]] {
        say(controller.web, garbage).await.ok();
    }
    controller.refuses("bad_hello", 2.0).await;
    // A hello that says that it is long is refused once it says so, and not held.
    let long = [&[22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xff][..], &[0; 0x4000]].concat();
    say(controller.web, &long).await.ok();
    controller.refuses("long_hello", 0.0).await;

    meeting.write_all(b"still here").await.unwrap();
    let mut heard = [0; 10];
    meeting.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"still here");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_slow_is_put_out_and_a_flood_leaves_those_alone_who_are_in() {
    let world = World::new();
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, LIMITS).await;
    let _node = Node::dial(&one, controller.tunnel);
    controller.tunnels(1.0).await;
    let mut meeting = loop {
        if let Ok(stream) = connect(&world, controller.web, "paris.example.com").await {
            break stream;
        }
    };
    meeting.write_all(b"GET /stay HTTP/1.1\r\n\r\n").await.unwrap();

    // The first bytes of a hello, and then no more: more of them than may wait at once.
    let mut slow = Vec::new();
    for _ in 0..200 {
        if let Ok(mut stream) = TcpStream::connect(controller.web).await {
            stream.write_all(&[22, 3, 1, 2, 0, 1]).await.ok();
            slow.push(stream);
        }
    }
    controller.refuses("too_many", 100.0).await;
    controller.refuses("slow_hello", 0.0).await;
    let mut heard = [0; 10];
    meeting.write_all(b"still here").await.unwrap();
    meeting.read_exact(&mut heard).await.unwrap();
    drop(slow);
    let served = plenary_testkit::eventually("it is over", Duration::from_secs(10), async || {
        fetch(&world, controller.web, "paris.example.com").await.ok()
    });
    assert!(served.await.starts_with("node-1"));
    meeting.write_all(b"still here").await.unwrap();
    meeting.read_exact(&mut heard).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn networks_on_the_deny_list_and_who_comes_too_fast_are_refused() {
    let world = World::new();
    let one = world.node(1);
    let denied = Controller::enrolled(&world, &one, WEEK, "deny = ['127.0.0.0/8']").await;
    say(denied.web, b"").await.ok();
    denied.refuses("denied", 0.0).await;
    drop(denied);

    std::fs::remove_dir_all(world.folder.path().join("dmz-1")).unwrap();
    let fast = Controller::enrolled(&world, &one, WEEK, "rate_per_network = 3").await;
    for _ in 0..40 {
        say(fast.web, b"GET").await.ok();
    }
    assert!(fast.refused("too_fast").await >= 20.0);
}
