//! People of a partner are invited while their server is away.

#[tokio::test(flavor = "multi_thread")]
async fn who_is_invited_while_their_server_is_away_hears_of_it_once_it_is_back() {
    let figures = plenary_live_tests::federation_outbox::partners_invite()
        .await
        .expect("they are told once, come, moderate, and are taken back");
    println!("{figures}");
}
