use super::Layers;

/// What an output number was given to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Entry {
    /// The low half of the input number; within one ring the high half follows from any near one.
    pub(super) input: u32,
    /// What was taken from picture ids at that time.
    pub(super) picture_offset: u16,
    /// The layers that were forwarded at that time.
    pub(super) packed_layers: u8,
    /// Whether the packet came; else the number is kept for one that the network has lost or holds up.
    pub(super) sent: bool,
}

impl Entry {
    pub(super) fn layers(&self) -> Layers {
        Layers::unpack(self.packed_layers)
    }
}

/// The last output numbers. Memory comes with the first one, 8 bytes for each number of the window.
#[derive(Debug)]
pub(super) struct Ring {
    entries: Vec<Entry>,
    window: u64,
    next: u64,
    first: u64,
}

impl Ring {
    /// `window` is at least 16.
    pub(super) fn new(first: u64, window: u64) -> Self {
        Self {
            entries: Vec::new(),
            window: window.max(16),
            next: first,
            first,
        }
    }

    pub(super) fn window(&self) -> u64 {
        self.window
    }

    /// The number that the next packet gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The oldest number that is still known.
    pub(super) fn oldest(&self) -> u64 {
        self.next.saturating_sub(self.window).max(self.first)
    }

    fn index(&self, number: u64) -> Option<usize> {
        let known = self.oldest() <= number && number < self.next;
        known.then(|| usize::try_from(number % self.window).ok())?
    }

    pub(super) fn entry(&self, number: u64) -> Option<&Entry> {
        self.entries.get(self.index(number)?)
    }

    pub(super) fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let index = self.index(number)?;
        self.entries.get_mut(index)
    }

    /// Gives the next number away.
    pub(super) fn push(&mut self, entry: Entry) -> u64 {
        if self.entries.is_empty() {
            let window = usize::try_from(self.window).unwrap_or(usize::MAX);
            self.entries.resize(window, Entry::default());
        }
        let number = self.next;
        self.next += 1;
        if let Some(place) = self.entry_mut(number) {
            *place = entry;
        }
        number
    }

    /// Takes back the newest number, which nothing was sent under.
    pub(super) fn pop(&mut self) {
        self.next -= 1;
    }

    /// The number from `low` up to `high` (exclusive) that was given to an input number. Inputs in that range
    /// ascend.
    pub(super) fn find(&self, low: u64, high: u64, input: u64) -> Option<u64> {
        let (mut low, mut high) = (low.max(self.oldest()), high.min(self.next));
        while low < high {
            let middle = low + (high - low) / 2;
            let entry = self.entry(middle)?;
            // Both are near each other, so the difference of the low halves is that of the whole.
            let ahead = entry.input.wrapping_sub(input as u32).cast_signed();
            match ahead {
                0 => return Some(middle),
                1.. => high = middle,
                _ => low = middle + 1,
            }
        }
        None
    }
}
