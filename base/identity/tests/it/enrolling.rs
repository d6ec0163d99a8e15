//! From a token to a program in the DMZ, which holds no issuing key.

use crate::common::{Enterprise, enterprise, machine, meet, node_name, server};
use plenary_identity::{
    Enrolled, Enrolling, Expected, Identity, IdentityError, JoinError, JoinSecret, JoinToken, Joining,
    Program, RevocationList,
    join::{Side, binding, check_proof, prove},
};
use plenary_model::NodeId;
use std::{collections::BTreeSet, time::Duration, time::SystemTime};

const PARIS: &str = "paris.example.com";
const HOUR: Duration = Duration::from_secs(3600);

fn token(node: &Identity) -> JoinToken {
    let secret = JoinSecret::random().expect("random");
    let token = node.controller_token("bc".into(), secret, "192.0.2.1:4312".into(), 1_000_000);
    token.encode().parse().expect("whole")
}

/// Enrolled by this node as the controller `dmz-1` with number 1.
async fn enrolled(demo: &Enterprise, node: &Identity, lifetime: Duration) -> Enrolled {
    let enrolling = Enrolling::new(token(node)).expect("key");
    let kept = enrolling.token().secret.hash();
    let met = meet(enrolling.server_config(), node.enrolling_client_config()).await;
    assert_eq!(met.seen_by_server().expect("a node").name, *node.me());
    let at_node = binding(met.client.as_ref().expect("open").get_ref().1).expect("bound");
    let here = binding(met.server.as_ref().expect("open").get_ref().1).expect("bound");
    check_proof(Side::Joiner, &kept, &at_node, &enrolling.proof(&here)).expect("it knows the token");
    let request = enrolling.certificate_request().expect("made");
    let chain = node
        .certify_controller(&node_name("dmz-1"), NodeId(1), &request, lifetime)
        .expect("certified");
    let folder = demo.folder.path().join("dmz");
    let proof = prove(Side::Server, &kept, &at_node);
    enrolling
        .finish(&folder, &machine(&folder), &here, &proof, chain)
        .expect("enrolled")
}

fn controller() -> Expected {
    Expected::any(Program::BorderController).at(&server(PARIS))
}

#[tokio::test]
async fn a_program_in_the_dmz_is_enrolled_from_inside_and_renews_without_an_issuing_key() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let made = enrolled(&demo, &one, HOUR).await;
    let name = "plenary://Demo/border-controller/paris.example.com/dmz-1?member=1";
    assert_eq!(made.me().to_string(), name);

    // After a restart it is who it was; nodes of its server, and nobody else, get on with it.
    drop(made);
    let folder = demo.folder.path().join("dmz");
    let made = Enrolled::open(&folder, &machine(&folder)).expect("opens");
    let dialled = controller().named(&node_name("dmz-1")).member(NodeId(1));
    let met = meet(made.server_config(), one.client_config(dialled.clone())).await;
    assert_eq!(met.seen_by_client().expect("certificate").name.to_string(), name);
    let oslo = demo.node("oslo.example.com", "node-1", 1);
    let (here, _) = meet(made.server_config(), oslo.client_config(dialled.clone()))
        .await
        .refused();
    assert!(
        here.contains("a node of paris.example.com was expected"),
        "{here}"
    );
    let (_, there) = meet(
        made.server_config(),
        one.client_config(controller().member(NodeId(2))),
    )
    .await
    .refused();
    assert!(there.contains("was expected"), "{there}");

    let now = SystemTime::now();
    assert!(made.renewal(now).expect("asked").is_none(), "it is new");
    let renewal = made.renewal(now + HOUR).expect("asked").expect("due");
    let certify = |name: &str, request: &[u8]| {
        one.certify_controller(&node_name(name), NodeId(1), request, 2 * HOUR)
            .expect("certified")
    };
    let wrong = certify("dmz-2", &renewal.request);
    made.renew(&machine(&folder), renewal, wrong)
        .expect_err("the name of another");
    let renewal = made.renewal(now + HOUR).expect("asked").expect("due");
    let other = made.renewal(now + HOUR).expect("asked").expect("due");
    let wrong = certify("dmz-1", &other.request);
    made.renew(&machine(&folder), renewal, wrong)
        .expect_err("the key of another");
    let chain = certify("dmz-1", &other.request);
    made.renew(&machine(&folder), other, chain).expect("renewed");
    assert!(made.expires() > now + HOUR);
    let again = Enrolled::open(&folder, &machine(&folder)).expect("opens");
    assert_eq!(again.expires(), made.expires());
    meet(made.server_config(), one.client_config(dialled))
        .await
        .seen_by_client()
        .expect("shown");
}

