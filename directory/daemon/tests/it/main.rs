//! Real servers and a real Directory, with mutual TLS between them, in one process; on SQLite and on PostgreSQL.
#![allow(clippy::unwrap_used)] // tests

mod asking;
mod bounding;
mod connecting;
mod feeding;
mod following;
mod leading;
mod program;
mod refusing;
mod restoring;
mod server;
mod several;
mod world;

/// Runs each of these on both databases.
macro_rules! on_both {
    ($($name:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    super::$name(crate::world::World::sqlite().await).await;
                }
            )*
        }
        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread")]
                async fn $name() {
                    if let Some(world) = crate::world::World::postgres().await {
                        super::$name(world).await;
                    }
                }
            )*
        }
    };
}
pub(crate) use on_both;
