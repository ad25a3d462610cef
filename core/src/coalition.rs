//! Coalitions: which devices' weights are close.
//!
//! A formation [`Method`] works on a [`Gram`] matrix alone and gives [`Formed`] coalitions of indices into it. What the indices stand for, and what becomes of a formation from round to round, is for
//! [`crate::strategy`] to know.

mod identity;
pub mod label_agreement;
mod paper_like;

use core::fmt;

use crate::distance::Gram;
use crate::rng::Stream;

pub use identity::keep_ids;
pub use paper_like::{form, form_from};

/// A way to form coalitions. What it draws by lot, it draws from `stream`.
pub trait Method: fmt::Debug + Send + Sync {
    /// Coalitions of the devices of `gram`: none of no devices, else at least one.
    fn form(&self, gram: &Gram, stream: &mut Stream) -> Formed;
}

/// Coalitions of the devices 0..n of one formation.
#[derive(Clone, Debug, PartialEq)]
pub struct Formed {
    /// Members of each coalition, in order. No coalition is empty, and every device is in one.
    pub members: Vec<Vec<usize>>,
    /// The member of each coalition that is nearest to its barycenter.
    pub centers: Vec<usize>,
    /// Passes of assignment and new centers that were needed.
    pub iterations: u32,
    /// Sum of the squared distances of all devices to their barycenters.
    pub within: f64,
}
