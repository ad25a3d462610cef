//! The largest of every 2×2 pixels.

/// A max-pool over square images with an even side.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaxPool {
    pub(super) channels: usize,
    /// Side of the input images.
    pub(super) side: usize,
}

impl MaxPool {
    pub(super) fn outputs(self) -> usize {
        self.channels * (self.side / 2) * (self.side / 2)
    }

    /// `x` is `[batch, channels, side, side]`, `y` is `[batch, channels, side / 2, side / 2]`.
    #[inline(always)]
    pub(super) fn forward(self, x: &[f32], y: &mut [f32]) {
        for (x, y) in self.row_pairs(x).zip(y.chunks_exact_mut(self.side / 2)) {
            let (upper, lower) = x.split_at(self.side);
            for ((a, b), y) in upper
                .as_chunks::<2>()
                .0
                .iter()
                .zip(lower.as_chunks::<2>().0)
                .zip(y)
            {
                *y = a[0].max(a[1]).max(b[0].max(b[1]));
            }
        }
    }

    /// The slope goes to the first of the largest pixels.
    #[inline(always)]
    pub(super) fn backward(self, x: &[f32], slope: &[f32], below: &mut [f32]) {
        let pairs = below.chunks_exact_mut(2 * self.side).zip(self.row_pairs(x));
        for ((below, x), slope) in pairs.zip(slope.chunks_exact(self.side / 2)) {
            below.fill(0.0);
            for (i, s) in slope.iter().enumerate() {
                let places = [2 * i, 2 * i + 1, self.side + 2 * i, self.side + 2 * i + 1];
                let first_largest = places
                    .into_iter()
                    .reduce(|best, at| if x[at] > x[best] { at } else { best });
                if let Some(at) = first_largest {
                    below[at] = *s;
                }
            }
        }
    }

    #[inline(always)]
    fn row_pairs(self, x: &[f32]) -> impl Iterator<Item = &[f32]> {
        x.chunks_exact(2 * self.side)
    }
}
