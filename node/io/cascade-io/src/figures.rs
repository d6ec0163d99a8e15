//! What a link counts, over all its connections, for metrics.

use plenary_cascade as link;
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! figures {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        #[derive(Debug, Default)]
        pub(crate) struct Figures {
            $(pub(crate) $name: AtomicU64,)+
        }

        /// The figures of the link to one node at a moment; counters unless said otherwise.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
        pub struct Reading {
            $($(#[$doc])* pub $name: u64,)+
        }

        impl Reading {
            /// Of two links together; gauges too.
            pub(crate) fn plus(self, other: Self) -> Self {
                Self { $($name: self.$name + other.$name,)+ }
            }
        }

        impl Figures {
            pub(crate) fn read(&self) -> Reading {
                Reading { $($name: self.$name.load(Ordering::Relaxed),)+ }
            }
        }
    };
}

figures! {
    /// 1 while there is a connection.
    up,
    /// Connections that were made.
    connections,
    /// Packets that left, repairs not counted.
    sent,
    /// Datagrams of packets that left, halves and repairs too, and their bytes.
    sent_datagrams,
    sent_bytes,
    /// Datagrams that left again because the other side missed them.
    resent,
    /// Packets that were dropped because the link is slower than what was to be sent.
    dropped_audio,
    dropped_content,
    dropped_video,
    /// Packets that the link's task was too late to take.
    overflowed,
    /// Packets that came.
    received,
    /// Datagrams of packets that came, and their bytes.
    received_datagrams,
    received_bytes,
    /// Datagrams that were asked for again and came.
    repaired,
    /// Datagrams that never came.
    lost,
    /// Datagrams that came twice.
    doubles,
    /// Packets that came and that the consumer of the events had no room for.
    unread,
    /// Datagrams and messages that could not be read.
    garbage,
    /// The round trip, in microseconds (gauge).
    rtt_us,
    /// What the congestion control allows, in bytes a second (gauge).
    rate,
    /// The largest datagram that the way carries (gauge).
    max_datagram,
    /// What the other side says that it lost, on this connection (gauge).
    lost_there,
}

pub(crate) fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

pub(crate) fn set(gauge: &AtomicU64, value: u64) {
    gauge.store(value, Ordering::Relaxed);
}

impl Reading {
    /// What is left of a link when it is over.
    pub(crate) fn counters(self) -> Self {
        Self {
            up: 0,
            rtt_us: 0,
            rate: 0,
            max_datagram: 0,
            lost_there: 0,
            ..self
        }
    }
}

impl Figures {
    /// Adds what a connection counted since the last time.
    pub(crate) fn count(&self, before: &link::Figures, now: &link::Figures) {
        let (old, new) = (&before.sent, &now.sent);
        add(&self.sent, new.packets - old.packets);
        add(&self.sent_datagrams, new.datagrams - old.datagrams);
        add(&self.sent_bytes, new.bytes - old.bytes);
        add(&self.resent, new.repairs - old.repairs);
        let dropped = [&self.dropped_audio, &self.dropped_content, &self.dropped_video];
        for ((counter, new), old) in dropped.into_iter().zip(new.dropped).zip(old.dropped) {
            add(counter, new - old);
        }
        let (old, new) = (&before.received, &now.received);
        add(&self.received, new.packets - old.packets);
        add(&self.received_datagrams, new.datagrams - old.datagrams);
        add(&self.received_bytes, new.bytes - old.bytes);
        add(&self.repaired, new.repaired - old.repaired);
        add(&self.lost, new.lost - old.lost);
        add(&self.doubles, new.doubles - old.doubles);
        let garbage = |figures: &link::Figures| figures.garbage + figures.received.refused;
        add(&self.garbage, garbage(now) - garbage(before));
    }
}
