//! A server behind a Border Controller.

#[tokio::test(flavor = "multi_thread")]
async fn the_outside_reaches_the_server_by_its_border_controller_only() {
    let figures = plenary_live_tests::border::border()
        .await
        .expect("served by the controller, also without one node, and by no thief");
    println!("{figures}");
}
