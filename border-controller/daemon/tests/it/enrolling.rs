//! Tokens are good once, and for the program that they were made for.

use crate::world::{Controller, LONG, PROGRAM, WEEK, World, endpoint};
use plenary_border_client::EnrolError;
use plenary_testkit::eventually;
use std::process::Command;

fn run(controller: &Controller, arguments: &[&str]) -> (i32, String) {
    let config = controller.config.to_str().unwrap();
    let output = Command::new(PROGRAM)
        .args(["--config", config])
        .args(arguments)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_was_used_enrols_nobody_else() {
    let world = World::new();
    let node = world.node(1);
    let mut first = Controller::new(&world, "dmz-1", "");
    let (code, text) = run(&first, &["run"]);
    assert!(
        code == 2 && text.contains("plenaryctl border-controller invite"),
        "{text}"
    );
    let (code, text) = run(&first, &["check"]);
    assert!(code == 1 && text.contains("holds no controller"), "{text}");
    let (code, text) = run(&first, &["join", "plenary-join-nonsense"]);
    assert!(code == 2 && text.contains("copy it whole"), "{text}");

    let token = world.token(&node, first.tunnel, WEEK);
    first.start(&["join", "--only", &token.text]);
    first.enrol(&node, &token).await.unwrap();
    let ended = eventually("it ends", LONG, || std::future::ready(first.process().ended())).await;
    assert!(ended.success(), "{}", first.log());
    let (code, text) = run(&first, &["check"]);
    assert!(
        code == 0 && text.contains("border-controller/paris.example.com/dmz-1?member=1"),
        "{text}"
    );

    // The same token elsewhere: the inside does not take it twice.
    let mut second = Controller::new(&world, "dmz-2", "");
    second.start(&["join", &token.text]);
    let refused = second.enrol(&node, &token).await.unwrap_err();
    assert!(matches!(refused, EnrolError::Refused(_)), "{refused}");
    eventually("it says why", LONG, async || {
        second.log().contains("used already").then_some(())
    })
    .await;
    assert!(second.process().is_running(), "it waits for a better answer");
    let (code, _) = run(&second, &["check"]);
    assert_eq!(code, 1, "it holds no identity");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_guesses_a_token_gets_nothing_and_a_stranger_is_told_nothing() {
    let (world, other) = (World::new(), World::new());
    let (node, stranger) = (world.node(1), other.node(1));
    let mut controller = Controller::new(&world, "dmz-1", "");
    let token = world.token(&node, controller.tunnel, WEEK);
    let guessed = world.token(&node, controller.tunnel, WEEK);
    controller.start(&["join", &token.text]);
    let refused = controller.enrol(&node, &guessed).await.unwrap_err();
    assert!(matches!(refused, EnrolError::WrongProof(_)), "{refused}");

    // A node of another enterprise knows even the secret, and gets no proof to compare it with.
    let from = endpoint();
    let reached = plenary_border_client::enrol(
        &from,
        controller.tunnel,
        &stranger,
        ("bc-1", &token.hash),
        0,
        &token.desk,
    );
    let refused = reached.await.unwrap_err();
    assert!(
        !matches!(refused, EnrolError::WrongProof(_) | EnrolError::Refused(_)),
        "{refused}"
    );
    controller.enrol(&node, &token).await.unwrap();
}
