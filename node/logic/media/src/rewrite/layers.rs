use super::Target;
use crate::payload::Summary;

/// The highest layers that go through, each 0 to 7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Layers {
    pub(super) spatial: u8,
    pub(super) temporal: u8,
}

impl Layers {
    pub(super) fn pack(self) -> u8 {
        self.spatial << 3 | self.temporal
    }

    pub(super) fn unpack(packed: u8) -> Self {
        Self {
            spatial: packed >> 3,
            temporal: packed & 7,
        }
    }

    pub(super) fn admit(self, summary: &Summary) -> bool {
        summary.temporal.unwrap_or(0) <= self.temporal && summary.spatial.unwrap_or(0) <= self.spatial
    }

    /// The layers from this frame on. Down is possible with every picture, up only where the codec says so.
    pub(super) fn step(self, summary: &Summary, target: &Target) -> Self {
        let wanted = Self {
            spatial: target.spatial,
            temporal: target.temporal,
        };
        if summary.key_frame {
            return wanted;
        }
        let (spatial, temporal) = (summary.spatial.unwrap_or(0), summary.temporal.unwrap_or(0));
        let mut next = self;
        if spatial == 0 {
            // In the middle of a picture it would be too late to mark the end of the layer below.
            next.spatial = next.spatial.min(wanted.spatial);
            next.temporal = next.temporal.min(wanted.temporal);
        }
        if summary.switch_up && temporal == next.temporal + 1 && temporal <= wanted.temporal {
            next.temporal = temporal;
        }
        let above = spatial == next.spatial + 1 && spatial <= wanted.spatial;
        if summary.switch_up_spatial && above && temporal <= next.temporal {
            next.spatial = spatial;
        }
        if next.admit(summary) {
            next.opened(summary, wanted)
        } else {
            next
        }
    }

    /// The highest layers up to `wanted` that a frame opens for who can decode it, or the present ones.
    fn opened(self, summary: &Summary, wanted: Self) -> Self {
        let spatials = (self.spatial..=wanted.spatial).rev();
        let all = spatials.flat_map(|spatial| {
            (self.temporal..=wanted.temporal)
                .rev()
                .map(move |temporal| Self { spatial, temporal })
        });
        all.into_iter()
            .find(|layers| summary.opens.contains(layers.spatial, layers.temporal))
            .unwrap_or(self)
    }
}
