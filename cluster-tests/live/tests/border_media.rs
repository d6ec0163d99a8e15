//! Media through a Border Controller.

#[tokio::test(flavor = "multi_thread")]
async fn people_outside_meet_through_the_border_controller_whatever_strangers_send() {
    let figures = plenary_live_tests::border_media::border_media()
        .await
        .expect("everybody is seen and heard, beside a flood and after losses");
    println!("{figures}");
}
