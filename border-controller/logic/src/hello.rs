//! Which name a ClientHello asks for (RFC 8446 §4.1.2 and §5.1, RFC 6066 §3).
//!
//! Only what the choice of a node needs is read; everything is passed on as it came. Bounded: at most [`RECORDS`] records
//! are looked at and `most` bytes kept, whatever lengths are claimed. With Encrypted Client Hello it is the outer name.

use crate::{HostName, Refused};

/// Records that a ClientHello may be cut into. Browsers send one.
pub const RECORDS: usize = 16;
/// The longest record (RFC 8446 §5.1).
const LONGEST_RECORD: usize = 1 << 14;
const RECORD_HEADER: usize = 5;
const HANDSHAKE_HEADER: usize = 4;
const CONTENT_HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const EXTENSION_SERVER_NAME: u16 = 0;
const NAME_TYPE_HOST: u8 = 0;

/// What the bytes that came so far tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hello {
    /// Ask again once there are so many bytes in all; always more than there were.
    Needs(usize),
    /// It asks for this name.
    Names(HostName),
    /// It is whole and asks for none.
    Nameless,
}

/// Why it is no ClientHello that may be passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HelloFault {
    #[error("it does not begin as TLS does")]
    NotTls,
    #[error("the ClientHello is not well-formed")]
    Malformed,
    #[error("the ClientHello is longer than allowed")]
    TooLong,
}

impl From<HelloFault> for Refused {
    fn from(fault: HelloFault) -> Self {
        match fault {
            HelloFault::NotTls | HelloFault::Malformed => Self::BadHello,
            HelloFault::TooLong => Self::LongHello,
        }
    }
}

/// Reads the beginning of a connection. `most` bounds the handshake message, in bytes.
///
/// # Errors
/// [`HelloFault`]; more bytes would change nothing.
pub fn read(bytes: &[u8], most: usize) -> Result<Hello, HelloFault> {
    let mut message = Vec::new();
    let mut rest = bytes;
    let mut seen = 0;
    for _ in 0..RECORDS {
        let Some((header, behind)) = rest.split_first_chunk::<RECORD_HEADER>() else {
            check_beginning(rest)?;
            return Ok(Hello::Needs(seen + RECORD_HEADER));
        };
        check_beginning(header)?;
        let [_, _, _, high, low] = *header;
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Empty fragments of handshake messages are forbidden; they would cost us and no one else.
        if length == 0 || length > LONGEST_RECORD {
            return Err(HelloFault::Malformed);
        }
        let part = behind.get(..length).unwrap_or(behind);
        message.extend_from_slice(part);
        let wanted = claimed(&message, most)?;
        seen += RECORD_HEADER + length;
        let Some(next) = behind.get(length..) else {
            return Ok(Hello::Needs(seen));
        };
        rest = next;
        let Some(wanted) = wanted.filter(|wanted| message.len() >= *wanted) else {
            continue;
        };
        // Nothing may follow in the same record: the client has to wait for our answer first.
        let body = message
            .get(HANDSHAKE_HEADER..)
            .filter(|_| message.len() == wanted);
        return name_in(body.ok_or(HelloFault::Malformed)?).ok_or(HelloFault::Malformed)?;
    }
    Err(HelloFault::TooLong)
}

/// Whether a record may begin so, as far as it has come: a handshake of any TLS.
fn check_beginning(header: &[u8]) -> Result<(), HelloFault> {
    let good = header.first().is_none_or(|kind| *kind == CONTENT_HANDSHAKE)
        && header.get(1).is_none_or(|major| *major == 3);
    good.then_some(()).ok_or(HelloFault::NotTls)
}

/// How long the message is, with its header, as soon as it says so.
fn claimed(message: &[u8], most: usize) -> Result<Option<usize>, HelloFault> {
    if message.first().is_some_and(|kind| *kind != CLIENT_HELLO) {
        return Err(HelloFault::NotTls);
    }
    let Some([_, a, b, c]) = message.first_chunk::<HANDSHAKE_HEADER>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([0, *a, *b, *c]) as usize + HANDSHAKE_HEADER;
    if length > most {
        return Err(HelloFault::TooLong);
    }
    Ok(Some(length))
}

/// Bytes that are taken from the front.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (front, behind) = self.0.split_at_checked(count)?;
        self.0 = behind;
        Some(front)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn u16(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes(*self.take(2)?.first_chunk()?))
    }

    /// What stands behind a length of one byte.
    fn short(&mut self) -> Option<&'a [u8]> {
        let length = self.u8()?;
        self.take(length.into())
    }

    /// What stands behind a length of two bytes.
    fn long(&mut self) -> Option<&'a [u8]> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

/// The name in the body of a ClientHello; `None` where it is not well-formed.
fn name_in(body: &[u8]) -> Option<Result<Hello, HelloFault>> {
    let mut body = Reader(body);
    // legacy_version and random.
    body.take(2 + 32)?;
    let _session = body.short()?;
    let _suites = body.long()?;
    let _compressions = body.short()?;
    if body.0.is_empty() {
        // TLS 1.2 without any extension.
        return Some(Ok(Hello::Nameless));
    }
    let mut extensions = Reader(body.long()?);
    if !body.0.is_empty() {
        return None;
    }
    let mut found = None;
    while !extensions.0.is_empty() {
        let (kind, content) = (extensions.u16()?, extensions.long()?);
        if kind == EXTENSION_SERVER_NAME && found.replace(host_in(content)?).is_some() {
            return None;
        }
    }
    Some(Ok(found.map_or(Hello::Nameless, Hello::Names)))
}

/// The one host name of the extension. Other kinds of names were never made.
fn host_in(extension: &[u8]) -> Option<HostName> {
    let mut extension = Reader(extension);
    let mut list = Reader(extension.long()?);
    if list.u8()? != NAME_TYPE_HOST {
        return None;
    }
    let name = HostName::read(list.long()?).ok()?;
    (extension.0.is_empty() && list.0.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests;
