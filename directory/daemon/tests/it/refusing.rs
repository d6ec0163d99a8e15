//! A server that does not keep to the protocol is refused in words, and harms nobody.

use crate::{
    server::{Server, id, person},
    world::{OSLO, PARIS, World},
};
use plenary_contracts::directory::v1::{
    self as pb, Batch, FromDirectory, FromServer, Hello, directory_client::DirectoryClient,
    from_directory::What as Said, from_server::What,
};
use plenary_directory_client::{CODE, wire};
use plenary_identity::{Expected, Program};
use tokio::sync::mpsc;
use tokio_stream::{StreamExt as _, wrappers::ReceiverStream};

/// What becomes of a feed that says this: the welcome and what was durable, and the word of the refusal.
pub(crate) struct Told {
    pub(crate) welcomed: bool,
    pub(crate) durable: Vec<u64>,
    pub(crate) code: String,
    pub(crate) reason: String,
}

pub(crate) async fn feed(world: &World, server: &Server, words: Vec<What>) -> Told {
    let tls = server.identity.client_config(Expected::any(Program::Directory));
    let channel = plenary_links::channel(&world.addresses()[0], tls).unwrap();
    let (say, said) = mpsc::channel(words.len() + 1);
    for what in words {
        say.send(FromServer { what: Some(what) }).await.unwrap();
    }
    let mut told = Told {
        welcomed: false,
        durable: Vec::new(),
        code: String::new(),
        reason: String::new(),
    };
    let mut client = DirectoryClient::new(channel).max_encoding_message_size(64 << 20);
    let mut hear = client.feed(ReceiverStream::new(said)).await.unwrap().into_inner();
    let refused = loop {
        match hear.next().await {
            Some(Ok(FromDirectory { what })) => match what.unwrap() {
                Said::Welcome(_) => told.welcomed = true,
                Said::Durable(position) => told.durable.push(position),
                Said::Addresses(_) => {}
                Said::Refused(refused) => {
                    told.code = refused.code;
                    return told;
                }
            },
            Some(Err(status)) => break status,
            None => return told,
        }
    };
    let code = refused.metadata().get(CODE).map(|code| code.to_str().unwrap());
    told.code = code.unwrap_or("none").to_owned();
    told.reason = refused.message().to_owned();
    told
}

pub(crate) fn hello(server: &Server) -> Hello {
    Hello {
        store: Vec::new(),
        leaving: false,
        version: wire::VERSION,
        server: server.name.clone(),
        client_id: server.credentials.client_id.clone(),
        secret: server.credentials.secret.as_bytes().to_vec(),
        incarnation: vec![1; 16],
        tells_from: 0,
        position: 10,
        share: Some(wire::share_to(&Default::default())),
        presence_only: false,
        term: 0,
        revocations: None,
    }
}

pub(crate) fn end() -> What {
    let digest = plenary_people::Digest::EMPTY.as_bytes().to_vec();
    What::End(pb::SnapshotEnd { position: 1, digest })
}

fn put(entry: plenary_people::Entry) -> pb::Change {
    wire::change_to(plenary_people::Change::put(entry)).unwrap()
}

pub(crate) fn batch(from: u64, to: u64, changes: Vec<pb::Change>) -> What {
    What::Batch(Batch { from, to, changes })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_that_does_not_keep_to_the_protocol_is_refused() {
    let world = World::sqlite().await;
    let paris = Server::new(&world, PARIS, world.invite(PARIS).credentials);
    let good = || hello(&paris);
    let first = |hello: Hello, rest: Vec<What>| {
        let words = std::iter::once(What::Hello(hello));
        feed(&world, &paris, words.chain(rest).collect())
    };
    let refused = feed(&world, &paris, vec![batch(0, 1, Vec::new())]).await;
    assert!(refused.code == "bad_message" && !refused.welcomed);
    let newer = Hello { version: 2, ..good() };
    let refused = first(newer, Vec::new()).await;
    assert!(
        refused.code == "version" && refused.reason.contains("update"),
        "{}",
        refused.reason
    );
    let other = Hello {
        server: OSLO.into(),
        ..good()
    };
    assert_eq!(first(other, Vec::new()).await.code, "other_server");
    let short = Hello {
        incarnation: vec![1; 15],
        ..good()
    };
    assert_eq!(first(short, Vec::new()).await.code, "bad_message");
    // Nothing counts before the first snapshot.
    let early = first(good(), vec![batch(0, 1, Vec::new())]).await;
    assert!(early.welcomed && early.code == "gap", "{}", early.code);
    let gap = first(
        good(),
        vec![end(), batch(1, 2, Vec::new()), batch(5, 6, Vec::new())],
    )
    .await;
    assert_eq!((gap.durable.as_slice(), gap.code.as_str()), (&[1, 2][..], "gap"));
    let back = first(good(), vec![batch(2, 1, Vec::new())]).await;
    assert_eq!(back.code, "bad_message");
    let twice = first(good(), vec![What::Hello(good())]).await;
    assert_eq!(twice.code, "bad_message");
    let mut nameless = person(PARIS, "alice", "Alice");
    nameless.display_name = String::new();
    let bad = first(good(), vec![batch(2, 3, vec![put(nameless)])]).await;
    assert!(
        bad.code == "bad_entry" && bad.reason.contains("alice"),
        "{}",
        bad.reason
    );
    let many = vec![put(person(PARIS, "alice", "Alice")); wire::MOST_CHANGES + 1];
    assert_eq!(first(good(), vec![batch(2, 3, many)]).await.code, "bad_message");
    let mut long = person(PARIS, "alice", "Alice");
    long.company = "x".repeat(wire::MESSAGE_BYTES + 1);
    let long = first(good(), vec![batch(2, 3, vec![put(long)])]).await;
    assert!(long.durable.is_empty(), "a message has an end");
    let twice = pb::SnapshotPart {
        entries: vec![wire::entry_to(person(PARIS, "alice", "Alice")); 2],
    };
    let mut sum = plenary_people::Digest::EMPTY;
    sum.add(&person(PARIS, "alice", "Alice"));
    sum.add(&person(PARIS, "alice", "Alice"));
    let digest = sum.as_bytes().to_vec();
    let end_of_two = What::End(pb::SnapshotEnd { position: 9, digest });
    assert_eq!(
        first(good(), vec![What::Part(twice), end_of_two]).await.code,
        "digest"
    );
    let quiet = Hello {
        presence_only: true,
        ..good()
    };
    assert_eq!(first(quiet, vec![end()]).await.code, "bad_message");
    // After all that it is as it was.
    let on = first(
        good(),
        vec![
            batch(2, 3, vec![put(person(PARIS, "bob", "Bob"))]),
            What::Hello(good()),
        ],
    );
    assert_eq!(on.await.durable, [3]);
    paris.finds("bob", &["Bob"]).await;
    paris.finds("alice", &[]).await;
    let nobody = paris
        .finder
        .get(&paris.question("eve", "").viewer, &id(OSLO, "bob"))
        .await;
    assert_eq!(nobody, Ok(None));
}
