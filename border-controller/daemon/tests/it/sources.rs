//! What operators are told of where connections come from, and of what tunnels carry.

use crate::world::{Controller, LONG, Node, WEEK, World, endpoint, fetch};
use plenary_border::frame::{FULL_SIZE, USUAL_HEAD};
use plenary_border_client::quic::{self, TUNNEL, WHOLE_MTU};
use plenary_contracts::border::v1::Source;
use plenary_identity::{Expected, Program};
use plenary_testkit::eventually;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpSocket,
};

/// Somebody who speaks no TLS, until put out.
async fn scan(from: Ipv4Addr, to: SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((from, 0).into()).unwrap();
    let mut stream = socket.connect(to).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let ended = stream.read(&mut [0; 1]).await;
    assert!(!matches!(ended, Ok(1..)), "nothing is said to them");
}

#[tokio::test(flavor = "multi_thread")]
async fn operators_are_told_who_comes_most_and_what_the_path_carries() {
    let world = World::new();
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let node = Node::dial(&one, controller.tunnel);
    controller.tunnels(1.0).await;
    eventually("the offer is known", LONG, async || {
        fetch(&world, controller.web, "paris.example.com").await.ok()
    })
    .await;
    let scanner = Ipv4Addr::new(127, 0, 0, 66);
    for _ in 0..30 {
        scan(scanner, controller.web).await;
    }
    eventually("the node is told", LONG, async || {
        let heard = node.web.heard.lock().unwrap();
        let last = heard.last()?;
        let scanned = last.sources.first()?;
        let whole = Source {
            network: scanner.to_string(),
            connections: 30,
            refused: 30,
        };
        let others: Vec<_> = last.sources.iter().skip(1).map(|one| &*one.network).collect();
        let is_told = *scanned == whole && others == ["127.0.0.1"] && last.mtu_bytes >= 1_200;
        is_told.then_some(())
    })
    .await;
    let mtu = controller.figure("plenary_border_tunnel_mtu_bytes").await;
    assert!((1_200.0..=65_507.0).contains(&mtu), "{mtu}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_of_the_wanted_mtu_carries_full_size_media_whole() {
    let world = World::new();
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let expected = Expected::any(Program::BorderController);
    let config = quic::dialling(&one.client_config(expected), TUNNEL).unwrap();
    let endpoint = endpoint();
    let dialled = endpoint.connect_with(config, controller.tunnel, "controller.plenary.internal");
    let connection = dialled.unwrap().await.unwrap();
    // It may find that the path carries more, right between two questions.
    let around = loop {
        let mtu = quic::mtu(&connection);
        let most = connection.max_datagram_size().unwrap();
        if quic::mtu(&connection) == mtu {
            break usize::from(mtu) - most;
        }
    };
    assert_eq!(usize::from(WHOLE_MTU), FULL_SIZE + USUAL_HEAD + around);
}
