//! The envelope of everything that is signed.

use super::{
    LARGEST, LicenceError,
    key::{KeyId, PublicKey, Signer},
    trust,
    wire::{Reader, Writer, unreadable},
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};

const MAGIC: &[u8; 8] = b"PLENARY\0";
const VERSION: u8 = 1;
const SIGNATURE: usize = 64;
const LINE: usize = 64;

/// One text for one value: padding is needed, and bits behind the end are zero.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::RequireCanonical)
        .with_decode_allow_trailing_bits(false),
);

/// What stands in an envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Licence,
    Request,
    Confirmation,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Self::Licence => 1,
            Self::Request => 2,
            Self::Confirmation => 3,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Licence => "PLENARY LICENCE",
            Self::Request => "PLENARY LICENCE REQUEST",
            Self::Confirmation => "PLENARY LICENCE CONFIRMATION",
        }
    }

    fn is_signed(self) -> bool {
        self != Self::Request
    }
}

/// Signs a body and makes a text of it. A request needs no signer: it proves nothing, it asks.
pub(super) fn seal(kind: Kind, body: &[u8], signer: Option<&Signer>) -> String {
    let mut writer = Writer(MAGIC.to_vec());
    writer.u8(kind.code());
    writer.u8(VERSION);
    writer.u64(signer.map_or(0, |signer| signer.public().id().0));
    writer.u32(u32::try_from(body.len()).unwrap_or(u32::MAX));
    writer.0.extend(body);
    if let Some(signer) = signer {
        let signature = signer.sign(&writer.0);
        writer.0.extend(signature);
    }
    let base64 = BASE64.encode(&writer.0);
    let mut text = format!("-----BEGIN {}-----\n", kind.name());
    for line in base64.as_bytes().chunks(LINE) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str(&format!("-----END {}-----\n", kind.name()));
    text
}

/// Reads a text and checks its signature: the body, and the key that signed it if it is one of a signed kind.
///
/// Takes time and memory in proportion to the text, of which at most [`LARGEST`] bytes are looked at.
pub(super) fn open(
    kind: Kind,
    text: &[u8],
    keys: &[PublicKey],
) -> Result<(Vec<u8>, Option<PublicKey>), LicenceError> {
    let bytes = decode(kind, text)?;
    let (id, body) = split(kind, &bytes)?;
    if !kind.is_signed() {
        return Ok((body.to_vec(), None));
    }
    let (signed, signature) = bytes
        .split_last_chunk::<SIGNATURE>()
        .ok_or(unreadable("it is cut short"))?;
    let key = keys
        .iter()
        .find(|key| key.id() == id)
        .ok_or_else(|| trust::refusal(id))?;
    key.verify(signed, signature)?;
    Ok((body.to_vec(), Some(*key)))
}

/// Reads a signed text without believing it: its body, and which key it says to be signed with.
pub(super) fn peek(kind: Kind, text: &[u8]) -> Result<(Vec<u8>, KeyId), LicenceError> {
    let bytes = decode(kind, text)?;
    let (id, body) = split(kind, &bytes)?;
    Ok((body.to_vec(), id))
}

/// Takes an envelope apart: which key is said to have signed it, and the body. Its length is right afterwards.
fn split(kind: Kind, bytes: &[u8]) -> Result<(KeyId, &[u8]), LicenceError> {
    let mut reader = Reader(bytes);
    if reader.bytes(MAGIC.len())? != MAGIC {
        return Err(unreadable("it is no file of this product"));
    }
    if reader.u8()? != kind.code() {
        return Err(unreadable("it says that it is another kind of file"));
    }
    match reader.u8()? {
        VERSION => {}
        0 => return Err(unreadable("it has no version")),
        _ => return Err(LicenceError::TooNew),
    }
    let id = KeyId(reader.u64()?);
    let length = usize::try_from(reader.u32()?).map_err(|_| unreadable("it is cut short"))?;
    let body = reader.bytes(length)?;
    if kind.is_signed() {
        reader.bytes(SIGNATURE)?;
    }
    reader.end()?;
    Ok((id, body))
}

/// Mail programs add and remove line ends and spaces around; nothing else may differ.
fn decode(kind: Kind, text: &[u8]) -> Result<Vec<u8>, LicenceError> {
    if text.len() > LARGEST {
        return Err(LicenceError::TooLarge);
    }
    let text = std::str::from_utf8(text).map_err(|_| unreadable("it is no text"))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    let (begin, end) = (
        format!("-----BEGIN {}-----", kind.name()),
        format!("-----END {}-----", kind.name()),
    );
    let inner = text
        .strip_prefix(begin.as_str())
        .and_then(|text| text.strip_suffix(end.as_str()))
        .ok_or(unreadable("its first or last line is not that of such a file"))?;
    let packed: Vec<u8> = inner.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    BASE64
        .decode(packed)
        .map_err(|_| unreadable("a character in it is wrong or missing"))
}
