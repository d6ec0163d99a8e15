//! Against the client of `rtc-dtls`; other ones come in tests/forwarding.rs (dimpl) and cluster-tests/interop (OpenSSL).

use super::*;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};

/// Turns within which a handshake is done; each takes a second of the clock that is handed in.
const TURNS: u32 = 40;

fn certificate(of: &'static rcgen::SignatureAlgorithm) -> Certificate {
    let key = KeyPair::generate_for(of).unwrap();
    let params = CertificateParams::new(vec!["a program".to_owned()]).unwrap();
    let provider = AwsLcRsProvider::new();
    Certificate {
        certificate: vec![params.self_signed(&key).unwrap().der().to_owned()],
        private_key: CryptoPrivateKey::from_key_pair(&key, provider.crypto()).unwrap(),
    }
}

/// A program with these certificates, and the node's end.
struct Pair {
    client: Endpoint,
    server: Box<dyn DtlsInstance>,
    now: Instant,
    /// Of the client's events: it is done.
    is_done: bool,
    told: Vec<String>,
    certificate: Vec<u8>,
    keys: Vec<u8>,
    /// What the client got that is not DTLS of a handshake.
    data: Vec<Vec<u8>>,
}

impl Pair {
    fn new(certificates: Vec<Certificate>) -> Self {
        let now = Instant::now();
        let own = ForPrograms.generate_certificate().unwrap();
        let mut server = ForPrograms
            .new_dtls(&own, now, DtlsVersion::Dtls12, None)
            .unwrap();
        server.set_active(false);
        let config = ConfigBuilder::default()
            .with_crypto_provider(Arc::new(AwsLcRsProvider::new()))
            .with_certificates(certificates)
            .with_srtp_protection_profiles(vec![Offered::Srtp_Aead_Aes_128_Gcm])
            .with_insecure_skip_verify(true)
            .build(true, None)
            .unwrap();
        let mut client = Endpoint::new(PEER, Default::default(), None);
        client.connect(now, PEER, Arc::new(config), None).unwrap();
        Self {
            client,
            server,
            now,
            is_done: false,
            told: Vec::new(),
            certificate: Vec::new(),
            keys: Vec::new(),
            data: Vec::new(),
        }
    }

    /// What the server sends; what it tells is noted.
    fn drain(&mut self) -> Vec<Vec<u8>> {
        let (mut packets, mut buf) = (Vec::new(), [0; 2_000]);
        loop {
            match self.server.poll_output(&mut buf) {
                DtlsOutput::Packet(packet) => packets.push(packet.to_vec()),
                DtlsOutput::PeerCert(bytes) => {
                    self.certificate = bytes.to_vec();
                    self.told.push("certificate".into());
                }
                DtlsOutput::KeyingMaterial(keys, profile) => {
                    self.keys = keys.to_vec();
                    self.told.push(format!("keys for {profile}"));
                }
                DtlsOutput::Connected => self.told.push("connected".into()),
                DtlsOutput::CloseNotify => self.told.push("closed".into()),
                DtlsOutput::ApplicationData(bytes) => {
                    self.told.push(String::from_utf8_lossy(bytes).into_owned());
                }
                DtlsOutput::Timeout(_) => return packets,
                other => panic!("{other:?}"),
            }
        }
    }

    /// Carries datagrams both ways until there are none; those for which `loses` says so do not come.
    fn carry(&mut self, loses: &mut impl FnMut() -> bool) {
        loop {
            let mut is_quiet = true;
            while let Some(transmit) = self.client.poll_transmit() {
                is_quiet = false;
                if !loses() {
                    self.server.handle_packet(&transmit.message).unwrap();
                }
            }
            for packet in self.drain() {
                is_quiet = false;
                if loses() {
                    continue;
                }
                let read = self
                    .client
                    .read(self.now, PEER, None, BytesMut::from(&packet[..]));
                for event in read.unwrap_or_default() {
                    match event {
                        EndpointEvent::HandshakeComplete => self.is_done = true,
                        EndpointEvent::ApplicationData(data) => self.data.push(data.to_vec()),
                        _ => self.told.push("the client was told the end".into()),
                    }
                }
            }
            if is_quiet {
                return;
            }
        }
    }

    /// Until both are done, or for all turns.
    fn shake_hands(&mut self, mut loses: impl FnMut() -> bool) {
        for _ in 0..TURNS {
            self.carry(&mut loses);
            if self.is_done && self.told.iter().any(|told| told == "connected") {
                return;
            }
            self.now += Duration::from_secs(2);
            self.client.handle_timeout(PEER, self.now).ok();
            self.server.handle_timeout(self.now).unwrap();
        }
    }

    fn assert_connected(&mut self, shown: &[u8]) {
        let told = ["certificate", "keys for SRTP_AEAD_AES_128_GCM", "connected"];
        assert_eq!(self.told, told);
        assert_eq!(self.certificate, shown);
        let state = self.client.get_connection_state(PEER).unwrap();
        let length = SrtpProfile::AEAD_AES_128_GCM.keying_material_len();
        let keys = state.export_keying_material(LABEL, &[], length).unwrap();
        assert_eq!(self.keys, keys.as_ref());
    }
}

