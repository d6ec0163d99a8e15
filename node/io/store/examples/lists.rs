//! How long lists, searches and changes take with 10,000 accounts in 200 groups; the goal is 100 ms for 95 of
//! 100. Run it with `cargo run --release -p plenary-store --example lists`.

use plenary_access::*;
use plenary_model::{GroupId, NodeId, Rights, UserName};
use plenary_replication::{Application as _, Stamp};
use plenary_store::{ServerApp, decode_reply, encode_command, queries};
use rusqlite::Connection;
use std::{
    collections::BTreeSet,
    error::Error,
    fmt::Debug,
    io::Write as _,
    str::FromStr,
    time::{Duration, Instant},
};

const USERS: u64 = 10_000;
const GROUPS: u64 = 200;
const TIMES: u64 = 200;

type Failure = Box<dyn Error>;

fn name<T: FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a good name")
}

fn user_name(at: u64) -> UserName {
    name(&format!("user{at:05}"))
}

fn group_id(at: u64) -> GroupId {
    name(&format!("g-{at:03}"))
}

struct Server {
    app: ServerApp,
    db: Connection,
    index: u64,
}

impl Server {
    fn open(path: &std::path::Path) -> Result<Self, Failure> {
        let mut db = Connection::open(path)?;
        db.pragma_update(None, "journal_mode", "wal")?;
        // As the replication has it: its log is what survives a loss of power.
        db.pragma_update(None, "synchronous", "off")?;
        db.set_prepared_statement_cache_capacity(128);
        let app = ServerApp::default();
        app.migrate(&mut db)?;
        Ok(Self { app, db, index: 0 })
    }

    fn run(&mut self, change: Change) -> Result<Outcome, Failure> {
        self.index += 1;
        let by = Actor {
            kind: ActorKind::System,
            session: String::new(),
            address: String::new(),
            user_agent: String::new(),
        };
        let command = encode_command(&Command {
            by,
            idempotency: None,
            change,
        })?;
        let at = Stamp {
            index: self.index,
            position: 0,
            now_ms: 1_700_000_000_000 + self.index,
            level: 1,
        };
        let transaction = self.db.transaction()?;
        let reply = self.app.apply(&transaction, at, &command)?;
        transaction.commit()?;
        Ok(decode_reply(&reply.bytes)??)
    }

    fn fill(&mut self) -> Result<(), Failure> {
        self.run(Change::FoundServer {
            server: name("paris.example.com"),
            enterprise: "Example".into(),
            node: NodeId(1),
            name: name("node-1"),
            address: "192.0.2.1:7000".into(),
        })?;
        for at in 0..GROUPS {
            self.run(Change::CreateGroup {
                id: group_id(at),
                name: format!("Group {at}"),
                rights: Rights::usual(),
                address_book: AddressBook::default(),
                bandwidth: Bandwidth::default(),
            })?;
        }
        let rows = (0..USERS).map(|at| ImportRow {
            line: u32::try_from(at).unwrap_or(u32::MAX),
            id: user_name(at),
            patch: UserPatch {
                profile: ProfilePatch {
                    display_name: Some(format!("Élodie Иванова {}", at * 7_919 % USERS)),
                    email: Some(format!("user{at}@example.com")),
                    department: Some(format!("Department {}", at % 50)),
                    ..ProfilePatch::default()
                },
                password: Some(PasswordHash("x".repeat(96))),
                ..UserPatch::default()
            },
            group_names: Some([format!("Group {}", at % GROUPS), format!("Group {}", at % 7)].into()),
        });
        self.run(Change::ImportUsers {
            rows: rows.collect(),
            group_ids: Vec::new(),
        })?;
        Ok(())
    }
}

/// Runs `work` many times; tells the median and how long 95 of 100 take at most.
fn measure(
    label: &str,
    server: &mut Server,
    mut work: impl FnMut(&mut Server, u64) -> Result<u64, Failure>,
) -> Result<(), Failure> {
    let mut took = Vec::new();
    let mut rows = 0;
    for at in 0..TIMES {
        let start = Instant::now();
        rows += work(server, at)?;
        took.push(start.elapsed());
    }
    took.sort();
    let at = |share: usize| {
        took.get(took.len() * share / 100)
            .map_or(Duration::ZERO, |took| *took)
    };
    let (half, most) = (at(50).as_secs_f64() * 1e3, at(95).as_secs_f64() * 1e3);
    let verdict = if most < 100.0 { "" } else { "  TOO SLOW" };
    writeln!(
        std::io::stdout(),
        "{label:<44} p50 {half:>7.2} ms   p95 {most:>7.2} ms   {:>4} rows{verdict}",
        rows / TIMES
    )?;
    Ok(())
}

