//! Seats over three nodes when one of them is killed.

#[tokio::test(flavor = "multi_thread")]
async fn no_seat_is_lost_or_given_twice_when_a_node_is_killed() {
    plenary_live_tests::seats::seats()
        .await
        .expect("seats stay right");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_seat_of_a_lost_node_is_free_once_nothing_can_be_used_there() {
    plenary_live_tests::seats::silent_node()
        .await
        .expect("seats stay right");
}
