//! What is to go to a node, between whoever gives it and the link's task: bounded, and nobody waits.

use crate::figures::{Figures, add};
use plenary_cascade::{Control, MediaPacket, Priority, Room, StreamId};
use std::{
    collections::{BTreeMap, VecDeque},
    mem,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Notify;

/// Packets that wait for the task. It takes them all whenever it runs, so only a stopped task fills this.
const PACKETS: usize = 2_048;
/// Messages that wait. A link that is so far behind begins anew.
const MESSAGES: usize = 16_384;

type Lane = VecDeque<(StreamId, MediaPacket)>;

/// What the task takes at once.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    /// Audio, content, video.
    pub(crate) packets: [Lane; 3],
    pub(crate) messages: Vec<Control>,
    /// Levels, of which only the newest of a room count.
    pub(crate) fleeting: BTreeMap<Room, Control>,
    /// More messages came than are kept: nothing that was told counts any more.
    pub(crate) overrun: bool,
}

impl Waiting {
    fn is_empty(&self) -> bool {
        self.packets.iter().all(VecDeque::is_empty) && self.messages.is_empty() && self.fleeting.is_empty()
    }

    fn count(&self) -> usize {
        self.packets.iter().map(VecDeque::len).sum()
    }
}

#[derive(Debug, Default)]
struct Inner {
    up: bool,
    waiting: Waiting,
}

/// The link to one node, as others see it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    inner: Mutex<Inner>,
    wake: Notify,
    doubts: Notify,
    pub(crate) figures: Arc<Figures>,
}

impl Outbox {
    /// `false` if there is no connection, or a packet had to be dropped: the oldest of the lowest priority.
    pub(crate) fn send(&self, stream: StreamId, priority: Priority, packet: MediaPacket) -> bool {
        self.put(|waiting| {
            let full = waiting.count() >= PACKETS;
            let [audio, content, video] = &mut waiting.packets;
            match priority {
                Priority::Audio => audio.push_back((stream, packet)),
                Priority::Content => content.push_back((stream, packet)),
                Priority::Video => video.push_back((stream, packet)),
            }
            if full {
                let dropped = video
                    .pop_front()
                    .or_else(|| content.pop_front())
                    .or_else(|| audio.pop_front());
                add(&self.figures.overflowed, u64::from(dropped.is_some()));
            }
            !full
        })
    }

    pub(crate) fn tell(&self, message: Control) -> bool {
        self.put(|waiting| {
            match message {
                Control::Levels { ref room, .. } => {
                    waiting.fleeting.insert(room.clone(), message);
                }
                _ if waiting.messages.len() >= MESSAGES => waiting.overrun = true,
                _ => waiting.messages.push(message),
            }
            !waiting.overrun
        })
    }

    /// The task is woken only by the first of what it takes at once.
    fn put(&self, put: impl FnOnce(&mut Waiting) -> bool) -> bool {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        if !inner.up {
            return false;
        }
        let asleep = inner.waiting.is_empty();
        let good = put(&mut inner.waiting);
        drop(inner);
        if asleep {
            self.wake.notify_one();
        }
        good
    }

    /// A connection is there, or gone; nothing of before waits then.
    pub(crate) fn set_up(&self, up: bool) {
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        *inner = Inner {
            up,
            waiting: Waiting::default(),
        };
    }

    /// Gives what waits in exchange for what is empty.
    pub(crate) fn swap(&self, with: &mut Waiting) {
        debug_assert!(with.is_empty());
        let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        mem::swap(&mut inner.waiting, with);
    }

    pub(crate) async fn filled(&self) {
        self.wake.notified().await;
    }

    /// The other side is to show that it is there.
    pub(crate) fn doubt(&self) {
        self.doubts.notify_one();
    }

    pub(crate) async fn doubted(&self) {
        self.doubts.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(seq: u64) -> MediaPacket {
        MediaPacket {
            seq,
            timestamp: 0,
            marker: false,
            audio_level: None,
            orientation: None,
            payload: Arc::from([0_u8; 4]),
        }
    }

    #[test]
    fn overflow_takes_the_oldest_video_first_and_audio_last() {
        let outbox = Outbox::default();
        outbox.set_up(true);
        for seq in 0..PACKETS as u64 {
            assert!(outbox.send(StreamId(2), Priority::Video, packet(seq)));
        }
        for seq in 0..10 {
            assert!(!outbox.send(StreamId(1), Priority::Audio, packet(seq)));
        }
        let mut waiting = Waiting::default();
        outbox.swap(&mut waiting);
        let [audio, _, video] = &waiting.packets;
        assert_eq!((audio.len(), video.len()), (10, PACKETS - 10));
        assert_eq!(video.front().map(|(_, packet)| packet.seq), Some(10));
        assert_eq!(outbox.figures.read().overflowed, 10);
    }

    #[test]
    fn without_a_connection_nothing_is_kept() {
        let outbox = Outbox::default();
        assert!(!outbox.send(StreamId(1), Priority::Audio, packet(1)));
        outbox.set_up(true);
        assert!(outbox.send(StreamId(1), Priority::Audio, packet(1)));
        outbox.set_up(true);
        let mut waiting = Waiting::default();
        outbox.swap(&mut waiting);
        assert!(waiting.is_empty());
    }

    #[test]
    fn of_levels_the_newest_of_a_room_is_kept() {
        let outbox = Outbox::default();
        outbox.set_up(true);
        for tick in 0..5 {
            let room = Room("a".into());
            let levels = Vec::new();
            assert!(outbox.tell(Control::Levels { room, tick, levels }));
        }
        let mut waiting = Waiting::default();
        outbox.swap(&mut waiting);
        let kept: Vec<_> = waiting.fleeting.into_values().collect();
        assert!(
            matches!(kept.as_slice(), [Control::Levels { tick: 4, .. }]),
            "{kept:?}"
        );
    }
}