fn users(db: &Connection, query: UserQuery) -> Result<u64, Failure> {
    let list = ListQuery {
        limit: 50,
        ..query.list
    };
    Ok(queries::users(db, &UserQuery { list, ..query })?.items.len() as u64)
}

fn sorted(sort: &str) -> UserQuery {
    UserQuery {
        list: ListQuery {
            sort: Some(sort.into()),
            ..ListQuery::default()
        },
        ..UserQuery::default()
    }
}

fn search(text: String) -> ListQuery {
    ListQuery {
        search: text,
        limit: 50,
        ..ListQuery::default()
    }
}

fn lists(server: &mut Server) -> Result<(), Failure> {
    for sort in ["id", "display_name", "email", "created_at"] {
        measure(&format!("users, first page by {sort}"), server, |server, _| {
            users(&server.db, sorted(sort))
        })?;
    }
    let last = ListQuery {
        sort: Some("display_name".into()),
        descending: true,
        ..ListQuery::default()
    };
    measure("users, last page by display_name", server, |server, _| {
        let query = UserQuery {
            list: last.clone(),
            ..UserQuery::default()
        };
        users(&server.db, query)
    })?;
    measure("users, search for two words", server, |server, at| {
        let query = UserQuery {
            list: search(format!("elodie {}", at % 97)),
            ..UserQuery::default()
        };
        users(&server.db, query)
    })?;
    measure("users, search for nothing there", server, |server, at| {
        let query = UserQuery {
            list: search(format!("nowhere{at}")),
            ..UserQuery::default()
        };
        users(&server.db, query)
    })?;
    measure("users of a group", server, |server, at| {
        let query = UserQuery {
            group: Some(group_id(at % GROUPS)),
            ..UserQuery::default()
        };
        users(&server.db, query)
    })?;
    measure("users who are online", server, |server, _| {
        let query = UserQuery {
            presence: Some(Presence::Online),
            ..UserQuery::default()
        };
        users(&server.db, query)
    })?;
    for sort in ["name", "members"] {
        measure(&format!("groups by {sort}"), server, |server, _| {
            let list = ListQuery {
                sort: Some(sort.into()),
                limit: 200,
                ..ListQuery::default()
            };
            Ok(queries::groups(&server.db, &list)?.items.len() as u64)
        })?;
    }
    measure("address book that shows everyone", server, |server, at| {
        let list = search(String::new());
        Ok(queries::address_book(&server.db, &user_name(at), &list)?
            .items
            .len() as u64)
    })?;
    measure("address book, search", server, |server, at| {
        let list = search(format!("user{}", at % 97));
        Ok(queries::address_book(&server.db, &user_name(at), &list)?
            .items
            .len() as u64)
    })?;
    measure("events, newest page", server, |server, _| {
        let query = EventQuery {
            list: search(String::new()),
            ..EventQuery::default()
        };
        Ok(queries::events(&server.db, &query)?.items.len() as u64)
    })?;
    measure("events, search", server, |server, at| {
        let query = EventQuery {
            list: search(format!("user{at:05}")),
            ..EventQuery::default()
        };
        Ok(queries::events(&server.db, &query)?.items.len() as u64)
    })
}

fn edits(server: &mut Server) -> Result<(), Failure> {
    measure("change an account and read it", server, |server, at| {
        let id = user_name(at * 31 % USERS);
        let patch = UserPatch {
            profile: ProfilePatch {
                job_title: Some(format!("Title {at}")),
                ..ProfilePatch::default()
            },
            ..UserPatch::default()
        };
        server.run(Change::UpdateUser {
            id: id.clone(),
            expect: None,
            patch,
        })?;
        Ok(u64::from(queries::user(&server.db, &id)?.is_some()))
    })?;
    measure("add and remove fifty members", server, |server, at| {
        let users: BTreeSet<UserName> = (0..50).map(|n| user_name((at * 50 + n) % USERS)).collect();
        let (add, remove) = if at % 2 == 0 {
            (users, BTreeSet::new())
        } else {
            (BTreeSet::new(), users)
        };
        server.run(Change::ChangeMembers {
            id: group_id(199),
            add,
            remove,
        })?;
        Ok(50)
    })?;
    measure("change a group", server, |server, at| {
        server.run(Change::UpdateGroup {
            id: group_id(at % GROUPS),
            expect: None,
            name: Some(format!("Group renamed {at}")),
            rights: None,
            address_book: None,
            bandwidth: None,
            call_id: None,
        })?;
        Ok(1)
    })
}

fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    let mut server = Server::open(&folder.path().join("state.db"))?;
    let start = Instant::now();
    server.fill()?;
    let took = start.elapsed().as_secs_f64();
    writeln!(
        std::io::stdout(),
        "filled with {USERS} accounts in {GROUPS} groups in {took:.1} s"
    )?;
    lists(&mut server)?;
    edits(&mut server)
}
