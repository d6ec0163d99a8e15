//! Servers that borrow their seats from one License Manager.

/// With `PLENARY_PICTURE` the course of the run is written there: `docs/pictures/lending.svg` came about so.
#[tokio::test(flavor = "multi_thread")]
async fn seats_follow_the_load_within_five_seconds() {
    let picture = std::env::var_os("PLENARY_PICTURE");
    plenary_live_tests::lending::uneven_load(picture.as_deref().map(std::path::Path::new))
        .await
        .expect("seats follow");
}
