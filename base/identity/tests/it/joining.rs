//! From a join token to a node.

use crate::common::{enterprise, machine, meet, meet_programs, node_name, server};
use plenary_identity::{
    Expected, Identity, IdentityError, JoinError, JoinSecret, JoinToken, Joining, Refusal,
    join::{Side, binding, check_proof, prove},
};
use plenary_model::NodeId;

const PARIS: &str = "paris.example.com";

fn token(node: &Identity) -> JoinToken {
    let secret = JoinSecret::random().expect("random");
    node.join_token("inv-1".into(), secret, vec!["10.0.0.1:4308".into()], 1_000_000)
}

#[tokio::test]
async fn a_machine_with_a_token_becomes_a_node() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let made = token(&one);
    let kept = made.secret.hash();
    let text = made.encode();

    let joining = Joining::new(text.parse().expect("whole"), node_name("node-2")).expect("key");
    let met = meet(one.server_config(vec![]), joining.client_config()).await;
    assert_eq!(met.seen_by_server(), None);
    assert_eq!(joining.root(), Some(one.root_der()));
    let at_server = binding(met.server.as_ref().expect("open").get_ref().1).expect("bound");
    let at_joiner = binding(met.client.as_ref().expect("open").get_ref().1).expect("bound");

    // At the server.
    check_proof(Side::Joiner, &kept, &at_server, &joining.proof(&at_joiner))
        .expect("the joiner knows the token");
    assert!(joining.token().secret.matches(&kept));
    let request = joining.certificate_request().expect("made");
    let parcel = one
        .admit(node_name("node-2"), NodeId(2), &request, &kept, &at_server)
        .expect("admitted");
    let proof = prove(Side::Server, &kept, &at_server);

    // At the joiner.
    let folder = demo.folder.path().join("joined");
    let two = joining
        .finish(&folder, machine(&folder), NodeId(2), &at_joiner, &proof, &parcel)
        .expect("joined");
    assert_eq!(
        two.me().to_string(),
        "plenary://Demo/node/paris.example.com/node-2?member=2"
    );
    let paris = || Expected::node_of(&server(PARIS));
    let met = meet_programs(&one, &two, paris(), paris()).await;
    assert_eq!(met.seen_by_server().expect("certificate").name, *two.me());

    // It can do all that the first node can, also after a restart: admit, renew, serve browsers.
    drop(two);
    let two = Identity::open(&folder, machine(&folder)).expect("opens");
    let met = meet_programs(&two, &one, paris(), paris()).await;
    assert_eq!(met.seen_by_client().expect("certificate").name.member, NodeId(2));
    two.web(&[PARIS.parse().expect("good")]).expect("certified");
    two.admit(node_name("node-3"), NodeId(3), &request, &kept, &at_server)
        .expect("admitted");
}

#[tokio::test]
async fn a_token_accepts_only_its_own_enterprise_and_server() {
    let (demo, other) = (enterprise(), enterprise());
    let one = demo.node(PARIS, "node-1", 1);
    let joining = Joining::new(token(&one), node_name("node-2")).expect("key");

    let stranger = other.node(PARIS, "node-1", 1);
    let (_, client) = meet(stranger.server_config(vec![]), joining.client_config())
        .await
        .refused();
    assert!(client.contains("another enterprise"), "{client}");
    assert_eq!(joining.root(), None);

    let oslo = demo.node("oslo.example.com", "node-1", 1);
    let (_, client) = meet(oslo.server_config(vec![]), joining.client_config())
        .await
        .refused();
    assert!(
        client.contains("a node of paris.example.com was expected"),
        "{client}"
    );
    assert_eq!(joining.root(), None, "what was refused is not believed");
}

#[test]
fn proofs_count_for_one_side_one_connection_and_one_token() {
    let (secret, other) = (
        JoinSecret::random().expect("random"),
        JoinSecret::random().expect("random"),
    );
    let (here, elsewhere) = ([1; 32], [2; 32]);
    let proof = prove(Side::Joiner, &secret.hash(), &here);
    check_proof(Side::Joiner, &secret.hash(), &here, &proof).expect("right");
    for (side, hash, binding) in [
        (Side::Server, secret.hash(), here),
        (Side::Joiner, other.hash(), here),
        (Side::Joiner, secret.hash(), elsewhere),
    ] {
        assert_eq!(
            check_proof(side, &hash, &binding, &proof),
            Err(JoinError::WrongProof)
        );
    }
    assert_eq!(
        check_proof(Side::Joiner, &secret.hash(), &here, &proof[..31]),
        Err(JoinError::WrongProof)
    );
    assert!(!other.matches(&secret.hash()));
}

