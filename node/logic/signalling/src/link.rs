//! One side of a numbered, acknowledged and replayable exchange.

use std::collections::VecDeque;

/// More is waiting for acknowledgement than may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too much was not acknowledged")]
pub struct Full;

/// Something was acknowledged that was never sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("ack {ack} is for a message that was never sent; the last one was {sent}")]
pub struct BadAck {
    pub ack: u64,
    pub sent: u64,
}

/// A message came before the one that goes before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("seq {seq} came where {expected} was expected")]
pub struct Gap {
    pub seq: u64,
    pub expected: u64,
}

/// The numbers of both directions and the messages that the other side has not acknowledged. Both sides use it
/// alike; `B` is the body of what this side sends.
///
/// Invariant: the kept messages are exactly those with numbers from `acked + 1` to `sent`.
#[derive(Debug)]
pub struct Link<B> {
    sent: u64,
    acked: u64,
    received: u64,
    kept: VecDeque<(B, usize)>,
    kept_bytes: usize,
    most_messages: usize,
    most_bytes: usize,
}

impl<B> Link<B> {
    /// A link on which nothing was said yet, and that keeps so much.
    pub fn new(most_messages: usize, most_bytes: usize) -> Self {
        Self {
            sent: 0,
            acked: 0,
            received: 0,
            kept: VecDeque::new(),
            kept_bytes: 0,
            most_messages,
            most_bytes,
        }
    }

    /// Numbers a message of `bytes` and keeps it; sending it is up to the caller.
    pub fn push(&mut self, body: B, bytes: usize) -> Result<u64, Full> {
        if self.kept.len() >= self.most_messages || self.kept_bytes.saturating_add(bytes) > self.most_bytes {
            return Err(Full);
        }
        self.kept.push_back((body, bytes));
        self.kept_bytes += bytes;
        self.sent += 1;
        Ok(self.sent)
    }

    /// The other side has handled all up to `ack`; an older acknowledgement than the last says nothing new.
    pub fn acknowledge(&mut self, ack: u64) -> Result<(), BadAck> {
        if ack > self.sent {
            return Err(BadAck { ack, sent: self.sent });
        }
        while self.acked < ack {
            self.acked += 1;
            if let Some((_, bytes)) = self.kept.pop_front() {
                self.kept_bytes -= bytes;
            }
        }
        debug_assert_eq!(self.kept.len() as u64, self.sent - self.acked);
        Ok(())
    }

    /// Whether the message `seq` of the other side is new (true: handle it) or was handled before (false).
    pub fn receive(&mut self, seq: u64) -> Result<bool, Gap> {
        let expected = self.received.saturating_add(1);
        if seq == 0 || seq > expected {
            return Err(Gap { seq, expected });
        }
        self.received = self.received.max(seq);
        Ok(seq == expected)
    }

    /// The last message of the other side that was handled; what `ack` says.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The last number that was given.
    pub fn sent(&self) -> u64 {
        self.sent
    }

    /// Whether half of what may be kept is kept, so that it is time to ask for an acknowledgement.
    pub fn is_half_full(&self) -> bool {
        self.kept.len() * 2 >= self.most_messages || self.kept_bytes * 2 >= self.most_bytes
    }

    /// Whether a side that has handled all up to `last_seq` can be given the rest.
    pub fn can_replay(&self, last_seq: u64) -> bool {
        (self.acked..=self.sent).contains(&last_seq)
    }

