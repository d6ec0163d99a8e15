//! What happened, for people and as a digest.

#[derive(Default)]
pub(crate) struct Journal {
    lines: Vec<String>,
    digest: u64,
}

impl Journal {
    pub(crate) fn say(&mut self, now: u64, line: String) {
        let line = format!("{now:>8} ms  {line}");
        self.digest = line
            .bytes()
            .fold(self.digest ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        self.lines.push(line);
    }

    pub(crate) fn close(self) -> (Vec<String>, u64) {
        (self.lines, self.digest)
    }
}
