//! Where the bytes of a message are put as they arrive.

use std::sync::Arc;

/// Bytes that begin where an f32 may, so that weights need not be moved to be used.
#[derive(Debug, Default)]
pub struct Buffer {
    /// The bytes, and up to three that fill the last number.
    words: Vec<f32>,
    len: usize,
}

impl Buffer {
    /// An empty one with room for so many bytes.
    #[must_use]
    pub fn with_capacity(bytes: usize) -> Self {
        Self {
            words: Vec::with_capacity(bytes.div_ceil(size_of::<f32>())),
            len: 0,
        }
    }

    /// Puts bytes behind those that are there.
    pub fn extend_from_slice(&mut self, bytes: &[u8]) {
        let open = self.words.len() * size_of::<f32>() - self.len;
        let (first, rest) = bytes.split_at(open.min(bytes.len()));
        let last: &mut [u8] = bytemuck::cast_slice_mut(&mut self.words);
        last[self.len..][..first.len()].copy_from_slice(first);
        let (whole, rest) = rest.as_chunks();
        // Numbers are made of bytes as they come, so that no memory is written twice.
        self.words
            .extend(whole.iter().copied().map(f32::from_ne_bytes));
        if !rest.is_empty() {
            let mut word = [0; size_of::<f32>()];
            word[..rest.len()].copy_from_slice(rest);
            self.words.push(f32::from_ne_bytes(word));
        }
        self.len += bytes.len();
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &bytemuck::cast_slice(&self.words)[..self.len]
    }

    /// The bytes as numbers, to be shared by whoever uses some of them, and how many bytes they were.
    pub(super) fn into_shared(self) -> (Arc<Vec<f32>>, usize) {
        (Arc::new(self.words), self.len)
    }
}

impl From<&[u8]> for Buffer {
    fn from(bytes: &[u8]) -> Self {
        let mut buffer = Self::with_capacity(bytes.len());
        buffer.extend_from_slice(bytes);
        buffer
    }
}
