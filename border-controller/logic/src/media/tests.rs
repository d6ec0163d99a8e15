use super::*;
use proptest::{collection::vec, prelude::*};

const PARIS: TunnelId = TunnelId(1);
const OSLO: TunnelId = TunnelId(2);
const SRTP: &[u8] = &[128, 0, 0, 0];

fn client(port: u16) -> SocketAddr {
    ([192, 0, 2, 1], port).into()
}

fn message(kind: [u8; 2], number: u8) -> Vec<u8> {
    let mut message = vec![kind[0], kind[1], 0, 0, 0x21, 0x12, 0xA4, 0x42];
    message.extend([number; 12]);
    message
}

fn asking(name: &str, number: u8) -> Vec<u8> {
    let mut message = message([0, 1], number);
    let user = format!("{name}:theirs");
    message.extend([0, 6]);
    message.extend(u16::try_from(user.len()).expect("short").to_be_bytes());
    message.extend(user.as_bytes());
    message.resize(message.len().next_multiple_of(4), 0);
    message
}

fn success(number: u8) -> Vec<u8> {
    message([1, 1], number)
}

fn flows(bounds: Bounds) -> Flows {
    let mut flows = Flows::new(bounds);
    flows.begin(PARIS, "anna");
    flows.begin(OSLO, "olav");
    flows
}

/// A flow that is up.
fn connected(flows: &mut Flows, now: Millis, port: u16, name: &str) -> Passed {
    let passed = flows
        .inbound(now, client(port), &asking(name, 9))
        .expect("a known name");
    assert!(passed.introduces);
    let back = flows.outbound(now, passed.tunnel, passed.flow, &success(9));
    assert_eq!(back, Some(client(port)));
    passed
}

#[test]
fn a_flow_is_up_once_the_node_has_answered_its_request() {
    let mut flows = flows(Bounds::default());
    assert_eq!(flows.inbound(0, client(1), SRTP), Err(Dropped::NoFlow));
    let asked = flows.inbound(0, client(1), &asking("anna", 1)).expect("known");
    assert_eq!((asked.tunnel, asked.introduces), (PARIS, true));
    assert_eq!(flows.inbound(0, client(1), SRTP), Err(Dropped::NoFlow), "not yet");
    assert_eq!(flows.outbound(0, PARIS, asked.flow, SRTP), None, "nor that way");
    assert_eq!(
        flows.outbound(0, PARIS, asked.flow, &success(2)),
        None,
        "nobody asked that"
    );
    assert_eq!(
        flows.outbound(0, OSLO, asked.flow, &success(1)),
        None,
        "of another node"
    );
    assert_eq!((flows.tried(), flows.up()), (1, 0));
    assert_eq!(flows.outbound(0, PARIS, asked.flow, &success(1)), Some(client(1)));
    assert_eq!((flows.tried(), flows.up()), (0, 1));
    let passed = flows.inbound(1, client(1), SRTP).expect("it is up");
    assert_eq!((passed.flow, passed.introduces), (asked.flow, false));
    assert_eq!(flows.outbound(1, PARIS, asked.flow, SRTP), Some(client(1)));
    assert_eq!(
        flows.inbound(1, client(2), SRTP),
        Err(Dropped::NoFlow),
        "another port"
    );
}

#[test]
fn an_answer_that_is_no_success_goes_out_and_leaves_it_tried() {
    let mut flows = flows(Bounds::default());
    let asked = flows.inbound(0, client(1), &asking("anna", 1)).expect("known");
    let refusal = message([1, 0x11], 1);
    assert_eq!(flows.outbound(0, PARIS, asked.flow, &refusal), Some(client(1)));
    assert_eq!(flows.outbound(0, PARIS, asked.flow, &refusal), None, "once");
    assert_eq!((flows.tried(), flows.up()), (1, 0));
}

#[test]
fn names_are_known_from_their_beginning_to_their_end() {
    let mut flows = flows(Bounds::default());
    let eve = asking("eve", 1);
    assert_eq!(flows.inbound(0, client(1), &eve), Err(Dropped::UnknownName));
    assert_eq!(flows.tried(), 0, "a stranger leaves nothing behind");
    flows.end(OSLO, "anna");
    connected(&mut flows, 0, 1, "anna");
    flows.end(PARIS, "anna");
    flows.inbound(1, client(1), SRTP).expect("it goes on");
    assert_eq!(
        flows.inbound(1, client(2), &asking("anna", 1)),
        Err(Dropped::UnknownName)
    );
}

#[test]
fn silence_at_either_end_ends_a_flow() {
    let mut flows = flows(Bounds::default());
    let asked = flows.inbound(0, client(1), &asking("anna", 1)).expect("known");
    flows
        .inbound(4_000, client(1), &asking("anna", 2))
        .expect("known");
    flows.sweep(TRIED_FOR);
    assert_eq!(flows.tried(), 0, "asking again does not make it last");
    assert_eq!(flows.outbound(TRIED_FOR, PARIS, asked.flow, &success(1)), None);
    let up = connected(&mut flows, 10_000, 1, "anna");
    flows.inbound(30_000, client(1), SRTP).expect("it is up");
    flows.sweep(30_000);
    assert_eq!(flows.up(), 1);
    flows.sweep(40_000);
    assert_eq!(flows.up(), 0, "the node has said nothing for too long");
    assert_ne!(
        connected(&mut flows, 40_000, 2, "anna").flow,
        up.flow,
        "numbers rest"
    );
}