#[test]
fn an_answer_that_is_not_the_servers_leaves_nothing_behind() {
    let (demo, other) = (enterprise(), enterprise());
    let one = demo.node(PARIS, "node-1", 1);
    let made = token(&one);
    let kept = made.secret.hash();
    let joining = Joining::new(made, node_name("node-2")).expect("key");
    let request = joining.certificate_request().expect("made");
    let here = [1; 32];
    let proof = prove(Side::Server, &kept, &here);
    let folder = demo.folder.path().join("joined");
    let finish = |member, binding: &[u8; 32], proof: &[u8], parcel: &[u8]| {
        joining
            .finish(&folder, machine(&folder), NodeId(member), binding, proof, parcel)
            .map(drop)
            .expect_err("refused")
    };
    let good = one
        .admit(node_name("node-2"), NodeId(2), &request, &kept, &here)
        .expect("packed");

    assert!(matches!(
        finish(2, &here, &[0; 32], &good),
        IdentityError::Join(JoinError::WrongProof)
    ));
    assert!(matches!(
        finish(2, &[2; 32], &proof, &good),
        IdentityError::Join(JoinError::WrongProof)
    ));
    let mut changed = good.clone();
    changed[40] ^= 1;
    assert!(
        finish(2, &here, &proof, &changed)
            .to_string()
            .contains("cannot be decrypted")
    );
    assert!(
        finish(3, &here, &proof, &good).to_string().contains("not ours"),
        "another number than was told"
    );
    let foreign =
        other
            .node(PARIS, "node-1", 1)
            .admit(node_name("node-2"), NodeId(2), &request, &kept, &here);
    let error = finish(2, &here, &proof, &foreign.expect("packed"));
    assert!(
        matches!(error, IdentityError::Refused(Refusal::OtherEnterprise)),
        "{error}"
    );
    let oslo = demo.node("oslo.example.com", "node-1", 1).admit(
        node_name("node-2"),
        NodeId(2),
        &request,
        &kept,
        &here,
    );
    assert!(
        finish(2, &here, &proof, &oslo.expect("packed"))
            .to_string()
            .contains("oslo.example.com")
    );
    assert!(!folder.join("identity.json").exists());
}

#[test]
fn certificate_requests_are_checked() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let joining = Joining::new(token(&one), node_name("node-2")).expect("key");
    let good = joining.certificate_request().expect("made");
    let admit = |request: &[u8]| one.admit(node_name("node-2"), NodeId(2), request, &[0; 32], &[0; 32]);
    admit(&good).expect("admitted");
    for bad in [
        Vec::new(),
        b"nonsense".to_vec(),
        good[..good.len() - 1].to_vec(),
        {
            let mut changed = good.clone();
            let last = changed.len() - 1;
            changed[last] ^= 1;
            changed
        },
    ] {
        let error = admit(&bad).expect_err("refused");
        assert!(
            matches!(error, IdentityError::Refused(Refusal::BadRequest(_))),
            "{error}"
        );
    }
    let p384 = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).expect("key");
    let request = rcgen::CertificateParams::default()
        .serialize_request(&p384)
        .expect("request");
    assert!(
        admit(request.der())
            .expect_err("refused")
            .to_string()
            .contains("P-256")
    );
}

#[test]
fn a_request_gets_only_the_name_that_was_admitted() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let key = rcgen::KeyPair::generate().expect("key");
    let mut params = rcgen::CertificateParams::new(vec!["evil.example".to_owned()]).expect("params");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let request = params.serialize_request(&key).expect("request");
    let who = one.ca().scope().program_named(node_name("node-9"), NodeId(9));
    let week = plenary_identity::PROGRAM_LIFETIME;
    let now = std::time::SystemTime::now();
    let made = one
        .ca()
        .certify_request(request.der(), &who, now, week)
        .expect("certified");
    let (_, made) = x509_parser::parse_x509_certificate(&made).expect("certificate");
    assert!(!made.is_ca());
    let names = made
        .subject_alternative_name()
        .expect("one")
        .expect("there")
        .value
        .general_names
        .clone();
    assert_eq!(
        names,
        [x509_parser::extensions::GeneralName::URI(&who.to_string())]
    );

    let mut outside = who;
    outside.server = server("oslo.example.com");
    let error = one
        .ca()
        .certify_request(request.der(), &outside, now, week)
        .expect_err("refused");
    assert!(
        matches!(error, IdentityError::Refused(Refusal::OutOfScope { .. })),
        "{error}"
    );
}

#[test]
fn tokens_survive_being_copied_and_notice_when_not() {
    let demo = enterprise();
    let made = token(&demo.node(PARIS, "node-1", 1));
    let text = made.encode();
    let read: JoinToken = format!("  {text}\n").parse().expect("whole");
    assert_eq!(read.server, made.server);
    assert_eq!(read.enterprise, made.enterprise);
    assert_eq!(read.root_hash, made.root_hash);
    assert_eq!(read.addresses, made.addresses);
    assert_eq!(read.invitation, "inv-1");
    assert!(read.secret.matches(&made.secret.hash()));
    assert_eq!(read.expires_ms, made.expires_ms);

    assert_eq!(
        "hello".parse::<JoinToken>().expect_err("refused"),
        JoinError::NotAToken
    );
    for length in 13..text.len() {
        assert_eq!(
            text[..length].parse::<JoinToken>().expect_err("cut off"),
            JoinError::Damaged,
            "{length}"
        );
    }
    for position in 13..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).expect("ASCII");
        assert_eq!(
            changed.parse::<JoinToken>().expect_err("changed"),
            JoinError::Damaged,
            "{position}"
        );
    }

    read.check_time(999_999).expect("in time");
    let error = read.check_time(1_060_000).expect_err("late");
    assert_eq!(error, JoinError::Expired { ago_s: 60 });
    assert!(error.to_string().contains("ask for a new one"));
}

#[test]
fn secrets_are_not_shown() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let made = token(&one);
    let joining = Joining::new(made.clone(), node_name("node-2")).expect("key");
    let shown = format!("{made:?} {joining:?} {one:?} {:?} {:?}", one.ca(), demo.root);
    assert!(shown.contains("hidden"));
    let bytes = format!("{:?}", made.secret.as_bytes());
    assert!(!shown.contains(&bytes[1..bytes.len() - 1]), "{shown}");
}
