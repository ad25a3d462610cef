//! Room codes and tokens, from the system's randomness.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Letters and digits that are not mistaken for each other: no 0 and O, no 1, I and L.
const ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/// Length of a room's code: short enough to be called across a classroom. It names a room and protects nothing.
const CODE_LEN: usize = 4;
const TOKEN_BYTES: usize = 16;

/// A room's code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct RoomCode([u8; CODE_LEN]);

impl RoomCode {
    /// A code at random.
    pub(crate) fn random() -> Self {
        // Bytes from here on would make the first letters of the alphabet more likely than the others.
        const FAIR: usize = 256 / ALPHABET.len() * ALPHABET.len();
        let letters = std::iter::repeat_with(random::<1>)
            .map(|[byte]| usize::from(byte))
            .filter(|&byte| byte < FAIR)
            .map(|byte| ALPHABET[byte % ALPHABET.len()]);
        let mut code = [0; CODE_LEN];
        code.iter_mut()
            .zip(letters)
            .for_each(|(place, letter)| *place = letter);
        Self(code)
    }
}

impl FromStr for RoomCode {
    type Err = ();

    /// Reads a code as people type it, in either case.
    fn from_str(text: &str) -> Result<Self, ()> {
        let code: [u8; CODE_LEN] = text
            .to_ascii_uppercase()
            .into_bytes()
            .try_into()
            .map_err(|_| ())?;
        if code.iter().all(|letter| ALPHABET.contains(letter)) {
            Ok(Self(code))
        } else {
            Err(())
        }
    }
}

impl fmt::Display for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|&letter| fmt::Write::write_char(f, char::from(letter)))
    }
}

impl fmt::Debug for RoomCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A secret that says who somebody is. Cannot be printed by accident.
#[derive(Clone)]
pub(crate) struct Token(String);

/// A token as the server keeps it. Whoever guesses tokens learns nothing from how long a comparison takes, because
/// what is compared are hashes, which a guess does not steer.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TokenHash([u8; 32]);

impl Token {
    /// 128 bits at random, as 32 hexadecimal digits.
    pub(crate) fn random() -> Self {
        Self(hex(&random::<TOKEN_BYTES>()))
    }

    pub(crate) fn hash(&self) -> TokenHash {
        TokenHash::of(&self.0)
    }

    /// The secret itself, for its owner.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

impl TokenHash {
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    pub(crate) fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    pub(crate) fn from_bytes(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("every system this runs on has a source of randomness");
    bytes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn codes_read_back_in_either_case() {
        for _ in 0..200 {
            let code = RoomCode::random();
            assert_eq!(code.to_string().to_lowercase().parse(), Ok(code));
        }
    }

    #[test]
    fn what_is_no_code_is_refused() {
        for text in [
            "", "K7Q", "K7QFF", "K7Q0", "K7QO", "K7Q1", "K7QI", "K7QL", "K7Q/", "K7Qé",
        ] {
            assert_eq!(text.parse::<RoomCode>(), Err(()), "{text}");
        }
    }

    #[test]
    fn every_letter_comes_up() {
        let letters: BTreeSet<u8> = (0..1_000).flat_map(|_| RoomCode::random().0).collect();
        assert_eq!(letters.len(), ALPHABET.len());
    }

    #[test]
    fn tokens_differ_and_hash_to_the_same() {
        let token = Token::random();
        assert_eq!(token.reveal().len(), 2 * TOKEN_BYTES);
        assert!(token.reveal() != Token::random().reveal());
        assert!(token.hash() == TokenHash::of(token.reveal()));
        assert!(token.hash() != TokenHash::of(""));
    }
}
