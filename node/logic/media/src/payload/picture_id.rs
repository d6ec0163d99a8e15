//! Picture ids of VP8 and VP9: 7 bits in a byte, or 15 in two, of which the first bit tells. And what is changed with them.
#![cfg_attr(not(test), warn(clippy::indexing_slicing))]

use super::Malformed;

/// The id that stands `at` a place, which is `wide` if it has two bytes.
pub(super) fn read(payload: &[u8], (at, wide): (usize, bool)) -> Option<u16> {
    let high = u16::from(payload.get(at)? & 0x7f);
    if !wide {
        return Some(high);
    }
    Some(high << 8 | u16::from(*payload.get(at + 1)?))
}

/// Puts an id there; a byte takes the low 7 bits.
fn write(payload: &mut [u8], (at, wide): (usize, bool), id: u16) -> Result<(), Malformed> {
    let [high, low] = id.to_be_bytes();
    if wide {
        let place = payload.get_mut(at..at + 2).ok_or(Malformed)?;
        place.copy_from_slice(&[0x80 | high, low]);
    } else {
        *payload.get_mut(at).ok_or(Malformed)? = low & 0x7f;
    }
    Ok(())
}

/// Puts an id and a TL0PICIDX in the places that a payload has for them; what it has none for is left out.
pub(super) fn patch(
    payload: &mut [u8],
    id: Option<((usize, bool), u16)>,
    tl0_pic_idx: Option<(usize, u8)>,
) -> Result<(), Malformed> {
    if let Some((place, id)) = id {
        write(payload, place, id)?;
    }
    if let Some((at, index)) = tl0_pic_idx {
        *payload.get_mut(at).ok_or(Malformed)? = index;
    }
    Ok(())
}
