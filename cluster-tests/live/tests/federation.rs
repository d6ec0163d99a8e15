//! People of two enterprises in one conference, and on the phone.

#[tokio::test(flavor = "multi_thread")]
async fn people_of_two_servers_meet_and_each_stream_crosses_once() {
    let figures = plenary_live_tests::federation::partners_meet()
        .await
        .expect("all are seen and heard, and who is met no more is out");
    println!("{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_two_servers_call_each_other() {
    let figures = plenary_live_tests::federation_calls::partners_call()
        .await
        .expect("it rings, is answered, declined, given up, and goes on when a node is lost");
    println!("{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_two_servers_allow_each_other_holds_at_once() {
    let figures = plenary_live_tests::federation_terms::partners_terms()
        .await
        .expect("lists, terms and rights of either side hold for who is there");
    println!("{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_two_servers_know_each_other() {
    let figures = plenary_live_tests::federation_people::partners_look()
        .await
        .expect("all see what the others do, as long as both servers allow it");
    println!("{figures}");
}
