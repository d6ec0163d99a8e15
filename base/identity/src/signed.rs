//! Texts that a server's issuer signed: whoever knows the enterprise's root knows that the server said it, however it came.

use crate::{IdentityError, Refusal, Scope, ServerCa, authority::scope_of, certificate::Facts};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use serde::{Deserialize, Serialize};
use std::time::SystemTime;

/// What a server wants of its programs in the DMZ, as it travels and is kept there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedPolicy {
    /// Exactly as it was signed.
    text: String,
    signature: String,
    issuer: String,
}

/// Keeps signatures over policies apart from those over certificates and lists, made by the same key.
const POLICY: &[u8] = b"plenary border policy 1\0";

impl SignedPolicy {
    pub(crate) fn sign(text: String, ca: &ServerCa) -> Result<Self, IdentityError> {
        let Seal { signature, issuer } = Seal::over(POLICY, &text, ca)?;
        Ok(Self {
            text,
            signature,
            issuer,
        })
    }

    /// The text, and whose server said it.
    pub(crate) fn verify(&self, root: &[u8], now: SystemTime) -> Result<(Scope, &str), Refusal> {
        let seal = Seal {
            signature: self.signature.clone(),
            issuer: self.issuer.clone(),
        };
        let scope = seal.verify(POLICY, &self.text, root, now);
        let scope = scope.map_err(|fault| match fault {
            Fault::Bad(reason) => Refusal::BadPolicy(reason.to_owned()),
            Fault::Refused(refusal) => refusal,
        })?;
        Ok((scope, &self.text))
    }
}

/// A signature, and the certificate of who made it.
pub(crate) struct Seal {
    pub(crate) signature: String,
    pub(crate) issuer: String,
}

/// Why a seal does not hold.
pub(crate) enum Fault {
    Bad(&'static str),
    Refused(Refusal),
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl Seal {
    pub(crate) fn over(label: &[u8], text: &str, ca: &ServerCa) -> Result<Self, IdentityError> {
        let signature = ca.programs.key.sign(&message(label, text))?;
        Ok(Self {
            signature: BASE64.encode(signature),
            issuer: BASE64.encode(&ca.programs.certificate),
        })
    }

    /// Whose server said it.
    pub(crate) fn verify(
        &self,
        label: &[u8],
        text: &str,
        root: &[u8],
        now: SystemTime,
    ) -> Result<Scope, Fault> {
        let decode = |text: &str| BASE64.decode(text).map_err(|_| Fault::Bad("it is not whole"));
        let issuer = Facts::read(&decode(&self.issuer)?)?;
        if !issuer.is_signed_by(&Facts::read(root)?) {
            return Err(Fault::Bad("it is that of another enterprise"));
        }
        let scope = scope_of(&issuer)?;
        issuer.check_time(&scope.to_string(), now)?;
        if !issuer.verifies(&message(label, text), &decode(&self.signature)?) {
            return Err(Fault::Bad("its signature is wrong"));
        }
        Ok(scope)
    }
}

fn message(label: &[u8], text: &str) -> Vec<u8> {
    [label, text.as_bytes()].concat()
}
