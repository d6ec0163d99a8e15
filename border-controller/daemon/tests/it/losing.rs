//! A node that is gone without a word, and a tunnel that is cut.

use crate::world::{Controller, LONG, Node, WEEK, World, fetch};
use plenary_border_client::TunnelError;
use plenary_testkit::eventually;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::net::UdpSocket;

/// A line for one node's tunnel that can be cut: then datagrams vanish in both directions.
struct Line {
    here: SocketAddr,
    cut: Arc<AtomicBool>,
}

impl Line {
    async fn to(controller: SocketAddr) -> Self {
        let near = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let far = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        far.connect(controller).await.unwrap();
        let here = near.local_addr().unwrap();
        let cut = Arc::new(AtomicBool::new(false));
        let is_cut = cut.clone();
        tokio::spawn(async move {
            let mut node = None;
            let (mut out, mut back) = (vec![0; 65_536], vec![0; 65_536]);
            loop {
                tokio::select! {
                    Ok((bytes, from)) = near.recv_from(&mut out) => {
                        node = Some(from);
                        if !is_cut.load(Ordering::SeqCst) {
                            far.send(&out[..bytes]).await.ok();
                        }
                    }
                    Ok(bytes) = far.recv(&mut back) => {
                        if let Some(node) = node.filter(|_| !is_cut.load(Ordering::SeqCst)) {
                            near.send_to(&back[..bytes], node).await.ok();
                        }
                    }
                }
            }
        });
        Self { here, cut }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn when_one_of_two_nodes_is_gone_new_clients_are_served_by_the_other_at_once() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let line = Line::to(controller.tunnel).await;
    let first = Node::dial(&one, line.here);
    controller.tunnels(1.0).await;
    let _second = Node::dial(&two, controller.tunnel);
    controller.tunnels(2.0).await;
    let both = async || {
        let mut served = Vec::new();
        for _ in 0..4 {
            served.push(
                fetch(&world, controller.web, "paris.example.com")
                    .await
                    .unwrap_or_default(),
            );
        }
        served
    };
    eventually("both serve", LONG, async || {
        // One after the other they all go to the first that is free; the second serves where it offers.
        both()
            .await
            .iter()
            .any(|one| one.starts_with("node-1"))
            .then_some(())
    })
    .await;

    line.cut.store(true, Ordering::SeqCst);
    let began = Instant::now();
    let served = fetch(&world, controller.web, "paris.example.com").await.unwrap();
    assert!(served.starts_with("node-2"), "{served}");
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    for served in both().await {
        assert!(served.starts_with("node-2"), "{served}");
    }
    let lost = tokio::time::timeout(LONG, first.task).await.unwrap().unwrap();
    assert!(matches!(lost, TunnelError::Lost(_)), "{lost}");
    controller.tunnels(1.0).await;

    // It dials again, and is there again.
    line.cut.store(false, Ordering::SeqCst);
    let _again = Node::dial(&one, line.here);
    controller.tunnels(2.0).await;
    eventually("it serves again", LONG, async || {
        both()
            .await
            .iter()
            .any(|one| one.starts_with("node-1"))
            .then_some(())
    })
    .await;
}
