//! What the engine counts, for metrics: never by user or room.
//!
//! Each shard has its own, so that they do not wait for each other's caches to count a packet; they are added up when
//! somebody reads them.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Counters and gauges; read with [`Figures::read`].
        #[derive(Debug, Default)]
        pub(crate) struct Figures {
            $(pub(crate) $name: AtomicU64,)+
        }

        /// The figures at a moment.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Reading {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Figures {
            pub(crate) fn read(&self) -> Reading {
                Reading { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }

        impl Reading {
            /// Of all together.
            pub(crate) fn sum(all: impl IntoIterator<Item = Self>) -> Self {
                let both = |one: Self, other: Self| Self { $($name: one.$name + other.$name,)+ };
                all.into_iter().fold(Self::default(), both)
            }
        }
    };
}

figures! {
    /// Sessions that are open.
    sessions,
    /// Of them, those whose media flows.
    connected,
    /// Rooms that are open: with a session, or for a partner.
    rooms,
    /// Datagrams that came.
    received,
    /// Of them, those that belong to nobody here.
    foreign,
    /// Datagrams that came to one thread and were handed over to another, whose they are.
    handed_over,
    /// Those that the other one had no room for.
    hand_over_dropped,
    /// Packets of publishers that were taken.
    packets_in,
    /// Packets that came from other nodes.
    packets_far,
    /// Packets of other nodes that a thread had no room for.
    packets_far_dropped,
    /// Packets that were given to other nodes.
    packets_to_nodes,
    /// Packets that were given to receivers.
    packets_out,
    /// Packets that were sent again to receivers that missed them.
    repairs,
    /// Datagrams that left.
    sent,
    /// Calls of the system for them.
    send_calls,
    /// Datagrams that the system had no room for.
    send_dropped,
    /// Key frames that publishers were asked for.
    key_frames_asked,
    /// Sessions that ended by a fault of their own.
    failed,
}

pub(crate) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}
