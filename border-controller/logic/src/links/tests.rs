use super::*;
use crate::route::{CHANCE_LEN, route_to};
use proptest::{collection::vec, prelude::*};

const PARIS: TunnelId = TunnelId(1);
const OSLO: TunnelId = TunnelId(2);

fn partner(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn id_of(node: u8) -> [u8; ROUTE_LEN] {
    route_to(NodeId(node.into()), [7; CHANCE_LEN]).expect("it fits")
}

fn long(first: u8, id: &[u8], length: usize) -> Vec<u8> {
    let mut datagram = vec![first, 0, 0, 0, 1, u8::try_from(id.len()).expect("short")];
    datagram.extend(id);
    datagram.resize(length, 0);
    datagram
}

/// Begins a connection.
fn initial(id: &[u8]) -> Vec<u8> {
    long(0xC0, id, INITIAL)
}

fn short(node: u8) -> Vec<u8> {
    let mut datagram = vec![0x40];
    datagram.extend(id_of(node));
    datagram.resize(100, 0);
    datagram
}

fn links(bounds: Bounds) -> Links {
    let mut links = Links::new(bounds);
    links.begin(PARIS, NodeId(1));
    links.begin(OSLO, NodeId(2));
    links
}

#[test]
fn a_link_stays_with_the_node_that_it_began_with() {
    let mut links = links(Bounds::default());
    let mut taken = [0, 0];
    for port in 1..=40 {
        // Some call the connection as nodes might have, by chance.
        let beginning = if port % 2 == 0 {
            initial(&[7; 8])
        } else {
            initial(&id_of(9))
        };
        let first = links.inbound(0, partner(port), &beginning).expect("begins");
        let again = links
            .inbound(0, partner(port), &beginning)
            .expect("it may come twice");
        assert_eq!(first, again);
        assert!(first.introduces);
        taken[usize::from(first.tunnel == OSLO)] += 1;
        let node = if first.tunnel == PARIS { 1 } else { 2 };
        let on = links
            .inbound(0, partner(port), &long(0xE0, &id_of(node), 1_200))
            .expect("its handshake");
        assert_eq!((on.tunnel, on.flow), (first.tunnel, first.flow));
        links.prove(0, first.tunnel, first.flow);
        let up = links.inbound(0, partner(port), &short(node)).expect("it is up");
        assert_eq!((up.flow, up.introduces), (first.flow, false));
        let back = links.outbound(0, first.tunnel, first.flow, &short(9));
        assert_eq!(back, Some(partner(port)));
        let other = if first.tunnel == PARIS { OSLO } else { PARIS };
        assert_eq!(links.outbound(0, other, first.flow, &short(9)), None);
    }
    assert!(
        taken.iter().all(|many| *many > 5),
        "all nodes have some: {taken:?}"
    );
    assert_eq!((links.up(), links.tried()), (40, 0));
}

#[test]
fn what_belongs_to_nobody_leaves_nothing() {
    let mut links = links(Bounds::default());
    for (datagram, why) in [
        (vec![], Dropped::Foreign),
        (vec![0; 40], Dropped::Foreign),
        (vec![0xC0, 0, 0], Dropped::Foreign),
        (long(0xC0, &[7; 21], INITIAL), Dropped::Foreign),
        (long(0xC0, &[7; 8], INITIAL - 1), Dropped::NoFlow),
        (long(0xC0, &[7; 7], INITIAL), Dropped::NoFlow),
        (long(0xE0, &[7; 8], INITIAL), Dropped::NoFlow),
        (vec![0x40; 60], Dropped::NoFlow),
        (short(3), Dropped::NoFlow),
        (vec![0x40; 9], Dropped::Foreign),
    ] {
        let told = links.inbound(0, partner(1), &datagram);
        assert_eq!(told, Err(why), "{:?}", datagram.get(..12));
    }
    assert_eq!((links.up(), links.tried()), (0, 0));
    links.down(PARIS);
    links.down(OSLO);
    let nobody = links.inbound(0, partner(1), &initial(&[7; 8]));
    assert_eq!(nobody, Err(Dropped::UnknownName));
}

#[test]
fn who_has_not_proved_who_they_are_is_sent_and_sends_little() {
    let bounds = Bounds {
        tried: 2,
        tried_datagrams: 3,
        flows_per_network: 2,
        bytes: 150,
        ..Bounds::default()
    };
    let mut links = links(bounds);
    let first = links.inbound(0, partner(1), &initial(&[7; 8])).expect("begins");
    for _ in 0..3 {
        let back = links.outbound(0, first.tunnel, first.flow, &[0; 1_200]);
        assert_eq!(back, Some(partner(1)));
    }
    let more = links.outbound(0, first.tunnel, first.flow, &[0; 1]);
    assert_eq!(more, None, "three times what came");
    for _ in 0..2 {
        links
            .inbound(0, partner(1), &initial(&[7; 8]))
            .expect("some are borne");
    }
    let more = links.inbound(0, partner(1), &initial(&[7; 8]));
    assert_eq!(more, Err(Dropped::TooFast));
    links
        .inbound(0, partner(2), &initial(&[7; 8]))
        .expect("another one");
    let more = links.inbound(0, partner(3), &initial(&[7; 8]));
    assert_eq!(more, Err(Dropped::TooMany));

    links.prove(0, first.tunnel, first.flow);
    let node = if first.tunnel == PARIS { 1 } else { 2 };
    links.inbound(0, partner(1), &short(node)).expect("100 bytes");
    let more = links.inbound(0, partner(1), &short(node));
    assert_eq!(more, Err(Dropped::TooFast));
    links
        .inbound(1_000, partner(1), &short(node))
        .expect("in the next second");
    links.sweep(TRIED_FOR);
    assert_eq!((links.up(), links.tried()), (1, 0));
    links.sweep(SILENT_FOR);
    assert_eq!((links.up(), links.tried()), (0, 0));
}

#[test]
fn who_goes_to_another_node_is_tried_there() {
    let mut links = links(Bounds::default());
    let first = links.inbound(0, partner(1), &initial(&[7; 8])).expect("begins");
    links.prove(0, first.tunnel, first.flow);
    for id in 0..20 {
        let begun = links.inbound(0, partner(1), &initial(&[id; 8]));
        assert!(begun == Err(Dropped::TooMany) || begun.is_ok_and(|passed| passed.flow == first.flow));
    }
    assert_eq!((links.up(), links.tried()), (1, 0), "beginnings put nobody out");
    let other = if first.tunnel == PARIS { 2 } else { 1 };
    let moved = links
        .inbound(0, partner(1), &short(other))
        .expect("a node gave it that");
    assert_ne!(moved.tunnel, first.tunnel);
    assert!(moved.introduces);
    links.down(moved.tunnel);
    assert_eq!((links.up(), links.tried()), (0, 0));
}

proptest! {
    #[test]
    fn the_books_are_right_whatever_happens(
        acts in vec((0_u8..8, 0_u16..6, 0_u8..4, 0_u64..4_000), 0..300),
        foreign in vec(any::<u8>(), 0..60),
    ) {
        let bounds = Bounds { flows: 5, flows_per_network: 4, tried: 3, tried_datagrams: 4, bytes: 5_000 };
        let mut links = links(bounds);
        let mut now = 0;
        for (act, port, number, passes) in acts {
            let tunnel = if number % 2 == 0 { PARIS } else { OSLO };
            let flow = FlowId(port.into());
            match act {
                0 | 1 => drop(links.inbound(now, partner(port), &initial(&[number; 8]))),
                2 => drop(links.inbound(now, partner(port), &short(number))),
                3 => drop(links.outbound(now, tunnel, flow, &[0; 500])),
                4 => links.prove(now, tunnel, flow),
                5 => drop(links.inbound(now, partner(port), &foreign)),
                6 => if port == 0 { links.down(tunnel) } else { links.begin(tunnel, NodeId(u64::from(number % 2) + 1)) },
                _ => { now += passes; links.sweep(now) }
            }
            let all = links.flows.checked((bounds.flows, bounds.flows_per_network));
            let up = all.iter().filter(|flow| matches!(flow.stage, Stage::Up { .. })).count();
            prop_assert_eq!(up, links.up());
            prop_assert!(links.tried() <= bounds.tried);
            prop_assert!(all.iter().all(|flow| links.tunnels.contains_key(&flow.tunnel)));
        }
    }
}
