//! Who may borrow from a License Manager, and what its licence files give (LIC-13, LIC-14, ENT-02).

use plenary_licences::{
    Ask, Incarnation, Order, PoolId, Refusal, Reply, Request, Seats,
    lessor::{self, Lessor},
    licence::{
        Build, Confirmation, Covers, Edition, Licence, LicenceId, Request as Asked, Signed, Signer, Support,
        Term, Trust,
    },
    manager::{Command, Denial, Done, Entry, Files, Guest, Manager, Member, Outcome, judge},
};
use plenary_model::{NodeId, ServerName, Timestamp};
use std::collections::BTreeSet;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const POOL: PoolId = PoolId(7);

struct World {
    manager: Manager,
    index: u64,
}

fn name(text: &str) -> ServerName {
    text.parse().expect("a name")
}

fn member(text: &str) -> Member {
    Member {
        name: text.parse().expect("a name"),
        address: format!("{text}.example.com:4310"),
    }
}

fn pro(pro: u32) -> Seats {
    Seats { pro, ..Seats::NONE }
}

impl World {
    fn new() -> Self {
        Self {
            manager: Manager::new(Lessor::new(POOL, 1)),
            index: 0,
        }
    }

    fn apply(&mut self, command: Command) -> Outcome {
        self.index += 1;
        let by = Some("root".to_owned());
        self.manager.apply(self.index, NOW, &Entry { by, command })
    }

    fn invite(&mut self, id: &str, secret: u8, guest: Guest) {
        let expires = NOW.plus_ms(1000);
        let invited = self.apply(Command::Invite {
            id: id.into(),
            secret: [secret; 32],
            expires,
            guest,
        });
        assert_eq!(invited.done, Ok(Done::Done));
    }

    fn come(&mut self, id: &str, secret: u8, server: &str) -> Result<Done, Denial> {
        let outcome = self.apply(Command::AdmitServer {
            invitation: id.into(),
            secret: [secret; 32],
            server: name(server),
        });
        outcome.done
    }

    fn ask(&mut self, server: &str, ask: Ask) -> Reply {
        let request = Request {
            server: name(server),
            pool: None,
            seen: Default::default(),
            ask,
        };
        let outcome = self.apply(Command::Lend(lessor::Command::Ask(request)));
        outcome.answer.expect("an answer").reply
    }

    fn register(&mut self, server: &str) -> Reply {
        self.ask(
            server,
            Ask::Register {
                incarnation: Incarnation(9),
            },
        )
    }

    fn licensed(&mut self, seats: Seats, covers: Option<&[&str]>) {
        let covers = covers.map(|names| names.iter().map(|text| name(text)).collect::<BTreeSet<_>>());
        self.apply(Command::Lend(lessor::Command::Licensed { seats, covers }));
    }
}

fn refused(reply: &Reply) -> Option<Refusal> {
    match reply {
        Reply::Refused { refusal, .. } => Some(*refusal),
        _ => None,
    }
}

#[test]
fn only_servers_with_a_token_borrow_and_each_token_is_good_once() {
    let mut world = World::new();
    world.licensed(pro(10), None);
    assert_eq!(
        refused(&world.register("paris.example.com")),
        Some(Refusal::Unknown)
    );
    world.invite("a", 1, Guest::Server(name("paris.example.com")));
    assert_eq!(
        world.come("a", 2, "paris.example.com"),
        Err(Denial::BadInvitation)
    );
    let other = world.come("a", 1, "oslo.example.com");
    assert!(matches!(other, Err(Denial::OtherGuest { .. })), "{other:?}");
    assert_eq!(world.come("a", 1, "paris.example.com"), Ok(Done::Done));
    assert_eq!(refused(&world.register("paris.example.com")), None);
    assert_eq!(
        world.come("a", 1, "paris.example.com"),
        Err(Denial::BadInvitation)
    );
}

#[test]
fn a_token_that_is_too_old_is_good_for_nothing() {
    let mut world = World::new();
    world.invite("a", 1, Guest::Server(name("paris.example.com")));
    world.index += 1;
    let entry = Entry {
        by: None,
        command: Command::AdmitServer {
            invitation: "a".into(),
            secret: [1; 32],
            server: name("paris.example.com"),
        },
    };
    let late = world.manager.apply(world.index, NOW.plus_ms(1000), &entry);
    assert_eq!(late.done, Err(Denial::BadInvitation));
}

#[test]
fn a_server_that_no_licence_covers_keeps_what_it_has_and_gets_no_more() {
    let mut world = World::new();
    for server in ["paris.example.com", "oslo.example.com"] {
        world.invite(server, 1, Guest::Server(name(server)));
        world.come(server, 1, server).expect("admitted");
    }
    world.licensed(pro(10), Some(&["paris.example.com"]));
    assert_eq!(
        refused(&world.register("oslo.example.com")),
        Some(Refusal::NotCovered)
    );
    let Reply::Registered { epoch, .. } = world.register("paris.example.com") else {
        panic!("it is covered");
    };
    let grow = |seq, to| Ask::Grow {
        order: Order { epoch, term: 1, seq },
        to: pro(to),
    };
    let grown = world.ask("paris.example.com", grow(1, 4));
    assert!(matches!(grown, Reply::Grown { seats, .. } if seats == pro(4)));
    world.licensed(pro(10), Some(&["oslo.example.com"]));
    let grown = world.ask("paris.example.com", grow(2, 8));
    assert!(
        matches!(grown, Reply::Grown { seats, .. } if seats == pro(4)),
        "{grown:?}"
    );
}

