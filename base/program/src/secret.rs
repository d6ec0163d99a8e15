//! Random secrets.

/// A password of 20 letters and digits that are not mixed up when read aloud (more than 110 bits).
pub fn random_password() -> String {
    const LETTERS: &[u8; 56] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ2345678";
    let mut password = String::with_capacity(20);
    while password.len() < 20 {
        for byte in random_bytes::<32>() {
            // Bytes past the last whole multiple would make some letters likelier than others.
            if let Some(letter) = LETTERS.get(usize::from(byte) % LETTERS.len())
                && byte < 224
                && password.len() < 20
            {
                password.push(char::from(*letter));
            }
        }
    }
    password
}

/// Random bytes from the operating system.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .expect("the operating system has random numbers; without them nothing is safe");
    bytes
}

#[cfg(test)]
mod tests {
    #[test]
    fn passwords_are_long_and_differ() {
        let (one, two) = (super::random_password(), super::random_password());
        assert_eq!(one.len(), 20);
        assert_ne!(one, two);
    }
}
