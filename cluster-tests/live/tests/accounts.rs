//! Accounts, groups, address books, sessions and settings over three nodes and their restart.

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_was_told_holds_on_all_and_after_a_restart() {
    plenary_live_tests::accounts::accounts()
        .await
        .expect("the promises hold");
}
