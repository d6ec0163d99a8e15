//! What clients outside get, and what the inside sees of them.

use crate::world::{Controller, LONG, Node, WEEK, World, connect, endpoint, fetch, offer};
use nix::sys::signal::Signal;
use plenary_border::Policy;
use plenary_border_client::{Target, TunnelError, tunnel};
use plenary_identity::{Program, RevocationList};
use plenary_model::NodeId;
use plenary_testkit::eventually;
use std::{collections::BTreeSet, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    sync::watch,
};

#[tokio::test(flavor = "multi_thread")]
async fn clients_outside_reach_the_nodes_that_dialled_and_are_seen_with_their_address() {
    let world = World::new();
    let one = world.node(1);
    let mut controller = Controller::enrolled(&world, &one, WEEK, "").await;
    assert!(
        controller.ask("/readyz").await.unwrap().contains("503"),
        "no tunnel is there"
    );
    fetch(&world, controller.web, "paris.example.com")
        .await
        .unwrap_err();
    assert!(controller.refused("no_node").await >= 1.0);

    let node = Node::dial(&one, controller.tunnel);
    controller.tunnels(1.0).await;
    let served = eventually("the offer is known", LONG, async || {
        fetch(&world, controller.web, "paris.example.com").await.ok()
    })
    .await;
    assert_eq!(served, "node-1 serves web to 127.0.0.1");
    let served = fetch(&world, controller.federation, "PARIS.example.com")
        .await
        .unwrap();
    assert_eq!(served, "node-1 serves federation to 127.0.0.1");
    assert!(controller.ask("/readyz").await.unwrap().contains("200"));
    assert!(controller.ask("/healthz").await.unwrap().contains("alive"));

    // All bytes arrive in their order, whatever they are; what one end has said to its end ends at the other.
    let mut stream = connect(&world, controller.web, "paris.example.com")
        .await
        .unwrap();
    stream.write_all(b"GET /stay HTTP/1.1\r\n\r\n").await.unwrap();
    let said: Vec<u8> = (0..1_500_000_u32)
        .map(|n| n.to_le_bytes()[n as usize % 3])
        .collect();
    let (mut from, mut to) = tokio::io::split(stream);
    let (sent, heard) = tokio::join!(
        async {
            to.write_all(&said).await?;
            to.shutdown().await
        },
        async {
            let mut heard = Vec::new();
            from.read_to_end(&mut heard).await.map(|_| heard)
        }
    );
    sent.unwrap();
    assert!(heard.unwrap() == said);
    eventually("the node hears what was counted", LONG, async || {
        let heard = node.web.heard.lock().unwrap();
        heard
            .iter()
            .any(|figures| figures.received_bytes > 1_500_000)
            .then_some(())
    })
    .await;

    controller.process().signal(Signal::SIGTERM).unwrap();
    let ended = eventually("it ends", LONG, || {
        std::future::ready(controller.process().ended())
    })
    .await;
    assert!(ended.success(), "{}", controller.log());
    let lost = tokio::time::timeout(Duration::from_secs(1), node.task).await;
    assert!(
        matches!(lost, Ok(Ok(TunnelError::Lost(_)))),
        "the node hears at once that it is gone"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_drains_gets_nothing_new_while_another_is_there() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let (first, second) = (
        Node::dial(&one, controller.tunnel),
        Node::dial(&two, controller.tunnel),
    );
    controller.tunnels(2.0).await;
    let who = async || {
        fetch(&world, controller.web, "paris.example.com")
            .await
            .unwrap_or_default()
    };
    let reaches = async |node: &str| {
        eventually(node, LONG, async || who().await.starts_with(node).then_some(())).await;
    };
    first.offer.send_modify(|offer| offer.drains = true);
    eventually("all go to the second", LONG, async || {
        let mut served = Vec::new();
        for _ in 0..6 {
            served.push(who().await);
        }
        served.iter().all(|one| one.starts_with("node-2")).then_some(())
    })
    .await;
    second.offer.send_modify(|offer| offer.names.clear());
    reaches("node-1").await;
    second.offer.send_replace(offer());
    reaches("node-2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_are_renewed_from_inside_while_clients_are_served() {
    let world = World::new();
    let one = world.node(1);
    // Certificates begin five minutes before they were made: this one is due at once.
    let controller = Controller::enrolled(&world, &one, Duration::from_secs(120), "").await;
    let ends = "plenary_border_certificate_expires_seconds";
    let before = controller.figure(ends).await;
    let _node = Node::dial(&one, controller.tunnel);
    eventually("it is renewed", LONG, async || {
        (controller.figure(ends).await > before + 3_600.0).then_some(())
    })
    .await;
    let _another = Node::dial(&one, controller.tunnel);
    controller.tunnels(2.0).await;
    fetch(&world, controller.web, "paris.example.com").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_removed_is_refused_at_both_ends() {
    let world = World::new();
    let (one, two) = (world.node(1), world.node(2));
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let (first, second) = (
        Node::dial(&one, controller.tunnel),
        Node::dial(&two, controller.tunnel),
    );
    controller.tunnels(2.0).await;
    let refuse = |version, who| {
        let list = RevocationList {
            version,
            members: BTreeSet::from([who]),
            ..RevocationList::empty(one.ca().scope().clone())
        };
        let signed = one.sign_revocations(&list).unwrap();
        one.accept_revocations(&signed).unwrap();
    };
    // The other node is removed: the controller hears it from the first one and ends that tunnel.
    refuse(1, (Program::Node, NodeId(2)));
    let ended = tokio::time::timeout(LONG, second.task).await.unwrap().unwrap();
    assert!(matches!(ended, TunnelError::Lost(_)), "{ended}");
    controller.tunnels(1.0).await;
    let again = Node::dial(&two, controller.tunnel);
    tokio::time::timeout(LONG, again.task).await.unwrap().unwrap();

    // The controller is removed: its tunnel ends, and there is no new one.
    refuse(2, (Program::BorderController, NodeId(1)));
    let ended = tokio::time::timeout(LONG, first.task).await.unwrap().unwrap();
    assert!(matches!(ended, TunnelError::Revoked), "{ended}");
    let again = Node::dial(&one, controller.tunnel);
    tokio::time::timeout(LONG, again.task).await.unwrap().unwrap();
    controller.tunnels(0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_nodes_of_the_server_has_a_tunnel() {
    let (world, other) = (World::new(), World::new());
    let one = world.node(1);
    let controller = Controller::enrolled(&world, &one, WEEK, "").await;
    let stranger = Node::dial(&other.node(1), controller.tunnel);
    tokio::time::timeout(LONG, stranger.task).await.unwrap().unwrap();
    // Nor does a node believe another controller in the place of the one that it dials.
    let wrong = Target {
        name: "dmz-1".parse().unwrap(),
        member: NodeId(2),
        address: controller.tunnel,
    };
    let node = Node::dial(&one, controller.tunnel);
    let (_sender, offers) = watch::channel(offer());
    let (_says, policies) = watch::channel(Policy::default());
    let told = (offers, policies);
    let Err(error) = tunnel::run(&endpoint(), &one, &wrong, "1", told, &node.web).await;
    assert!(matches!(error, TunnelError::Lost(_)), "{error}");
    controller.tunnels(1.0).await;
}

/// Somebody at another address of this machine.
async fn from_elsewhere(controller: &Controller) -> Result<usize, std::io::Error> {
    let socket = tokio::net::TcpSocket::new_v4()?;
    socket.bind("127.0.0.5:0".parse().unwrap())?;
    let mut stream = socket.connect(controller.web).await?;
    stream.write_all(&[0x16, 3, 1]).await?;
    stream.read(&mut [0; 8]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_inside_wants_counts_at_once_and_after_a_restart_without_it() {
    let world = World::new();
    let one = world.node(1);
    let mut controller = Controller::enrolled(&world, &one, WEEK, "hello_ms = 500").await;
    let node = Node::dial(&one, controller.tunnel);
    controller.tunnels(1.0).await;
    let mut stays = eventually("the offer is known", LONG, async || {
        connect(&world, controller.web, "paris.example.com").await.ok()
    })
    .await;
    let wanted = Policy {
        version: 7,
        deny: vec!["127.0.0.5".into()],
        ..Policy::default()
    };
    node.policy.send_replace(wanted.clone());
    let denied = async |controller: &Controller| {
        eventually("nobody comes from there", LONG, async || {
            from_elsewhere(controller).await.ok();
            (controller.refused("denied").await > 0.0).then_some(())
        })
        .await;
    };
    denied(&controller).await;
    eventually("the inside sees by what it goes", LONG, async || {
        let heard = node.web.heard.lock().unwrap();
        heard.iter().any(|said| said.policy_ms == 7).then_some(())
    })
    .await;
    // Who is in goes on, and what is older does not come back.
    stays.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut served = String::new();
    stays.read_to_string(&mut served).await.unwrap();
    assert!(served.contains("node-1 serves web"), "{served}");
    node.policy.send_replace(Policy {
        version: 6,
        deny: Vec::new(),
        ..wanted
    });
    let count = controller.refused("denied").await;
    from_elsewhere(&controller).await.ok();
    controller.refuses("denied", count).await;

    node.task.abort();
    controller.process().kill().unwrap();
    controller.start(&["run"]);
    eventually("it runs", LONG, async || controller.metrics().await.ok()).await;
    denied(&controller).await;
}
