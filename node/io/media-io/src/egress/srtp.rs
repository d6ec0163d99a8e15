//! SRTP for what is sent beside str0m (RFC 3711, RFC 7714): seals packets where they lie, opens control packets.

use super::tap::Agreed;
use aws_lc_rs::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey},
    cipher::{self, EncryptingKey, EncryptionContext, UnboundCipherKey},
    constant_time::verify_slices_are_equal,
    hmac,
    iv::FixedLength,
};
use plenary_rtp::Numbers;
use str0m::crypto::{AeadAes128Gcm, Aes128CmSha1_80, SrtpProvider, dtls::SrtpProfile};

/// Control packets of ours have numbers from here on: str0m, which may have sent some before with the same key, counts
/// from 0.
const FIRST_CONTROL: u32 = 1 << 28;
/// The flag that a control packet is encrypted (RFC 3711 §3.4).
const ENCRYPTED: u32 = 1 << 31;
/// The header of a control packet that is not encrypted.
const CONTROL_HEADER: usize = 8;
const GCM_TAG: usize = 16;
/// Senders of control packets that are known; a browser is a handful.
const SENDERS: usize = 32;

/// The keys of one connection.
pub(super) struct Srtp {
    media_out: Cipher,
    control_out: Cipher,
    control_in: Cipher,
    next_control: u32,
    /// Of the senders that control packets came from: each counts by itself (RFC 3711 §3.2.3), as a browser does with
    /// what it says of all streams and what it says of one.
    seen: Vec<(u32, Numbers)>,
}

enum Cipher {
    Gcm { key: LessSafeKey, salt: [u8; 12] },
    Counter(Box<Counter>),
}

struct Counter {
    key: EncryptingKey,
    tag: hmac::Key,
    salt: [u8; 14],
}

impl Srtp {
    /// `None` if the material is not that of its profile.
    pub(super) fn new(agreed: &Agreed) -> Option<Self> {
        let (key, salt) = match agreed.profile {
            SrtpProfile::AEAD_AES_256_GCM => (32, 12),
            SrtpProfile::AEAD_AES_128_GCM => (16, 12),
            SrtpProfile::AES128_CM_SHA1_80 => (16, 14),
            _ => return None,
        };
        let cut = |from: usize, length: usize| agreed.material.get(from..from + length);
        let client = (cut(0, key)?, cut(2 * key, salt)?);
        let server = (cut(key, key)?, cut(2 * key + salt, salt)?);
        let (ours, theirs) = if agreed.is_client {
            (client, server)
        } else {
            (server, client)
        };
        Some(Self {
            media_out: Cipher::derive(agreed.profile, ours, 0)?,
            control_out: Cipher::derive(agreed.profile, ours, 3)?,
            control_in: Cipher::derive(agreed.profile, theirs, 3)?,
            next_control: FIRST_CONTROL,
            seen: Vec::new(),
        })
    }

    /// Seals the packet that stands from `start` on in `out`, whose header has `header` bytes. `sequence`: with its
    /// rollovers; each must be used once. False if it cannot be.
    pub(super) fn seal(
        &self,
        out: &mut Vec<u8>,
        start: usize,
        header: usize,
        ssrc: u32,
        sequence: u64,
    ) -> bool {
        let rollovers = (sequence >> 16) as u32;
        let tag = {
            let Some((head, body)) = out
                .get_mut(start..)
                .and_then(|packet| packet.split_at_mut_checked(header))
            else {
                return false;
            };
            match &self.media_out {
                Cipher::Gcm { key, salt } => {
                    let iv = AeadAes128Gcm::rtp_iv(*salt, ssrc, rollovers, sequence as u16);
                    let nonce = Nonce::assume_unique_for_key(iv);
                    match key.seal_in_place_separate_tag(nonce, Aad::from(&*head), body) {
                        Ok(tag) => Tag::Gcm(tag),
                        Err(_) => return false,
                    }
                }
                Cipher::Counter(counter) => {
                    let iv = Aes128CmSha1_80::rtp_iv(counter.salt, ssrc, sequence);
                    if !encrypt(&counter.key, iv, body) {
                        return false;
                    }
                    Tag::Sha1(mac(&counter.tag, &[head, body, &rollovers.to_be_bytes()]))
                }
            }
        };
        out.extend_from_slice(tag.as_ref());
        true
    }