#[tokio::test]
async fn removed_nodes_and_removed_controllers_are_refused() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let made = enrolled(&demo, &one, HOUR).await;
    let list = RevocationList {
        version: 2,
        members: BTreeSet::from([(Program::BorderController, NodeId(1)), (Program::Node, NodeId(2))]),
        ..RevocationList::empty(one.ca().scope().clone())
    };
    let signed = one.sign_revocations(&list).expect("signed");
    one.accept_revocations(&signed).expect("good");
    assert!(made.accept_revocations(&signed).expect("good"));
    assert!(!made.accept_revocations(&signed).expect("good"), "it is known");
    let (_, there) = meet(made.server_config(), one.client_config(controller()))
        .await
        .refused();
    assert!(there.contains("revoked"), "{there}");

    // The list is there after a restart; lists of other servers count nothing.
    let folder = demo.folder.path().join("dmz");
    let again = Enrolled::open(&folder, &machine(&folder)).expect("opens");
    assert!(again.revocations().list(one.ca().scope()).is_some());
    let oslo = demo.node("oslo.example.com", "node-1", 1);
    let foreign = oslo
        .sign_revocations(&RevocationList {
            version: 9,
            ..RevocationList::empty(oslo.ca().scope().clone())
        })
        .expect("signed");
    again.accept_revocations(&foreign).expect_err("another server's");
}

#[tokio::test]
async fn what_the_server_wants_counts_only_with_its_signature_also_after_a_restart() {
    let (demo, other) = (enterprise(), enterprise());
    let one = demo.node(PARIS, "node-1", 1);
    let made = enrolled(&demo, &one, HOUR).await;
    assert_eq!(made.kept_policy(), None);
    let wanted = one.sign_policy("deny nobody".into()).expect("signed");
    let told = made
        .accept_policy(&wanted, |text| text == "deny nobody")
        .expect("good");
    assert_eq!(told.as_deref(), Some("deny nobody"));
    let newer = one.sign_policy("deny all".into()).expect("signed");
    assert_eq!(
        made.accept_policy(&newer, |_| false).expect("good"),
        None,
        "it is older"
    );
    for stranger in [
        demo.node("oslo.example.com", "node-1", 1),
        other.node(PARIS, "node-1", 1),
    ] {
        let foreign = stranger.sign_policy("deny all".into()).expect("signed");
        made.accept_policy(&foreign, |_| true)
            .expect_err("another server's");
    }
    let text = serde_json::to_string(&newer)
        .expect("JSON")
        .replace("deny all", "deny you");
    let changed = serde_json::from_str(&text).expect("JSON");
    made.accept_policy(&changed, |_| true)
        .expect_err("its signature is wrong");

    let folder = demo.folder.path().join("dmz");
    let again = Enrolled::open(&folder, &machine(&folder)).expect("opens");
    assert_eq!(again.kept_policy().as_deref(), Some("deny nobody"));
    std::fs::write(folder.join("policy.json"), text).expect("written");
    assert_eq!(again.kept_policy(), None, "who changes the file changes nothing");
}

#[tokio::test]
async fn a_token_is_good_for_its_enterprise_its_server_and_its_program() {
    let (demo, other) = (enterprise(), enterprise());
    let one = demo.node(PARIS, "node-1", 1);
    let enrolling = Enrolling::new(token(&one)).expect("key");
    for stranger in [
        other.node(PARIS, "node-1", 1),
        demo.node("oslo.example.com", "node-1", 1),
    ] {
        meet(enrolling.server_config(), stranger.enrolling_client_config())
            .await
            .refused();
    }
    let node_token = one.join_token(
        "inv".into(),
        JoinSecret::random().expect("random"),
        vec!["a:1".into()],
        9,
    );
    let error = Enrolling::new(node_token).expect_err("a node's token");
    assert!(
        matches!(error, IdentityError::Join(JoinError::OtherProgram { .. })),
        "{error}"
    );
    // With the token of a controller no node comes to be: what it would get is not for it.
    let joining = Joining::new(token(&one), node_name("node-2")).expect("key");
    meet(one.server_config(vec![]), joining.client_config())
        .await
        .refused();
}

#[tokio::test]
async fn who_does_not_know_the_token_enrols_nobody() {
    let demo = enterprise();
    let one = demo.node(PARIS, "node-1", 1);
    let enrolling = Enrolling::new(token(&one)).expect("key");
    let met = meet(enrolling.server_config(), one.enrolling_client_config()).await;
    let here = binding(met.server.as_ref().expect("open").get_ref().1).expect("bound");
    let request = enrolling.certificate_request().expect("made");
    let chain = one
        .certify_controller(&node_name("dmz-1"), NodeId(1), &request, HOUR)
        .expect("certified");
    let guessed = JoinSecret::random().expect("random").hash();
    let folder = demo.folder.path().join("dmz");
    let proof = prove(Side::Server, &guessed, &here);
    let error = enrolling
        .finish(&folder, &machine(&folder), &here, &proof, chain)
        .expect_err("another secret");
    assert!(
        matches!(error, IdentityError::Join(JoinError::WrongProof)),
        "{error}"
    );
    assert!(!Enrolled::is_in(&folder));
}
