/// Reads bits of foreign bytes, the most significant first.
#[derive(Debug, Clone)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    /// In bits from the start.
    at: usize,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next `count` (up to 32) bits as a number; `None` if there are fewer.
    pub(super) fn take(&mut self, count: u32) -> Option<u32> {
        debug_assert!(count <= 32, "a number has 32 bits");
        let mut value = 0_u64;
        for _ in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value = (value << 1) | u64::from(byte >> (7 - self.at % 8) & 1);
            self.at += 1;
        }
        u32::try_from(value).ok()
    }

    /// The next bit.
    pub(super) fn flag(&mut self) -> Option<bool> {
        self.take(1).map(|bit| bit == 1)
    }

    /// The next number below `values`, which is 1 to 2^16, in as few bits as it takes (`ns(n)` of the AV1
    /// specification §4.10.7).
    pub(super) fn below(&mut self, values: u32) -> Option<u32> {
        let width = u32::BITS - values.leading_zeros();
        let short = (1_u32 << width) - values;
        let value = self.take(width.saturating_sub(1))?;
        if value < short {
            return Some(value);
        }
        Some((value << 1) - short + self.take(1)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_come_in_the_order_of_the_wire_and_end_with_the_bytes() {
        let mut bits = Bits::new(&[0b1010_0110, 0b1100_0000]);
        assert_eq!(bits.take(3), Some(0b101));
        assert_eq!(bits.take(7), Some(0b001_1011));
        assert_eq!(bits.take(6), Some(0));
        assert_eq!(bits.flag(), None);
    }

    #[test]
    fn a_number_below_five_takes_two_or_three_bits() {
        let read = |byte: u8| Bits::new(&[byte]).below(5);
        assert_eq!(read(0b0000_0000), Some(0));
        assert_eq!(read(0b1000_0000), Some(2));
        assert_eq!(read(0b1100_0000), Some(3));
        assert_eq!(read(0b1110_0000), Some(4));
    }
}
