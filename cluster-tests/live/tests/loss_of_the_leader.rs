//! The short form of the first scenario, for every run of the tests.

#[tokio::test(flavor = "multi_thread")]
async fn nothing_acknowledged_is_lost_when_the_leader_is_killed() {
    let figures = plenary_live_tests::scenarios::kill_leader(2, 7)
        .await
        .expect("the promises hold");
    assert!(figures.acknowledged > 0, "{figures}");
}
