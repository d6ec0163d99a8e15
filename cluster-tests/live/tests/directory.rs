//! People of several servers of an enterprise, who find each other in its Directory.

#[tokio::test(flavor = "multi_thread")]
async fn people_of_all_servers_find_each_other_with_sqlite() {
    let figures = plenary_live_tests::directory::directory(false)
        .await
        .expect("whoever is shared is found, and nobody else");
    println!("{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_of_all_servers_find_each_other_with_postgresql() {
    let figures = plenary_live_tests::directory::directory(true)
        .await
        .expect("whoever is shared is found, and nobody else");
    println!("{figures}");
}

#[tokio::test(flavor = "multi_thread")]
async fn people_who_are_found_are_called_without_lists_of_servers() {
    let figures = plenary_live_tests::directory_meets::directory_calls()
        .await
        .expect("servers of one Directory meet");
    println!("{figures}");
}
