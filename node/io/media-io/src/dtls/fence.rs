//! What a client may make its DTLS hold: `rtc-dtls` keeps pieces of handshakes up to 2 MB, looks through all of them
//! for each that comes, and puts them together by a recursion as deep as there are pieces.
//!
//! A whole handshake has about ten records and 3 KB, and is sent eight times at most.

/// Bytes of datagrams with records that are not protected.
const PLAIN: usize = 32 * 1024;
/// Pieces of handshake messages in them.
const PIECES: usize = 256;
/// Bytes of datagrams with records that are protected, as long as those are kept: the last message of a handshake, and
/// alerts.
const PROTECTED: usize = 4 * 1024;

/// Length of a record's header (RFC 6347 §4.1), and of the header of a handshake message in it (§4.2.2).
const RECORD: usize = 13;
const MESSAGE: usize = 12;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const DATA: u8 = 23;

/// What is left of that.
#[derive(Debug)]
pub(super) struct Fence {
    plain: usize,
    pieces: usize,
    protected: usize,
}

impl Default for Fence {
    fn default() -> Self {
        Self {
            plain: PLAIN,
            pieces: PIECES,
            protected: PROTECTED,
        }
    }
}

impl Fence {
    /// Whether a datagram may be looked at. Data of a connection that stands costs nothing: nobody keeps it.
    pub(super) fn lets_in(&mut self, datagram: &[u8], is_connected: bool) -> bool {
        let (mut plain, mut protected, mut pieces) = (false, false, 0);
        for record in records(datagram) {
            if record.epoch == 0 {
                plain = true;
                if record.kind == HANDSHAKE {
                    pieces += pieces_of(record.body);
                }
            } else if record.kind == CHANGE_CIPHER_SPEC {
                // There is one change, from epoch 0 on. `rtc-dtls` does not ask for the seal of another.
                return false;
            } else if !(is_connected && record.kind == DATA) {
                protected = true;
            }
        }
        let cost = |counts: bool| if counts { datagram.len() } else { 0 };
        let left = (
            self.plain.checked_sub(cost(plain)),
            self.protected.checked_sub(cost(protected)),
            self.pieces.checked_sub(pieces),
        );
        if let (Some(plain), Some(protected), Some(pieces)) = left {
            *self = Self {
                plain,
                pieces,
                protected,
            };
            return true;
        }
        false
    }
}

/// Whether an alert is in a datagram. Not in one that is broken: nothing of that is looked at, so anybody may have made it.
pub(super) fn has_alert(datagram: &[u8]) -> bool {
    let (mut whole, mut alert) = (0, false);
    for record in records(datagram) {
        whole += RECORD + record.body.len();
        alert |= record.kind == ALERT;
    }
    alert && whole == datagram.len()
}

struct Record<'a> {
    kind: u8,
    epoch: u16,
    body: &'a [u8],
}

/// The records of a datagram; what is broken at its end is left out.
fn records(mut datagram: &[u8]) -> impl Iterator<Item = Record<'_>> {
    std::iter::from_fn(move || {
        let (header, rest) = datagram.split_at_checked(RECORD)?;
        let length = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let (body, rest) = rest.split_at_checked(length)?;
        datagram = rest;
        Some(Record {
            kind: header[0],
            epoch: u16::from_be_bytes([header[3], header[4]]),
            body,
        })
    })
}

/// Handshake messages, or pieces of them, in the body of a record: counted as `rtc-dtls` walks over them.
fn pieces_of(mut body: &[u8]) -> usize {
    let mut pieces = 0;
    while let Some((header, rest)) = body.split_at_checked(MESSAGE) {
        pieces += 1;
        let length = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
        body = rest.get(length..).unwrap_or_default();
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, epoch: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(body.len()).unwrap().to_be_bytes();
        let mut record = vec![kind, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, length[0], length[1]];
        record.extend_from_slice(body);
        record
    }

    /// Datagrams that a new fence lets in before the first that it does not.
    fn let_in(datagram: &[u8], is_connected: bool) -> usize {
        let mut fence = Fence::default();
        (0..100_000)
            .take_while(|_| fence.lets_in(datagram, is_connected))
            .count()
    }

    #[test]
    fn handshakes_are_bounded_by_bytes_and_pieces() {
        assert_eq!(let_in(&record(HANDSHAKE, 0, &[1; 1_000]), false), PLAIN / 1_013);
        // Messages that say they are empty: a hundred in a datagram.
        let tiny = record(HANDSHAKE, 0, &[0; 100 * MESSAGE]);
        assert_eq!(let_in(&tiny, false), PIECES / 100);
        assert_eq!(let_in(&tiny, true), PIECES / 100);
        assert_eq!(let_in(&record(HANDSHAKE, 1, &[0; 987]), true), PROTECTED / 1_000);
    }

    #[test]
    fn data_costs_only_as_long_as_it_is_kept() {
        let data = record(DATA, 1, &[0; 987]);
        assert_eq!(let_in(&data, false), PROTECTED / 1_000);
        assert_eq!(let_in(&data, true), 100_000);
        assert_eq!(let_in(&record(DATA, 0, &[0; 987]), true), PLAIN / 1_000);
    }

    #[test]
    fn ciphers_change_once() {
        assert_eq!(let_in(&record(CHANGE_CIPHER_SPEC, 0, &[1]), false), PLAIN / 14);
        assert_eq!(let_in(&record(CHANGE_CIPHER_SPEC, 1, &[1]), true), 0);
    }

    #[test]
    fn alerts_are_found_behind_other_records() {
        let both = [record(DATA, 1, &[0; 10]), record(ALERT, 1, &[2, 40])].concat();
        assert!(has_alert(&both));
        assert!(!has_alert(&both[..20]));
        assert!(!has_alert(&[&both[..], b"a broken end"].concat()));
        assert!(!has_alert(&record(DATA, 1, &[0; 10])));
    }
}
