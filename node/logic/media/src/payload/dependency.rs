//! The dependency descriptor ("RTP Payload Format For AV1", appendix A): which layer a frame is in, and who can
//! begin with it.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::{Codec, LayerSet, Malformed, Summary, bits::Bits};

/// Ids of templates have six bits.
const TEMPLATES: usize = 64;
/// Decode targets are counted in five bits.
const TARGETS: usize = 32;
const SPATIAL: usize = 4;
/// A switch indication (table A.2).
const SWITCH: u64 = 2;

/// Indications for up to 32 decode targets, two bits each.
type Indications = u64;

fn indication(all: Indications, target: usize) -> u64 {
    all >> (target * 2) & 0b11
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Template {
    spatial: u8,
    temporal: u8,
    indications: Indications,
}

/// What the frames of one coded video sequence refer to (§A.4, `template_dependency_structure`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Structure {
    offset: u8,
    templates: [Template; TEMPLATES],
    template_count: usize,
    /// The highest spatial and temporal layer of each decode target.
    targets: [(u8, u8); TARGETS],
    target_count: usize,
    /// Width and height in pixels of each spatial layer.
    resolutions: Option<[(u32, u32); SPATIAL]>,
}

impl Structure {
    /// Width and height in pixels of a spatial layer, where the publisher said it.
    pub fn resolution(&self, spatial: u8) -> Option<(u32, u32)> {
        let known = self.resolutions.as_ref()?.get(usize::from(spatial))?;
        (known.1 > 0).then_some(*known)
    }

    fn read(bits: &mut Bits<'_>) -> Option<Self> {
        let offset = u8::try_from(bits.take(6)?).ok()?;
        let target_count = usize::try_from(bits.take(5)?).ok()? + 1;
        let mut structure = Self {
            offset,
            templates: [Template::default(); TEMPLATES],
            template_count: 0,
            targets: [(0, 0); TARGETS],
            target_count,
            resolutions: None,
        };
        structure.read_layers(bits)?;
        for template in structure.templates.iter_mut().take(structure.template_count) {
            template.indications = indications(bits, target_count)?;
        }
        for _ in 0..structure.template_count {
            while bits.flag()? {
                bits.take(4)?;
            }
        }
        structure.skip_chains(bits)?;
        structure.rank_targets();
        if bits.flag()? {
            structure.resolutions = Some(structure.read_resolutions(bits)?);
        }
        Some(structure)
    }

    fn read_layers(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        let (mut spatial, mut temporal) = (0_u8, 0_u8);
        loop {
            let template = self.templates.get_mut(self.template_count)?;
            (template.spatial, template.temporal) = (spatial, temporal);
            self.template_count += 1;
            match bits.take(2)? {
                0 => {}
                1 => temporal += 1,
                2 => (spatial, temporal) = (spatial + 1, 0),
                _ => return Some(()),
            }
            if usize::from(spatial) >= SPATIAL || temporal > 7 {
                return None;
            }
        }
    }

    fn skip_chains(&self, bits: &mut Bits<'_>) -> Option<()> {
        let targets = u32::try_from(self.target_count).ok()?;
        let chains = bits.below(targets + 1)?;
        if chains == 0 {
            return Some(());
        }
        for _ in 0..targets {
            bits.below(chains + 1)?;
        }
        for _ in 0..self.template_count {
            for _ in 0..chains {
                bits.take(4)?;
            }
        }
        Some(())
    }

    fn rank_targets(&mut self) {
        let templates = self.templates.get(..self.template_count).unwrap_or_default();
        for (index, layer) in self.targets.iter_mut().enumerate().take(self.target_count) {
            let present = templates
                .iter()
                .filter(|template| indication(template.indications, index) != 0);
            for template in present {
                layer.0 = layer.0.max(template.spatial);
                layer.1 = layer.1.max(template.temporal);
            }
        }
    }

    fn read_resolutions(&self, bits: &mut Bits<'_>) -> Option<[(u32, u32); SPATIAL]> {
        let last = self.template_count.checked_sub(1)?;
        let highest = self.templates.get(last)?.spatial;
        let mut resolutions = [(0, 0); SPATIAL];
        for place in resolutions.iter_mut().take(usize::from(highest) + 1) {
            *place = (bits.take(16)? + 1, bits.take(16)? + 1);
        }
        Some(resolutions)
    }

