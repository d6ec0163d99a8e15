use std::{future::Future, time::Duration};
use tokio::time::{Instant, sleep};

/// Asks `condition` every 20 ms until it gives something.
///
/// # Panics
/// When it gave nothing within `within`; the message names `what` was waited for.
pub async fn eventually<T, F>(what: &str, within: Duration, mut condition: impl FnMut() -> F) -> T
where
    F: Future<Output = Option<T>>,
{
    let deadline = Instant::now() + within;
    loop {
        if let Some(found) = condition().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "{what}: not within {} s",
            within.as_secs()
        );
        sleep(Duration::from_millis(20)).await;
    }
}