    /// Seals the compound packet that stands from `start` on in `out`.
    pub(super) fn seal_control(&mut self, out: &mut Vec<u8>, start: usize) -> bool {
        let Some(ssrc) = out.get(start..).and_then(sender) else {
            return false;
        };
        let index = self.next_control;
        if index & ENCRYPTED != 0 {
            return false;
        }
        self.next_control += 1;
        let trailer = (index | ENCRYPTED).to_be_bytes();
        let Some((head, body)) = out
            .get_mut(start..)
            .and_then(|packet| packet.split_at_mut_checked(CONTROL_HEADER))
        else {
            return false;
        };
        match &self.control_out {
            Cipher::Gcm { key, salt } => {
                let nonce = Nonce::assume_unique_for_key(AeadAes128Gcm::rtcp_iv(*salt, ssrc, index));
                let mut known = [0; CONTROL_HEADER + 4];
                known[..CONTROL_HEADER].copy_from_slice(head);
                known[CONTROL_HEADER..].copy_from_slice(&trailer);
                let Ok(tag) = key.seal_in_place_separate_tag(nonce, Aad::from(known), body) else {
                    return false;
                };
                out.extend_from_slice(tag.as_ref());
                out.extend_from_slice(&trailer);
            }
            Cipher::Counter(counter) => {
                let iv = Aes128CmSha1_80::rtp_iv(counter.salt, ssrc, u64::from(index));
                if !encrypt(&counter.key, iv, body) {
                    return false;
                }
                out.extend_from_slice(&trailer);
                let tag = mac(&counter.tag, &[out.get(start..).unwrap_or_default()]);
                out.extend_from_slice(Tag::Sha1(tag).as_ref());
            }
        }
        true
    }

    /// Opens a control packet of the peer into `out`, each once.
    pub(super) fn open_control(&mut self, packet: &[u8], out: &mut Vec<u8>) -> bool {
        match (self.control_in.open_control(packet, out), sender(packet)) {
            (Some(index), Some(sender)) => self.is_new(sender, index),
            _ => false,
        }
    }

    /// Whether this sender did not use this number yet. Of more senders than are kept, the first one is forgotten: only
    /// the peer can name any.
    fn is_new(&mut self, sender: u32, index: u32) -> bool {
        if let Some((_, numbers)) = self.seen.iter_mut().find(|(known, _)| *known == sender) {
            return numbers.take(u64::from(index));
        }
        if self.seen.len() >= SENDERS {
            self.seen.remove(0);
        }
        let mut numbers = Numbers::default();
        let is_new = numbers.take(u64::from(index));
        self.seen.push((sender, numbers));
        is_new
    }

    /// Opens a control packet that str0m has sealed for the peer.
    pub(super) fn open_own_control(&self, packet: &[u8], out: &mut Vec<u8>) -> bool {
        self.control_out.open_control(packet, out).is_some()
    }
}

