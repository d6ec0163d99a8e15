//! The worked examples of the guide, §5.2 (three), §5.3 (two) and §5.4 (one), with the numbers printed there (LIC-12).

use plenary_model::{GuestId, NodeId, Timestamp, UserName};
use plenary_seats::{Capacity, Command, ConnectionId, DeviceId, Mode, ParticipationId, Seats, Use, Why};

const NOON: Timestamp = Timestamp(1_800_000_000_000);

fn user(name: &str) -> UserName {
    name.parse().expect("a name")
}

fn guest(number: u8) -> GuestId {
    GuestId::of_random([number; 16])
}

fn sign_in(device: u128, name: &str) -> Command {
    Command::SignIn {
        device: DeviceId(device.to_string()),
        user: user(name),
        node: NodeId(1),
    }
}

fn join(participation: u128, name: &str) -> Command {
    Command::Join {
        participation: ParticipationId(participation),
        user: user(name),
        node: NodeId(1),
    }
}

fn left(participation: u128) -> Command {
    Command::Left {
        participation: ParticipationId(participation),
    }
}

fn terminal(connection: u128, account: Option<&str>) -> Command {
    Command::GatewayUp {
        connection: ConnectionId(connection),
        account: account.map(user),
    }
}

fn guests(numbers: std::ops::Range<u8>) -> impl Iterator<Item = Command> {
    numbers.map(|number| Command::GuestJoin {
        participation: ParticipationId(1_000 + u128::from(number)),
        guest: guest(number),
        node: NodeId(1),
    })
}

struct Example {
    name: &'static str,
    capacity: Capacity,
    permanent: &'static [&'static str],
    commands: Vec<Command>,
    /// PRO, online, guest, gateway seats that are taken.
    taken: [u32; 4],
    free_pro: u32,
}

const fn capacity(pro: u32, online: u32, guest: u32, gateway: u32) -> Capacity {
    Capacity {
        pro,
        online,
        guest,
        gateway,
        mode: Mode::Apart,
        permanent_pro: true,
    }
}

fn examples() -> Vec<Example> {
    vec![
        Example {
            name: "5.2, example 1: one of four takes part",
            capacity: capacity(10, 15, 0, 0),
            permanent: &[],
            commands: vec![
                sign_in(1, "user"),
                sign_in(2, "b"),
                sign_in(3, "c"),
                sign_in(4, "d"),
                join(1, "user"),
            ],
            taken: [1, 4, 0, 0],
            free_pro: 9,
        },
        Example {
            name: "5.2, example 2: three are permanent, and one of two others takes part",
            capacity: capacity(10, 15, 0, 0),
            permanent: &["it1", "it2", "it3"],
            commands: vec![sign_in(1, "a"), sign_in(2, "b"), join(1, "a")],
            taken: [4, 2, 0, 0],
            free_pro: 6,
        },
        Example {
            name: "5.2, example 3: on two devices in two conferences",
            capacity: capacity(10, 15, 0, 0),
            permanent: &[],
            commands: vec![
                sign_in(1, "user"),
                sign_in(2, "user"),
                sign_in(3, "b"),
                sign_in(4, "c"),
                sign_in(5, "d"),
                join(1, "user"),
                join(2, "user"),
            ],
            taken: [1, 5, 0, 0],
            free_pro: 9,
        },
        Example {
            name: "5.3, example 1: two SIP terminals without account and a camera",
            capacity: capacity(100, 150, 0, 5),
            permanent: &[],
            commands: vec![
                sign_in(1, "user"),
                terminal(1, None),
                terminal(2, None),
                terminal(3, None),
            ],
            taken: [0, 1, 0, 3],
            free_pro: 100,
        },
        Example {
            name: "5.3, example 2: two SIP terminals, one of them with an account",
            capacity: capacity(100, 150, 0, 5),
            permanent: &[],
            commands: vec![
                sign_in(1, "user"),
                terminal(1, None),
                terminal(2, Some("terminal")),
            ],
            taken: [0, 2, 0, 2],
            free_pro: 100,
        },
        Example {
            name: "5.4: a user and three guests in a public conference",
            capacity: capacity(100, 150, 5, 0),
            permanent: &[],
            commands: [sign_in(1, "user"), join(1, "user")]
                .into_iter()
                .chain(guests(0..3))
                .collect(),
            taken: [1, 1, 3, 0],
            free_pro: 99,
        },
    ]
}

#[test]
fn the_examples_come_out_as_printed() {
    for example in examples() {
        let mut seats = Seats::new();
        let start = [
            Command::Capacity(example.capacity),
            Command::Recompute {
                why: Why::Start,
                candidates: example.permanent.iter().map(|name| user(name)).collect(),
            },
        ];
        for command in start.iter().chain(&example.commands) {
            seats.apply(NOON, command).expect(example.name);
        }
        let Use {
            pro,
            online,
            guest,
            gateway,
        } = seats.in_use();
        assert_eq!([pro, online, guest, gateway], example.taken, "{}", example.name);
        assert_eq!(seats.capacity().pro - pro, example.free_pro, "{}", example.name);
    }
}

/// The last points of §5.2's examples 1 and 3: the seat is free 24 hours after the last conference ended.
#[test]
fn the_seat_is_free_24_hours_after_the_last_conference() {
    let mut seats = Seats::new();
    let begin = [
        Command::Capacity(capacity(10, 15, 0, 0)),
        join(1, "user"),
        join(2, "user"),
    ];
    for command in &begin {
        seats.apply(NOON, command).expect("there are seats");
    }
    let hour = |hours: u64| NOON.plus_ms(hours * 3_600_000);
    seats.apply(hour(3), &left(1)).expect("it ends");
    seats.apply(hour(30), &Command::Tick).expect("time passes");
    assert_eq!(seats.in_use().pro, 1, "still in the other conference");
    seats.apply(hour(40), &left(2)).expect("it ends");
    assert_eq!(seats.next(), Some(hour(64)));
    seats
        .apply(Timestamp(hour(64).0 - 1), &Command::Tick)
        .expect("time passes");
    assert_eq!(seats.in_use().pro, 1);
    seats.apply(hour(64), &Command::Tick).expect("time passes");
    assert_eq!(seats.in_use().pro, 0);
}
