//! Softmax cross-entropy.

/// Summed loss and correct answers of examples.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Loss {
    /// Sum of the examples' losses, in nats.
    pub sum: f64,
    /// Examples whose largest score is their label's.
    pub correct: u32,
    /// Number of examples.
    pub examples: u32,
}

impl Loss {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            sum: self.sum + other.sum,
            correct: self.correct + other.correct,
            examples: self.examples + other.examples,
        }
    }

    /// Mean loss; `None` of no examples.
    #[must_use]
    pub fn mean(self) -> Option<f64> {
        (self.examples > 0).then(|| self.sum / f64::from(self.examples))
    }

    /// Fraction of correct answers; `None` of no examples.
    #[must_use]
    pub fn accuracy(self) -> Option<f64> {
        (self.examples > 0).then(|| f64::from(self.correct) / f64::from(self.examples))
    }
}

/// Loss of `scores`, `[labels.len(), stride]`, of which the first `classes` of a row count.
pub(crate) fn measure(scores: &[f32], stride: usize, classes: usize, labels: &[u8]) -> Loss {
    let mut loss = Loss::default();
    for (row, &label) in scores.chunks_exact(stride).zip(labels) {
        let row = &row[..classes];
        let peak = peak(row);
        let total = row
            .iter()
            .fold(0.0, |sum, s| sum + libm::expf(s - peak.score));
        add(&mut loss, row, peak, total, label);
    }
    loss
}

/// The probability of each class by its score.
pub(crate) fn softmax(scores: &[f32]) -> Vec<f32> {
    let peak = peak(scores);
    let powers = scores.iter().map(|s| libm::expf(s - peak.score));
    let mut probabilities: Vec<f32> = powers.collect();
    let total: f32 = probabilities.iter().sum();
    for probability in &mut probabilities {
        *probability /= total;
    }
    probabilities
}

/// As [`measure`], and the mean loss by every score in `slopes`, which is overwritten, padding included.
pub(crate) fn differentiate(
    scores: &[f32],
    stride: usize,
    classes: usize,
    labels: &[u8],
    slopes: &mut [f32],
) -> Loss {
    let mut loss = Loss::default();
    let share = 1.0 / labels.len() as f32;
    for ((row, slopes), &label) in scores
        .chunks_exact(stride)
        .zip(slopes.chunks_exact_mut(stride))
        .zip(labels)
    {
        let row = &row[..classes];
        let peak = peak(row);
        let (slopes, padding) = slopes.split_at_mut(classes);
        padding.fill(0.0);
        let mut total = 0.0;
        for (slope, score) in slopes.iter_mut().zip(row) {
            *slope = libm::expf(score - peak.score);
            total += *slope;
        }
        for slope in slopes.iter_mut() {
            *slope *= share / total;
        }
        slopes[usize::from(label)] -= share;
        add(&mut loss, row, peak, total, label);
    }
    loss
}

#[derive(Clone, Copy)]
struct Peak {
    index: usize,
    score: f32,
}

/// The first of the largest scores.
fn peak(row: &[f32]) -> Peak {
    let mut peak = Peak {
        index: 0,
        score: row[0],
    };
    for (index, &score) in row.iter().enumerate().skip(1) {
        if score > peak.score {
            peak = Peak { index, score };
        }
    }
    peak
}

fn add(loss: &mut Loss, row: &[f32], peak: Peak, total: f32, label: u8) {
    loss.sum += f64::from(libm::logf(total) - (row[usize::from(label)] - peak.score));
    loss.correct += u32::from(peak.index == usize::from(label));
    loss.examples += 1;
}
