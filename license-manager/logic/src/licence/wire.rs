//! The canonical encoding of what is signed: fields in one order, numbers big-endian, texts and lists with their
//! length in front. No value has two forms.

use super::LicenceError;

pub(super) fn unreadable(what: &'static str) -> LicenceError {
    LicenceError::Unreadable { what }
}

#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) Vec<u8>);

impl Writer {
    pub(super) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }
    pub(super) fn u32(&mut self, value: u32) {
        self.0.extend(value.to_be_bytes());
    }
    pub(super) fn u64(&mut self, value: u64) {
        self.0.extend(value.to_be_bytes());
    }
    pub(super) fn u128(&mut self, value: u128) {
        self.0.extend(value.to_be_bytes());
    }
    /// Texts are at most 65,535 bytes long; who writes them checked that.
    pub(super) fn text(&mut self, text: &str) {
        let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
        self.0.extend(length.to_be_bytes());
        self.0.extend(text.bytes().take(usize::from(length)));
    }
    pub(super) fn optional(&mut self, value: Option<u64>) {
        self.u8(u8::from(value.is_some()));
        if let Some(value) = value {
            self.u64(value);
        }
    }
}

/// Reads what a [`Writer`] wrote. Never takes more than there is.
#[derive(Debug)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn bytes(&mut self, length: usize) -> Result<&'a [u8], LicenceError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or(unreadable("it is cut short"))?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], LicenceError> {
        let bytes = self.bytes(N)?;
        bytes.try_into().map_err(|_| unreadable("it is cut short"))
    }

    pub(super) fn u8(&mut self) -> Result<u8, LicenceError> {
        Ok(u8::from_be_bytes(self.array()?))
    }
    pub(super) fn u16(&mut self) -> Result<u16, LicenceError> {
        Ok(u16::from_be_bytes(self.array()?))
    }
    pub(super) fn u32(&mut self) -> Result<u32, LicenceError> {
        Ok(u32::from_be_bytes(self.array()?))
    }
    pub(super) fn u64(&mut self) -> Result<u64, LicenceError> {
        Ok(u64::from_be_bytes(self.array()?))
    }
    pub(super) fn u128(&mut self) -> Result<u128, LicenceError> {
        Ok(u128::from_be_bytes(self.array()?))
    }
    pub(super) fn text(&mut self) -> Result<&'a str, LicenceError> {
        let length = self.u16()?;
        let bytes = self.bytes(usize::from(length))?;
        std::str::from_utf8(bytes).map_err(|_| unreadable("a text in it is no UTF-8"))
    }
    pub(super) fn optional(&mut self) -> Result<Option<u64>, LicenceError> {
        match self.u8()? {
            0 => Ok(None),
            1 => Ok(Some(self.u64()?)),
            _ => Err(unreadable("a field in it is neither there nor not there")),
        }
    }
    pub(super) fn end(&self) -> Result<(), LicenceError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(unreadable("something stands behind its end")),
        }
    }
}
