//! Steps of SGD with classical momentum and weight decay, as PyTorch's `SGD` without dampening.

use crate::linalg::Lane;

/// Where a layer's gradient goes.
#[derive(Debug)]
pub(crate) enum Target<'a> {
    /// To the gradient, which is overwritten.
    Gradient(&'a mut [Lane]),
    /// Straight off the weights, times the rate.
    Weights(&'a mut [Lane], f32),
}

impl Target<'_> {
    /// The gradient's `at`-th lane.
    #[inline(always)]
    pub(crate) fn put(&mut self, at: usize, sum: Lane) {
        match self {
            Self::Gradient(gradient) => gradient[at] = sum,
            Self::Weights(weights, rate) => {
                for (w, g) in weights[at].iter_mut().zip(sum) {
                    *w -= *rate * g;
                }
            }
        }
    }
}

/// What a step follows from, besides the gradient.
#[derive(Clone, Copy, Debug)]
pub struct Descent<'a> {
    /// Step size.
    pub rate: f32,
    /// Classical momentum, where there is a velocity.
    pub momentum: f32,
    /// L2 penalty added to the gradient, 0 for none.
    pub weight_decay: f32,
    /// Pull towards the anchor.
    pub proximal: f32,
    /// Where weights are pulled to; empty for no pull.
    pub anchor: &'a [f32],
    /// Added to the gradient; empty for none.
    pub correction: &'a [f32],
}

impl Descent<'_> {
    /// Whether a step is the rate times the gradient and nothing else: [`Chain::descend`](crate::Chain::descend) is faster
    /// then.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        let pulled = !self.anchor.is_empty() || !self.correction.is_empty();
        !pulled && self.momentum == 0.0 && self.weight_decay == 0.0
    }

    /// One step. Without momentum `velocity` is empty.
    // Inlined into code that is compiled to be small, it would be small too, and slow.
    #[inline(never)]
    pub fn step(&self, weights: &mut [f32], gradient: &mut [f32], velocity: &mut [f32]) {
        for (g, c) in gradient.iter_mut().zip(self.correction) {
            *g += c;
        }
        let pulled = weights.iter().zip(self.anchor);
        for (g, (w, a)) in gradient.iter_mut().zip(pulled) {
            *g += self.proximal * (w - a);
        }
        if self.weight_decay > 0.0 {
            for (g, w) in gradient.iter_mut().zip(&*weights) {
                *g += self.weight_decay * w;
            }
        }
        if velocity.is_empty() {
            for (w, g) in weights.iter_mut().zip(&*gradient) {
                *w -= self.rate * g;
            }
        } else {
            for ((w, v), g) in weights.iter_mut().zip(velocity).zip(&*gradient) {
                *v = self.momentum * *v + g;
                *w -= self.rate * *v;
            }
        }
    }
}