fn never() -> bool {
    false
}

#[test]
fn who_has_an_rsa_or_an_ecdsa_certificate_gets_in_with_the_same_keys() {
    for of in [&PKCS_RSA_SHA256, &PKCS_ECDSA_P256_SHA256] {
        let certificate = certificate(of);
        let shown = certificate.certificate[0].to_vec();
        let mut pair = Pair::new(vec![certificate]);
        pair.shake_hands(never);
        pair.assert_connected(&shown);
    }
}

#[test]
fn whichever_datagram_is_lost_both_get_there() {
    let certificate = certificate(&PKCS_RSA_SHA256);
    let shown = certificate.certificate[0].to_vec();
    for lost in 0..10 {
        let mut pair = Pair::new(vec![certificate.clone()]);
        let mut at = 0;
        pair.shake_hands(|| {
            at += 1;
            at - 1 == lost
        });
        pair.assert_connected(&shown);
    }
}

#[test]
fn who_shows_no_certificate_or_not_its_own_gets_nowhere() {
    let [own, foreign] = [(); 2].map(|()| certificate(&PKCS_RSA_SHA256));
    let not_its_own = Certificate {
        certificate: foreign.certificate,
        private_key: own.private_key,
    };
    for certificates in [vec![], vec![not_its_own]] {
        let mut pair = Pair::new(certificates);
        pair.shake_hands(never);
        assert_eq!(pair.told, [""; 0]);
        assert!(pair.server.protocol_version().is_none());
        assert_eq!(pair.server.send_application_data(b"x"), Ok(0));
    }
}

#[test]
fn data_goes_both_ways_and_either_end_says_goodbye() {
    for closes_here in [true, false] {
        let mut pair = Pair::new(vec![certificate(&PKCS_RSA_SHA256)]);
        pair.shake_hands(never);
        pair.told.clear();
        pair.client.write(pair.now, PEER, b"hello").unwrap();
        assert_eq!(pair.server.send_application_data(b"good day"), Ok(8));
        pair.carry(&mut never);
        assert_eq!(pair.told, ["hello"]);
        assert_eq!(pair.data, [b"good day"]);
        if closes_here {
            pair.server.close().unwrap();
            pair.carry(&mut never);
            assert_eq!(pair.told, ["hello", "the client was told the end"]);
        } else {
            pair.client.stop(pair.now, PEER);
            pair.carry(&mut never);
            assert_eq!(pair.told, ["hello", "closed"]);
        }
        assert!(pair.server.is_closed());
        assert!(pair.server.send_application_data(b"x").is_err());
    }
}

#[test]
fn an_alert_is_answered_once_at_most() {
    let mut pair = Pair::new(vec![certificate(&PKCS_RSA_SHA256)]);
    let alert = |number| [21, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, number, 0, 2, 2, 40];
    let mut answers = 0;
    for number in 0..20 {
        pair.server.handle_packet(&alert(number)).unwrap();
        answers += pair.drain().len();
    }
    assert!(answers <= 1, "{answers} answers");
}

#[test]
fn who_has_no_keys_cannot_end_a_connection() {
    let mut pair = Pair::new(vec![certificate(&PKCS_RSA_SHA256)]);
    pair.shake_hands(never);
    pair.told.clear();
    for (number, epoch) in [(90, 0), (91, 1), (92, 2)] {
        let alert = [21, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, number, 0, 2, 2, 40];
        pair.server.handle_packet(&alert).unwrap();
        pair.server
            .handle_packet(&[&alert[..], b"a broken end"].concat())
            .unwrap();
        let close = [21, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 1, number, 0, 2, 1, 0];
        pair.server.handle_packet(&close).unwrap();
        let change = [20, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 2, number, 0, 1, 1];
        pair.server.handle_packet(&change).unwrap();
    }
    assert!(pair.drain().is_empty());
    assert!(!pair.server.is_closing());
    pair.client.write(pair.now, PEER, b"hello").unwrap();
    pair.carry(&mut never);
    assert_eq!(pair.told, ["hello"]);
}

/// `rtc-dtls` would put such pieces together by a recursion as deep as there are pieces.
#[test]
fn pieces_of_a_byte_each_do_no_harm() {
    let mut pair = Pair::new(vec![certificate(&PKCS_RSA_SHA256)]);
    for number in 1..=60_000_u32 {
        let [_, high, middle, low] = number.to_be_bytes();
        let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, high, middle, low, 0, 13];
        // The last piece first: only the one at the beginning, which comes last, makes them a message.
        let [_, high, middle, low] = (60_000 - number).to_be_bytes();
        datagram.extend([1, 0, 0xea, 0x60, 0, 0, high, middle, low, 0, 0, 1, 0]);
        pair.server.handle_packet(&datagram).unwrap();
    }
    assert!(pair.drain().is_empty());
}