impl Cipher {
    /// `label`: 0 for media, 3 for control (RFC 3711 §4.3.2).
    fn derive(profile: SrtpProfile, (master, salt): (&[u8], &[u8]), label: u8) -> Option<Self> {
        if profile == SrtpProfile::AES128_CM_SHA1_80 {
            let key: [u8; 16] = derived(master, salt, label);
            let tag: [u8; 20] = derived(master, salt, label + 1);
            let key = UnboundCipherKey::new(&cipher::AES_128, &key).ok()?;
            return Some(Self::Counter(Box::new(Counter {
                key: EncryptingKey::ctr(key).ok()?,
                tag: hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &tag),
                salt: derived(master, salt, label + 2),
            })));
        }
        let key = if master.len() == 16 {
            UnboundKey::new(&aead::AES_128_GCM, &derived::<16>(master, salt, label))
        } else {
            UnboundKey::new(&aead::AES_256_GCM, &derived::<32>(master, salt, label))
        };
        Some(Self::Gcm {
            key: LessSafeKey::new(key.ok()?),
            salt: derived(master, salt, label + 2),
        })
    }

    /// Gives the number of the packet.
    fn open_control(&self, packet: &[u8], out: &mut Vec<u8>) -> Option<u32> {
        out.clear();
        let ssrc = sender(packet)?;
        let (head, rest) = packet.split_at_checked(CONTROL_HEADER)?;
        out.extend_from_slice(head);
        match self {
            Self::Gcm { key, salt } => {
                let (sealed, trailer) = rest.split_last_chunk::<4>()?;
                let word = u32::from_be_bytes(*trailer);
                // Not encrypted: no client of ours does that.
                if word & ENCRYPTED == 0 || sealed.len() < GCM_TAG {
                    return None;
                }
                let index = word & !ENCRYPTED;
                let nonce = Nonce::assume_unique_for_key(AeadAes128Gcm::rtcp_iv(*salt, ssrc, index));
                let mut known = [0; CONTROL_HEADER + 4];
                known[..CONTROL_HEADER].copy_from_slice(head);
                known[CONTROL_HEADER..].copy_from_slice(trailer);
                out.extend_from_slice(sealed);
                let body = out.get_mut(CONTROL_HEADER..)?;
                let length = key.open_in_place(nonce, Aad::from(known), body).ok()?.len();
                out.truncate(CONTROL_HEADER + length);
                Some(index)
            }
            Self::Counter(counter) => {
                let (known, told) = packet.split_last_chunk::<{ Aes128CmSha1_80::HMAC_TAG_LEN }>()?;
                let expected = mac(&counter.tag, &[known]);
                verify_slices_are_equal(Tag::Sha1(expected).as_ref(), told).ok()?;
                let (sealed, trailer) = known.get(CONTROL_HEADER..)?.split_last_chunk::<4>()?;
                let word = u32::from_be_bytes(*trailer);
                if word & ENCRYPTED == 0 {
                    return None;
                }
                let index = word & !ENCRYPTED;
                out.extend_from_slice(sealed);
                let iv = Aes128CmSha1_80::rtp_iv(counter.salt, ssrc, u64::from(index));
                encrypt(&counter.key, iv, out.get_mut(CONTROL_HEADER..)?).then_some(index)
            }
        }
    }
}

enum Tag {
    Gcm(aead::Tag),
    Sha1(hmac::Tag),
}

impl AsRef<[u8]> for Tag {
    fn as_ref(&self) -> &[u8] {
        match self {
            Self::Gcm(tag) => tag.as_ref(),
            Self::Sha1(tag) => tag
                .as_ref()
                .get(..Aes128CmSha1_80::HMAC_TAG_LEN)
                .unwrap_or_default(),
        }
    }
}

fn mac(key: &hmac::Key, parts: &[&[u8]]) -> hmac::Tag {
    let mut context = hmac::Context::with_key(key);
    for part in parts {
        context.update(part);
    }
    context.sign()
}

/// AES in counter mode, which decrypts as well.
fn encrypt(key: &EncryptingKey, iv: [u8; 16], body: &mut [u8]) -> bool {
    let context = EncryptionContext::Iv128(FixedLength::from(iv));
    key.less_safe_encrypt(body, context).is_ok()
}

/// The SSRC of the sender of a control packet.
fn sender(packet: &[u8]) -> Option<u32> {
    let bytes = packet.get(4..8)?;
    bytes.try_into().ok().map(u32::from_be_bytes)
}

