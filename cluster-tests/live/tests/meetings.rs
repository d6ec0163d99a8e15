//! Light participants meet over three nodes.

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_everybody_over_three_nodes() {
    let figures = plenary_live_tests::meetings::meetings(&[2, 3, 8])
        .await
        .expect("all are seen and heard, whole and once");
    println!("{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_what_stays_when_a_node_is_lost() {
    let figures = plenary_live_tests::lost_podium::lost_node_podium(1)
        .await
        .expect("all are back, and nothing has changed");
    println!("{figures}");
}
