use crate::world::*;
use plenary_access::*;
use plenary_model::NodeId;

const SECRET: [u8; 32] = [7; 32];

fn invite(ttl_s: u64) -> Change {
    Change::InviteNode {
        id: "i".into(),
        secret: SECRET,
        ttl_s,
    }
}

fn admit(secret: [u8; 32], node: &str) -> Change {
    Change::AdmitNode {
        invitation: "i".into(),
        secret,
        name: name(node),
        address: "192.0.2.2:7000".into(),
    }
}

#[test]
fn a_server_is_founded_once_with_its_groups() {
    let mut world = World::default();
    world.ok(system(), found());
    assert_eq!(world.groups.len(), 3);
    assert!(world.groups.values().all(|group| group.id.is_builtin()));
    assert!(matches!(world.refused(system(), found()), Refusal::Conflict(_)));
    assert_eq!(world.last_node, 1);
}

#[test]
fn an_invitation_lets_one_node_in() {
    let mut world = World::founded();
    for ttl_s in [0, 59, 7 * 86_400 + 1, u64::MAX] {
        assert_eq!(world.bad_field(by("root"), invite(ttl_s)), "ttl_s");
    }
    world.ok(by("root"), invite(60));
    assert!(matches!(
        world.refused(by("root"), invite(60)),
        Refusal::Exists { .. }
    ));
    let mut refused = |secret, node| world.refused(system(), admit(secret, node));
    assert!(matches!(refused([8; 32], "node-2"), Refusal::BadInvitation(_)));
    assert!(matches!(refused(SECRET, "node-1"), Refusal::Conflict(_)));
    let outcome = world.ok(system(), admit(SECRET, "node-2"));
    assert_eq!(outcome, Outcome::Admitted { node: NodeId(2) });
    let again = world.refused(system(), admit(SECRET, "node-3"));
    assert!(matches!(again, Refusal::BadInvitation(_)));
    assert!(
        !format!("{:?}", world.events).contains("7, 7"),
        "no secrets in events"
    );
}

#[test]
fn an_invitation_ends() {
    let mut world = World::founded();
    world.ok(by("root"), invite(60));
    world.now += 60_000;
    let late = world.refused(system(), admit(SECRET, "node-2"));
    assert!(matches!(late, Refusal::BadInvitation(_)));
    world.ok(system(), Change::Sweep);
    assert!(world.invitations.is_empty());
}

#[test]
fn numbers_of_nodes_are_never_given_twice() {
    let mut world = World::founded();
    for expected in [2, 3] {
        world.ok(by("root"), invite(60));
        let outcome = world.ok(system(), admit(SECRET, "node-x"));
        assert_eq!(
            outcome,
            Outcome::Admitted {
                node: NodeId(expected)
            }
        );
        let remove = Change::RemoveNode {
            node: NodeId(expected),
        };
        world.ok(by("root"), remove.clone());
        assert!(matches!(
            world.refused(by("root"), remove),
            Refusal::NotFound { .. }
        ));
    }
    let only = Change::RemoveNode { node: NodeId(1) };
    assert!(matches!(world.refused(by("root"), only), Refusal::Conflict(_)));
}

#[test]
fn a_restored_server_has_one_new_node_and_nobody_online() {
    let mut world = World::founded();
    let started = Change::NodeStarted {
        node: NodeId(1),
        epoch: 1,
        version: "1".into(),
    };
    world.ok(system(), started);
    world.sign_in("alice", "a").expect("good");
    let online = Change::DeviceOnline {
        session: "a".into(),
        node: NodeId(1),
        epoch: 1,
    };
    world.ok(system(), online);
    world.ok(by("root"), invite(60));
    let restore = |node| Change::RestoreServer {
        node: NodeId(node),
        name: name("node-1"),
        address: "192.0.2.9:7000".into(),
    };
    assert!(matches!(
        world.refused(system(), restore(1)),
        Refusal::Conflict(_)
    ));
    world.ok(system(), restore(2));
    assert_eq!(world.nodes.keys().collect::<Vec<_>>(), [&NodeId(2)]);
    assert_eq!(world.sessions["a"].online_on, None);
    assert!(world.invitations.is_empty());
    let mut empty = World::default();
    assert!(matches!(
        empty.refused(system(), restore(2)),
        Refusal::Conflict(_)
    ));
}

#[test]
fn what_changes_nothing_is_no_event() {
    let mut world = World::founded();
    let describe = || Change::DescribeNode {
        node: NodeId(1),
        address: "192.0.2.1:7000".into(),
        url: "https://node-1.example".into(),
        version: "1".into(),
    };
    let drain = || Change::DrainNode {
        node: NodeId(1),
        drain: true,
    };
    world.ok(system(), describe());
    world.ok(by("root"), drain());
    let events = world.events.len();
    world.ok(system(), describe());
    world.ok(by("root"), drain());
    assert_eq!(world.events.len(), events);
    assert!(world.nodes[&NodeId(1)].draining);
}