    fn template(&self, id: u8) -> Option<Template> {
        let index = usize::from((id + 64 - self.offset) % 64);
        (index < self.template_count).then(|| self.templates.get(index).copied())?
    }

    fn opens(&self, all: Indications) -> LayerSet {
        let mut set = LayerSet::default();
        for (index, (spatial, temporal)) in self.targets.iter().enumerate().take(self.target_count) {
            if indication(all, index) == SWITCH {
                set.insert(*spatial, *temporal);
            }
        }
        set
    }
}

fn indications(bits: &mut Bits<'_>, targets: usize) -> Option<Indications> {
    let mut all = 0;
    for index in 0..targets {
        all |= u64::from(bits.take(2)?) << (index * 2);
    }
    Some(all)
}

/// The fields that every packet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Descriptor {
    pub start_of_frame: bool,
    pub end_of_frame: bool,
    /// 0 to 63.
    pub template_id: u8,
    pub frame_number: u16,
}

impl Descriptor {
    /// Reads the first three bytes of the extension.
    pub fn read(extension: &[u8]) -> Result<Self, Malformed> {
        let (&[flags, high, low], _) = extension.split_first_chunk::<3>().ok_or(Malformed)?;
        Ok(Self {
            start_of_frame: flags & 0x80 != 0,
            end_of_frame: flags & 0x40 != 0,
            template_id: flags & 0x3f,
            frame_number: u16::from_be_bytes([high, low]),
        })
    }
}

/// Puts another frame number into a dependency descriptor. References between frames are differences, so they hold
/// as long as all frames of a stream are moved by the same amount.
pub fn patch_frame_number(extension: &mut [u8], number: u16) -> Result<(), Malformed> {
    let place = extension.get_mut(1..3).ok_or(Malformed)?;
    place.copy_from_slice(&number.to_be_bytes());
    Ok(())
}

/// Reads a descriptor; a structure that it brings takes the place of the one that is known.
pub(super) fn read(extension: &[u8], known: &mut Option<Box<Structure>>) -> Result<Summary, Malformed> {
    let descriptor = Descriptor::read(extension)?;
    let mut summary = Summary {
        starts_frame: descriptor.start_of_frame,
        ends_frame: descriptor.end_of_frame,
        frame_number: Some(descriptor.frame_number),
        ..Summary::plain(Codec::Av1)
    };
    let mut custom = None;
    if let Some(extended) = extension.get(3..).filter(|rest| !rest.is_empty()) {
        let (brings, own) = read_extended(extended, known).ok_or(Malformed)?;
        summary.key_frame = brings && descriptor.start_of_frame;
        custom = own;
    }
    let Some(structure) = known else {
        return Ok(summary);
    };
    // An id out of range belongs to a structure that was lost: the layer is unknown until the next key frame.
    if let Some(template) = structure.template(descriptor.template_id) {
        summary.spatial = Some(template.spatial);
        summary.temporal = Some(template.temporal);
        if descriptor.start_of_frame {
            summary.opens = structure.opens(custom.unwrap_or(template.indications));
        }
    }
    Ok(summary)
}

/// Whether a structure comes with it, and the indications that this frame has for itself.
///
/// Invariant: nothing is kept of a descriptor that is malformed anywhere.
fn read_extended(bytes: &[u8], known: &mut Option<Box<Structure>>) -> Option<(bool, Option<Indications>)> {
    let mut bits = Bits::new(bytes);
    let brings = bits.flag()?;
    let active_follow = bits.flag()?;
    let own_indications = bits.flag()?;
    // Own references and chains stand behind all that is needed here.
    bits.take(2)?;
    let brought = if brings {
        Some(Structure::read(&mut bits)?)
    } else {
        None
    };
    let Some(targets) = brought
        .as_ref()
        .or(known.as_deref())
        .map(|structure| structure.target_count)
    else {
        return Some((false, None));
    };
    if active_follow {
        bits.take(u32::try_from(targets).ok()?)?;
    }
    let own = if own_indications {
        Some(indications(&mut bits, targets)?)
    } else {
        None
    };
    match (brought, known.as_mut()) {
        (Some(structure), Some(place)) => **place = structure,
        (Some(structure), None) => *known = Some(Box::new(structure)),
        (None, _) => {}
    }
    Some((brings, own))
}

#[cfg(test)]
#[path = "dependency_tests.rs"]
mod tests;