/// A session key or salt (RFC 3711 §4.3.3, RFC 6188 §2).
fn derived<const N: usize>(master: &[u8], salt: &[u8], label: u8) -> [u8; N] {
    let provider: &dyn SrtpProvider = str0m::crypto::from_feature_flags().srtp_provider;
    let mut input = [0; 16];
    for (place, byte) in input.iter_mut().zip(salt) {
        *place = *byte;
    }
    input[7] ^= label;
    let mut all = [0; N];
    for (round, part) in all.chunks_mut(16).enumerate() {
        input[15] = u8::try_from(round).unwrap_or_default();
        let mut block = [0; 32];
        if master.len() == 16 {
            provider.srtp_aes_128_ecb_round(master, &input, &mut block);
        } else {
            provider.srtp_aes_256_ecb_round(master, &input, &mut block);
        }
        part.copy_from_slice(block.get(..part.len()).unwrap_or_default());
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROFILES: [(SrtpProfile, usize); 3] = [
        (SrtpProfile::AEAD_AES_256_GCM, 88),
        (SrtpProfile::AEAD_AES_128_GCM, 56),
        (SrtpProfile::AES128_CM_SHA1_80, 60),
    ];

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hex");
        std::array::from_fn(byte)
    }

    /// Both ends of a connection.
    fn ends(profile: SrtpProfile, length: usize) -> (Srtp, Srtp) {
        let of = |is_client| {
            let material = (0..length).map(|at| at as u8).collect();
            let agreed = Agreed {
                profile,
                material,
                is_client,
            };
            Srtp::new(&agreed).expect("the material fits")
        };
        (of(true), of(false))
    }

    fn gcm(key: [u8; 16], salt: [u8; 12]) -> Cipher {
        let key = UnboundKey::new(&aead::AES_128_GCM, &key).expect("16 bytes");
        Cipher::Gcm {
            key: LessSafeKey::new(key),
            salt,
        }
    }

    #[test]
    fn keys_are_derived_as_in_rfc_3711_b_3() {
        let master: [u8; 16] = hex("e1f97a0d3e018be0d64fa32c06de4139");
        let salt: [u8; 14] = hex("0ec675ad498afeebb6960b3aabe6");
        assert_eq!(
            derived::<16>(&master, &salt, 0),
            hex("c61e7a93744f39ee10734afe3ff7a087")
        );
        assert_eq!(
            derived::<14>(&master, &salt, 2),
            hex("30cbbc08863d8c85d49db34a9ae1")
        );
        assert_eq!(
            derived::<20>(&master, &salt, 1),
            hex("cebe321f6ff7716b6fd4ab49af256a156d38baa4")
        );
    }

    #[test]
    fn a_packet_is_sealed_as_in_rfc_7714_16_1_1() {
        let (mut srtp, _) = ends(SrtpProfile::AEAD_AES_128_GCM, 56);
        srtp.media_out = gcm(
            hex("000102030405060708090a0b0c0d0e0f"),
            hex("517569642070726f2071756f"),
        );
        let mut out = b"before".to_vec();
        out.extend(hex::<12>("8040f17b8041f8d35501a0b2"));
        out.extend(b"Gallia est omnis divisa in partes tres");
        assert!(srtp.seal(&mut out, 6, 12, 0x5501_a0b2, 0xf17b));
        let sealed: [u8; 54] = hex(
            "f24de3a3fb34de6cacba861c9d7e4bcabe633bd50d294e6f42a5f47a51c7d19b36de3adf8833\
             899d7f27beb16a9152cf765ee4390cce",
        );
        assert_eq!(out[18..], sealed);
    }

    #[test]
    fn counter_mode_is_that_of_rfc_3711_b_2() {
        let key: [u8; 16] = hex("2b7e151628aed2a6abf7158809cf4f3c");
        let key = UnboundCipherKey::new(&cipher::AES_128, &key).expect("16 bytes");
        let key = EncryptingKey::ctr(key).expect("a key");
        let salt: [u8; 14] = hex("f0f1f2f3f4f5f6f7f8f9fafbfcfd");
        let mut body = [0; 32];
        assert!(encrypt(&key, Aes128CmSha1_80::rtp_iv(salt, 0, 0), &mut body));
        assert_eq!(
            body,
            hex("e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab")
        );
    }

    #[test]
    fn tags_of_counter_mode_cover_the_rollovers() {
        let (srtp, _) = ends(SrtpProfile::AES128_CM_SHA1_80, 60);
        let sealed = |sequence: u64| {
            let mut out = vec![0x80; 40];
            assert!(srtp.seal(&mut out, 0, 12, 7, sequence));
            out
        };
        let (first, later) = (sealed(1_000), sealed(66_536));
        assert_eq!(first.len(), 50);
        assert_eq!(first[..12], later[..12]);
        assert_ne!(first[12..40], later[12..40]);
        // As str0m computes it, with the first keys of the material: those of the client.
        let (master, salt): (Vec<u8>, Vec<u8>) = ((0..16).collect(), (32..46).collect());
        let hmac = str0m::crypto::from_feature_flags().sha1_hmac_provider;
        let is_right = Aes128CmSha1_80::rtp_verify(
            |key, parts| hmac.sha1_hmac(key, parts),
            &derived::<20>(&master, &salt, 1),
            &later[..40],
            66_536,
            &later[40..],
        );
        assert!(is_right);
    }

    #[test]
    fn control_packets_are_opened_once_and_only_unchanged() {
        let packet = [0x81, 206, 0, 2, 0, 0, 0, 9, 0, 0, 0, 8];
        for (profile, length) in PROFILES {
            let (mut client, mut server) = ends(profile, length);
            let mut out = vec![1, 2, 3];
            out.extend(packet);
            assert!(client.seal_control(&mut out, 3));
            let sealed = out.split_off(3);
            assert!(client.open_own_control(&sealed, &mut out) && out == packet);
            for at in 0..sealed.len() {
                let mut changed = sealed.clone();
                changed[at] ^= 1;
                assert!(!server.open_control(&changed, &mut out), "{profile:?} {at}");
                assert!(!server.open_control(&sealed[..at], &mut out));
            }
            assert!(server.open_control(&sealed, &mut out));
            assert_eq!(out, packet);
            assert!(!server.open_control(&sealed, &mut out), "a replay");
            assert!(client.seal_control(&mut out, 0));
        }
    }

    /// As a browser sends them: each of its senders has numbers of its own.
    #[test]
    fn each_sender_of_control_packets_counts_by_itself() {
        let sealed = |sender: u32, index: u32| {
            let (mut client, _) = ends(SrtpProfile::AEAD_AES_128_GCM, 56);
            client.next_control = index;
            let mut out = vec![0x80, 201, 0, 1];
            out.extend(sender.to_be_bytes());
            assert!(client.seal_control(&mut out, 0));
            out
        };
        let (_, mut server) = ends(SrtpProfile::AEAD_AES_128_GCM, 56);
        let mut opens = |sender, index| server.open_control(&sealed(sender, index), &mut Vec::new());
        assert!(opens(1, 5_000));
        assert!(opens(0xfa17_fa17, 5_000));
        assert!(opens(0xfa17_fa17, 4_990));
        assert!(!opens(0xfa17_fa17, 4_990), "a replay");
        assert!(opens(2, 7));
        for sender in 10..=1_000 {
            assert!(opens(sender, 3) && !opens(sender, 3));
        }
        assert_eq!(server.seen.len(), SENDERS);
    }

    #[test]
    fn material_of_another_length_gives_no_keys() {
        for (profile, length) in PROFILES {
            let material = vec![0; length - 1];
            let agreed = Agreed {
                profile,
                material,
                is_client: true,
            };
            assert!(Srtp::new(&agreed).is_none());
        }
    }
}
