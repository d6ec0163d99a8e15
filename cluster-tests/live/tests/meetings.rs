//! Light participants meet over three nodes.

#[tokio::test(flavor = "multi_thread")]
async fn everybody_gets_everybody_over_three_nodes() {
    let figures = plenary_live_tests::meetings::meetings(&[2, 3, 8])
        .await
        .expect("all are seen and heard, whole and once");
    println!("{figures}");
}
