use super::{MS, Network};

/// What the sender has to send.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Media {
    Nothing,
    /// A packet of 120 bytes each 20 ms, whatever the estimate.
    Voice,
    /// Packets of up to 1,200 bytes, evenly, at what the estimate allows and up to this.
    Even {
        most_kbps: u64,
    },
    /// Frames, each 33 ms, all their packets at once; each 100th is eight times as large. As much as the estimate allows
    /// and up to this.
    Frames {
        most_kbps: u64,
    },
    /// A packet of 100 bytes each so many milliseconds (20, or more while nobody speaks), and frames as well where the
    /// estimate allows some, of what it leaves and up to this. A sender that was late has all of it to send.
    Call {
        voice_ms: u64,
        most_kbps: u64,
    },
}

/// Of a voice in a call.
const VOICE_KBPS: u64 = 40;
/// A picture takes this at least.
const PICTURE_KBPS: u64 = 100;

impl Network {
    pub(super) fn send_media(&mut self) {
        let allowed = |most_kbps: u64| self.estimator.estimate().0.min(most_kbps * 1_000);
        match self.media {
            Media::Nothing => {}
            Media::Voice => {
                while self.due_us <= self.now_us {
                    self.due_us = (self.due_us + 20 * MS).max(self.now_us);
                    self.send(120);
                }
            }
            Media::Even { most_kbps } => {
                let passed_us = (self.now_us - self.sender_us).min(100 * MS);
                self.credit += allowed(most_kbps) * passed_us / 8_000;
                while self.credit >= 1_200_000 {
                    self.credit -= 1_200_000;
                    self.send(1_200);
                }
            }
            Media::Frames { most_kbps } => {
                // A key frame each 3.3 s takes 7 % of the whole; what it takes beyond is not made up for.
                let frame = allowed(most_kbps) / 30 / 8;
                while self.due_us <= self.now_us {
                    self.due_us = (self.due_us + 33_333).max(self.now_us);
                    self.frames += 1;
                    self.send_frame(frame * if self.frames % 100 == 50 { 8 } else { 1 });
                }
            }
            Media::Call { voice_ms, most_kbps } => {
                let picture = allowed(most_kbps).saturating_sub(VOICE_KBPS * 1_000);
                while self.due_us <= self.now_us {
                    self.due_us += 20 * MS;
                    self.frames += 1;
                    if self.frames.is_multiple_of(voice_ms / 20) {
                        self.send(100);
                    }
                    if self.frames.is_multiple_of(2) && picture >= PICTURE_KBPS * 1_000 {
                        self.send_frame(picture / 25 / 8);
                    }
                }
            }
        }
    }

    fn send_frame(&mut self, mut left: u64) {
        while left > 0 {
            let bytes = left.min(1_200);
            left -= bytes;
            self.send(bytes);
        }
    }
}