    /// What is kept, oldest first, with its numbers.
    pub fn kept(&self) -> impl Iterator<Item = (u64, &B)> {
        (self.acked + 1..).zip(self.kept.iter().map(|(body, _)| body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn kept_messages_are_bounded_in_number_and_bytes() {
        let mut link = Link::new(2, 100);
        assert_eq!(link.push('a', 60), Ok(1));
        assert_eq!(link.push('b', 41), Err(Full));
        assert_eq!(link.push('b', 40), Ok(2));
        assert_eq!(link.push('c', 0), Err(Full));
        link.acknowledge(1).unwrap();
        assert_eq!(link.push('c', 60), Ok(3));
        assert_eq!(link.kept().collect::<Vec<_>>(), [(2, &'b'), (3, &'c')]);
    }

    #[test]
    fn what_was_never_sent_cannot_be_acknowledged() {
        let mut link = Link::new(9, 9);
        link.push('a', 1).unwrap();
        assert_eq!(link.acknowledge(2), Err(BadAck { ack: 2, sent: 1 }));
        assert_eq!(link.acknowledge(1), Ok(()));
        assert_eq!(link.acknowledge(0), Ok(()));
        assert!(link.can_replay(1) && !link.can_replay(0) && !link.can_replay(2));
    }

    #[test]
    fn a_message_is_new_once_and_never_early() {
        let mut link = Link::<()>::new(1, 1);
        assert_eq!(link.receive(2), Err(Gap { seq: 2, expected: 1 }));
        assert_eq!(link.receive(0), Err(Gap { seq: 0, expected: 1 }));
        assert_eq!(link.receive(1), Ok(true));
        assert_eq!(link.receive(1), Ok(false));
        assert_eq!(link.receive(2), Ok(true));
        assert_eq!(link.receive(1), Ok(false));
        assert_eq!(link.receive(2), Ok(false));
        assert_eq!(link.receive(3), Ok(true));
        assert!(link.receive(u64::MAX).is_err());
    }

    proptest! {
        /// Two links over a wire that is cut at any moment: each side handles what the other sent, once and in order.
        #[test]
        fn nothing_is_lost_or_doubled_over_cuts(steps in prop::collection::vec((0u8..5, 1usize..4), 0..200)) {
            let mut ends = [Side::new(), Side::new()];
            let mut wires: [VecDeque<(u64, u64, u32)>; 2] = Default::default();
            for (step, times) in steps {
                for _ in 0..times {
                    match step {
                        0 | 1 => wires[usize::from(step)].extend(ends[usize::from(step)].say()),
                        2 | 3 => {
                            let to = usize::from(step - 2);
                            if let Some(message) = wires[1 - to].pop_front() {
                                ends[to].hear(message)?;
                            }
                        }
                        _ => resume(&mut ends, &mut wires, times % 2 == 0)?,
                    }
                }
            }
            resume(&mut ends, &mut wires, false)?;
            for to in 0..2 {
                for message in std::mem::take(&mut wires[1 - to]) {
                    ends[to].hear(message)?;
                }
            }
            for (to, end) in ends.iter().enumerate() {
                let said = ends[1 - to].said;
                prop_assert_eq!(&end.heard, &(0..said).collect::<Vec<_>>());
            }
        }
    }

    struct Side {
        link: Link<u32>,
        said: u32,
        heard: Vec<u32>,
    }

    impl Side {
        fn new() -> Self {
            Self {
                link: Link::new(50, 1_000),
                said: 0,
                heard: Vec::new(),
            }
        }

        fn say(&mut self) -> Option<(u64, u64, u32)> {
            let seq = self.link.push(self.said, 10).ok()?;
            self.said += 1;
            Some((seq, self.link.received(), self.said - 1))
        }

        fn hear(&mut self, (seq, ack, body): (u64, u64, u32)) -> Result<(), TestCaseError> {
            prop_assert!(self.link.acknowledge(ack).is_ok());
            if self
                .link
                .receive(seq)
                .map_err(|gap| TestCaseError::fail(gap.to_string()))?
            {
                self.heard.push(body);
            }
            Ok(())
        }
    }

    /// What was on the wires is gone; each side says what it has handled and is given the rest, or, if nobody
    /// listens, all that is kept.
    fn resume(
        ends: &mut [Side; 2],
        wires: &mut [VecDeque<(u64, u64, u32)>; 2],
        all: bool,
    ) -> Result<(), TestCaseError> {
        for from in 0..2 {
            let last_seq = ends[1 - from].link.received();
            let end = &mut ends[from].link;
            prop_assert!(end.can_replay(last_seq));
            if !all {
                prop_assert!(end.acknowledge(last_seq).is_ok());
            }
            let ack = end.received();
            wires[from] = end.kept().map(|(seq, body)| (seq, ack, *body)).collect();
        }
        Ok(())
    }
}
