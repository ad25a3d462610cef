//! What the device's program is made of, counted in its instructions. A loop that the compiler no longer turns into vectors
//! gives the same numbers several times slower, and no other test would notice.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use wasmparser::{Operator, Parser, Payload};

use crate::project::say;

/// Multiplications of four numbers at once: at least so many are in the kernels.
const VECTORS: usize = 120;
/// Multiplications of single f32: at most so many are around them, most of them in the copies of `expf` in the loss.
const SCALARS: usize = 150;

/// Instructions of a program.
#[derive(Debug, Default, PartialEq, Eq)]
struct Multiplications {
    /// Four f32 at once.
    vectors: usize,
    /// One f32.
    scalars: usize,
}

/// Fails if the device's program has lost its vectors, or does what other machines would do otherwise.
pub(crate) fn check(program: &Path) -> Result<()> {
    let bytes =
        fs::read(program).with_context(|| format!("{} cannot be read", program.display()))?;
    let Multiplications { vectors, scalars } = count(&bytes)?;
    say(&format!(
        "device: {vectors} multiplications of vectors, {scalars} of single numbers"
    ));
    ensure!(
        vectors >= VECTORS && scalars <= SCALARS,
        "the device's program has {vectors} multiplications of vectors and {scalars} of single numbers; it should have at least \
         {VECTORS} and at most {SCALARS}: is a kernel's loop no longer vectorised?"
    );
    Ok(())
}

fn count(program: &[u8]) -> Result<Multiplications> {
    let mut found = Multiplications::default();
    for payload in Parser::new(0).parse_all(program) {
        let Payload::CodeSectionEntry(body) = payload? else {
            continue;
        };
        for operator in body.get_operators_reader()? {
            match operator? {
                Operator::F32x4Mul => found.vectors += 1,
                Operator::F32Mul => found.scalars += 1,
                Operator::F32x4RelaxedMadd | Operator::F32x4RelaxedNmadd => {
                    bail!("relaxed SIMD rounds otherwise on every machine, and must not be used")
                }
                _ => {}
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program of one function without parameters or results.
    fn program(code: &[u8]) -> Vec<u8> {
        let body = [&[0], code, &[0x0b]].concat();
        let len = u8::try_from(body.len()).unwrap();
        let header = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x0a";
        [header.as_slice(), &[len + 2, 1, len], &body].concat()
    }

    #[test]
    fn vectors_and_single_numbers_are_told_apart() {
        // Two f32x4.mul, f32.mul, f32x4.add.
        let code = [0xfd, 0xe6, 0x01, 0xfd, 0xe6, 0x01, 0x94, 0xfd, 0xe4, 0x01];
        let expected = Multiplications {
            vectors: 2,
            scalars: 1,
        };
        assert_eq!(count(&program(&code)).unwrap(), expected);
    }

    #[test]
    fn fused_multiplication_and_addition_is_refused() {
        let code = [0xfd, 0x85, 0x02];
        assert!(count(&program(&code)).is_err());
    }
}
