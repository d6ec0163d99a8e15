//! Private keys: ECDSA on P-256, which browsers, OpenSSL and hardware tokens all take.

use crate::IdentityError;
use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::{fmt, sync::Arc};
use zeroize::Zeroizing;

/// A private key. Its bytes are wiped when it is dropped and never shown.
pub(crate) struct Key {
    pair: EcdsaKeyPair,
    pkcs8: Zeroizing<Vec<u8>>,
}

impl Key {
    pub(crate) fn generate() -> Result<Self, IdentityError> {
        let failed = |_| IdentityError::Crypto { what: "making a key" };
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).map_err(failed)?;
        let pkcs8 = Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec());
        Ok(Self { pair, pkcs8 })
    }

    /// Reads PKCS#8 in DER. `None` if it is not a P-256 key.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Option<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8).ok()?;
        Some(Self {
            pair,
            pkcs8: Zeroizing::new(pkcs8.to_vec()),
        })
    }

    pub(crate) fn pkcs8(&self) -> &[u8] {
        &self.pkcs8
    }

    /// The public point, uncompressed (SEC 1 §2.3.3).
    pub(crate) fn public(&self) -> &[u8] {
        self.pair.public_key().as_ref()
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Result<Vec<u8>, IdentityError> {
        let signature = self.pair.sign(&SystemRandom::new(), message);
        signature
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_| IdentityError::Crypto { what: "signing" })
    }

    /// The key in the form that TLS uses.
    pub(crate) fn for_tls(&self) -> Result<Arc<dyn rustls::sign::SigningKey>, IdentityError> {
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.pkcs8.to_vec()));
        rustls::crypto::aws_lc_rs::sign::any_ecdsa_type(&der).map_err(|_| IdentityError::Crypto {
            what: "handing a key to TLS",
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(hidden)")
    }
}

impl rcgen::PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        self.public()
    }
    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Key {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        Key::sign(self, message).map_err(|_| rcgen::Error::RemoteKeyError)
    }
}
