//! What a datagram at a port for media is, read without believing it (RFC 7983, RFC 8489): nothing here checks a password.
//!
//! Pure, without allocation, and total: any bytes are read in time that grows with their number, and none makes it panic.

const HEADER: usize = 20;
const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];
const BINDING_REQUEST: [u8; 2] = [0x00, 0x01];
const BINDING_SUCCESS: [u8; 2] = [0x01, 0x01];
const BINDING_ERROR: [u8; 2] = [0x01, 0x11];
const USERNAME: u16 = 6;

/// What a datagram is, by its first byte (RFC 7983 §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Stun,
    /// DTLS, SRTP or SRTCP.
    Other,
    /// Nothing that is spoken at such a port.
    Foreign,
}

/// Which kind of datagram this is.
pub fn kind_of(datagram: &[u8]) -> Kind {
    match datagram.first() {
        Some(0..=3) if datagram.len() >= HEADER => Kind::Stun,
        Some(20..=63 | 128..=191) => Kind::Other,
        _ => Kind::Foreign,
    }
}

/// The number of a request, which its answer repeats (RFC 8489 §5): 96 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Transaction(pub [u8; 12]);

/// A binding request that names an ICE agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// The name of the agent that is asked: what stands before the colon in USERNAME (RFC 8445 §7.2.2).
    pub ufrag: &'a str,
    pub transaction: Transaction,
}

/// How an agent answered a binding request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    pub succeeded: bool,
    pub transaction: Transaction,
}

fn transaction(header: &[u8]) -> Option<Transaction> {
    if header.get(4..8)? != MAGIC_COOKIE {
        return None;
    }
    header.get(8..HEADER)?.try_into().ok().map(Transaction)
}

/// A binding request with a name. `None` for everything else, foreign bytes included.
pub fn request(datagram: &[u8]) -> Option<Request<'_>> {
    let (header, mut rest) = datagram.split_at_checked(HEADER)?;
    if header.get(..2)? != BINDING_REQUEST {
        return None;
    }
    let transaction = transaction(header)?;
    loop {
        let (head, after) = rest.split_first_chunk::<4>()?;
        let kind = u16::from_be_bytes([head[0], head[1]]);
        let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
        let value = after.get(..length)?;
        if kind == USERNAME {
            let (ufrag, _) = std::str::from_utf8(value).ok()?.split_once(':')?;
            return Some(Request { ufrag, transaction });
        }
        rest = after.get(length.next_multiple_of(4)..)?;
    }
}

/// The name that a binding request asks for; see [`request`].
pub fn ufrag_of(datagram: &[u8]) -> Option<&str> {
    request(datagram).map(|request| request.ufrag)
}

/// The answer to a binding request (RFC 8489 §5). `None` for everything else.
pub fn answer(datagram: &[u8]) -> Option<Answer> {
    let header = datagram.get(..HEADER)?;
    let succeeded = match header.get(..2)?.try_into().ok()? {
        BINDING_SUCCESS => true,
        BINDING_ERROR => false,
        _ => return None,
    };
    let transaction = transaction(header)?;
    Some(Answer {
        succeeded,
        transaction,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A binding request with an attribute before the name.
    fn asking(name: &str) -> Vec<u8> {
        let mut message = vec![0, 1, 0, 0, 0x21, 0x12, 0xA4, 0x42];
        message.extend([7; 12]);
        message.extend([0x80, 0x22, 0, 3, b'x', b'y', b'z', 0]);
        message.extend([0, 6]);
        message.extend(u16::try_from(name.len()).expect("short").to_be_bytes());
        message.extend(name.as_bytes());
        message.resize(message.len().next_multiple_of(4), 0);
        message
    }

    #[test]
    fn the_name_and_number_of_a_request_are_found() {
        let message = asking("ours:theirs");
        let wanted = Request {
            ufrag: "ours",
            transaction: Transaction([7; 12]),
        };
        assert_eq!(request(&message), Some(wanted));
        assert_eq!(
            ufrag_of(&asking("ours")),
            None,
            "without a colon it is none of ours"
        );
    }

    #[test]
    fn answers_name_nobody_and_say_whether_they_succeeded() {
        let mut message = asking("ours:theirs");
        for (kind, succeeded) in [([1, 1], true), ([1, 0x11], false)] {
            message[..2].copy_from_slice(&kind);
            assert_eq!(ufrag_of(&message), None);
            let told = answer(&message).expect("an answer");
            assert_eq!(
                (told.succeeded, told.transaction),
                (succeeded, Transaction([7; 12]))
            );
        }
        message[..2].copy_from_slice(&[0, 1]);
        assert_eq!(answer(&message), None, "a request is no answer");
        message[..2].copy_from_slice(&[1, 1]);
        message[5] = 0;
        assert_eq!(answer(&message), None, "without the cookie it is something else");
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_never_a_trouble(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in 0_usize..60) {
            request(&bytes);
            answer(&bytes);
            kind_of(&bytes);
            let mut whole = asking("abc:def");
            whole.truncate(cut);
            request(&whole);
            answer(&whole);
        }
    }
}