#[test]
fn what_went_through_a_tunnel_goes_with_it() {
    let mut flows = flows(Bounds::default());
    connected(&mut flows, 0, 1, "anna");
    connected(&mut flows, 0, 2, "olav");
    flows.down(PARIS);
    assert_eq!(flows.up(), 1);
    assert_eq!(flows.inbound(0, client(1), SRTP), Err(Dropped::NoFlow));
    assert_eq!(
        flows.inbound(0, client(1), &asking("anna", 1)),
        Err(Dropped::UnknownName)
    );
    flows
        .inbound(0, client(2), SRTP)
        .expect("that of the other goes on");
}

#[test]
fn a_client_moves_to_another_node_once_the_first_is_silent() {
    let mut flows = flows(Bounds::default());
    connected(&mut flows, 0, 1, "anna");
    let olav = asking("olav", 3);
    assert_eq!(
        flows.inbound(MOVES_AFTER - 1, client(1), &olav),
        Err(Dropped::TooMany)
    );
    let moved = flows.inbound(MOVES_AFTER, client(1), &olav).expect("known");
    assert_eq!((moved.tunnel, moved.introduces), (OSLO, true));
    assert_eq!((flows.tried(), flows.up()), (1, 0));
}

#[test]
fn there_is_no_more_than_there_may_be() {
    let bounds = Bounds {
        flows: 4,
        flows_per_network: 3,
        tried_per_name: 2,
        requests: 5,
        bytes: 10,
        names: 2,
    };
    let mut flows = flows(bounds);
    for port in [1, 2] {
        flows.inbound(0, client(port), &asking("anna", 1)).expect("known");
    }
    let third = asking("anna", 1);
    assert_eq!(
        flows.inbound(0, client(3), &third),
        Err(Dropped::TooMany),
        "of a name"
    );
    connected(&mut flows, 0, 4, "olav");
    assert_eq!(
        flows.inbound(0, client(5), &asking("olav", 1)),
        Err(Dropped::TooMany),
        "of a network"
    );
    let other: SocketAddr = ([192, 0, 2, 2], 1).into();
    flows
        .inbound(0, other, &asking("olav", 1))
        .expect("of another network");
    let another: SocketAddr = ([192, 0, 2, 3], 1).into();
    assert_eq!(
        flows.inbound(0, another, &asking("olav", 1)),
        Err(Dropped::TooMany),
        "in all"
    );
    for _ in 0..2 {
        flows.inbound(0, client(1), &asking("anna", 2)).expect("known");
    }
    assert_eq!(flows.inbound(0, client(1), &third), Err(Dropped::TooFast));
    flows
        .inbound(1_000, client(1), &third)
        .expect("in the next second");
    for _ in 0..2 {
        flows.inbound(0, client(4), SRTP).expect("it is up");
    }
    assert_eq!(flows.inbound(0, client(4), SRTP), Err(Dropped::TooFast));
    for name in ["a", "b", "c"] {
        flows.begin(PARIS, name);
    }
    flows.sweep(TRIED_FOR);
    flows
        .inbound(9_000, client(7), &asking("a", 1))
        .expect("the second name");
    assert_eq!(
        flows.inbound(9_000, client(8), &asking("b", 1)),
        Err(Dropped::UnknownName)
    );
}

proptest! {
    #[test]
    fn the_books_are_right_whatever_happens(
        acts in vec((0_u8..8, 0_u16..6, 0_u8..4, 0_u64..4_000), 0..300),
    ) {
        let bounds = Bounds { flows: 5, flows_per_network: 4, tried_per_name: 2, ..Bounds::default() };
        let mut flows = flows(bounds);
        let mut now = 0;
        for (act, port, number, passes) in acts {
            let name = ["anna", "olav", "eve"][usize::from(number % 3)];
            let tunnel = if number % 2 == 0 { PARIS } else { OSLO };
            match act {
                0..=2 => drop(flows.inbound(now, client(port), &asking(name, number))),
                3 => drop(flows.outbound(now, tunnel, FlowId(port.into()), &success(number))),
                4 => drop(flows.inbound(now, client(port), SRTP)),
                5 => flows.begin(tunnel, name),
                6 => if port == 0 { flows.down(tunnel) } else { flows.end(tunnel, name) },
                _ => { now += passes; flows.sweep(now) }
            }
            let all = flows.flows.checked((bounds.flows, bounds.flows_per_network));
            let up = all.iter().filter(|flow| matches!(flow.stage, Stage::Up { .. })).count();
            prop_assert_eq!(up, flows.up());
            for (tunnel, many) in &flows.named {
                prop_assert_eq!(*many, flows.names.values().filter(|named| named.tunnel == *tunnel).count());
            }
        }
    }
}