#[test]
fn a_server_with_seats_is_not_removed_by_mistake() {
    let mut world = World::new();
    world.licensed(pro(10), None);
    world.invite("a", 1, Guest::Server(name("paris.example.com")));
    world.come("a", 1, "paris.example.com").expect("admitted");
    let Reply::Registered { epoch, .. } = world.register("paris.example.com") else {
        panic!("it may borrow");
    };
    let order = Order {
        epoch,
        term: 1,
        seq: 1,
    };
    world.ask("paris.example.com", Ask::Grow { order, to: pro(2) });
    let remove = Command::RemoveServer {
        server: name("paris.example.com"),
    };
    assert_eq!(world.apply(remove.clone()).done, Err(Denial::HoldsSeats));
    let server = name("paris.example.com");
    world.apply(Command::Lend(lessor::Command::DeclareDead { server }));
    assert_eq!(world.apply(remove).done, Ok(Done::Done));
}

#[test]
fn numbers_of_replicas_are_never_given_twice_and_the_last_one_stays() {
    let mut world = World::new();
    let alone = Command::StandAlone {
        member: NodeId(1),
        facts: member("lm-1"),
    };
    world.apply(alone);
    let mut admit = |name: &str| {
        world.invite(name, 1, Guest::Member);
        let admitted = world.apply(Command::AdmitMember {
            invitation: name.into(),
            secret: [1; 32],
            facts: member(name),
        });
        admitted.done
    };
    assert_eq!(admit("lm-2"), Ok(Done::Admitted(NodeId(2))));
    assert_eq!(admit("lm-1"), Err(Denial::NameTaken));
    let remove = |text: &str| Command::RemoveMember {
        name: text.parse().expect("a name"),
    };
    assert_eq!(world.apply(remove("lm-2")).done, Ok(Done::Done));
    assert_eq!(world.apply(remove("lm-1")).done, Err(Denial::LastMember));
    world.invite("c", 1, Guest::Member);
    let third = world.apply(Command::AdmitMember {
        invitation: "c".into(),
        secret: [1; 32],
        facts: member("lm-2"),
    });
    assert_eq!(third.done, Ok(Done::Admitted(NodeId(3))));
}

fn licence(id: u128) -> Licence {
    Licence {
        id: LicenceId(id),
        enterprise: "Example Ltd".into(),
        contact: String::new(),
        covers: Covers::Only([name("paris.example.com"), name("oslo.example.com")].into()),
        seats: pro(5),
        extensions: BTreeSet::new(),
        term: Term::Lifetime,
        edition: Edition::Server,
        support: Support::Basic,
        issued: NOW,
        valid_from: NOW,
        valid_until: None,
    }
}

#[test]
fn files_count_once_they_are_confirmed_for_this_pool() {
    let mut world = World::new();
    let vendor = Signer::of_seed([7; 32]).expect("a key");
    let build = Build {
        vendor: Some(vendor.public()),
        is_debug: false,
    };
    let trust = Trust::new(build, None).expect("well said");
    let try_in = |world: &World, text: &str| judge(&world.manager.office, POOL, text.as_bytes(), &trust, NOW);
    let text = Signed::issue(&licence(1), &vendor).expect("issued");
    let foreign = Signed::issue(&licence(1), &Signer::of_seed([8; 32]).expect("a key")).expect("issued");
    let development = Signed::issue(&licence(1), &Signer::for_development().expect("a key")).expect("issued");
    assert_eq!(
        try_in(&world, &foreign).expect_err("refused").code(),
        "licence_foreign_key"
    );
    assert_eq!(
        try_in(&world, &development).expect_err("refused").code(),
        "licence_development_key"
    );
    assert_eq!(try_in(&world, &text), Ok((LicenceId(1), false)));
    let id = LicenceId(1);
    world.apply(Command::Install {
        id,
        text: text.clone(),
    });
    assert_eq!(
        try_in(&world, &text).expect_err("refused").code(),
        "licence_known"
    );
    let seats = |world: &World| {
        Files::of(&world.manager.office, POOL, &trust, NOW)
            .pool
            .capacity()
    };
    assert_eq!(seats(&world), Seats::NONE, "it waits for its confirmation");
    let request = |pool| Asked {
        licence: id,
        pool,
        made: NOW,
        version: String::new(),
    };
    let other = Confirmation::issue(&request(PoolId(8)), NOW, &vendor);
    assert_eq!(
        try_in(&world, &other).expect_err("refused").code(),
        "licence_other_pool"
    );
    let ours = Confirmation::issue(&request(POOL), NOW, &vendor);
    assert_eq!(try_in(&world, &ours), Ok((id, true)));
    world.apply(Command::Confirm { id, text: ours });
    assert_eq!(seats(&world), pro(5));
    world.apply(Command::RemoveLicence { id });
    assert_eq!(seats(&world), Seats::NONE);
}
