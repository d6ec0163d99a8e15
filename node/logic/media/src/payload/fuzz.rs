use super::{Codec, Reader, patch, patch_frame_number};

/// Gives foreign bytes to the readers of payloads and of the dependency descriptor, as the packets of one stream, each
/// behind its length (one byte); for fuzzers. Never returns anything but normally.
///
/// # Panics
/// Where a packet that could be read cannot be read again once its picture ID is another one.
pub fn fuzz(bytes: &[u8]) {
    let Some((kind, mut bytes)) = bytes.split_first() else {
        return;
    };
    let codecs = [Codec::Vp8, Codec::Vp9, Codec::H264, Codec::Av1, Codec::Opus];
    let codec = codecs[usize::from(kind & 0x7f) % codecs.len()];
    let mut reader = Reader::new(codec);
    while let Some((length, rest)) = bytes.split_first() {
        let (packet, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        bytes = rest;
        let (descriptor, payload) = packet.split_at(packet.len() / 2);
        let descriptor = (kind & 0x80 != 0).then_some(descriptor);
        let read = reader.read(payload, descriptor);
        let _size = reader.picture_size(payload);
        let _structure = reader.structure().map(|structure| structure.resolution(0));
        if let Some(descriptor) = descriptor {
            let _patched = patch_frame_number(&mut descriptor.to_vec(), 17);
        }
        if matches!(codec, Codec::Vp8 | Codec::Vp9) && read.is_ok() {
            let mut patched = payload.to_vec();
            if patch(codec, &mut patched, Some(17), Some(3)).is_ok() {
                reader.read(&patched, None).expect("only numbers are others");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    proptest! {
        #[test]
        fn foreign_payloads_do_no_harm(bytes in vec(any::<u8>(), 0..300)) {
            super::fuzz(&bytes);
        }
    }
}
