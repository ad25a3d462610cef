//! What training spends its time on, in a package of its own: it alone is compiled to be fast in the browser's build, and
//! everything else to be small.

#![warn(missing_docs, clippy::pedantic)]
#![allow(
    // Counts and sizes are far below the bounds where these conversions lose anything.
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_lossless,
    // Same bits is what is promised, so same bits is what is tested.
    clippy::float_cmp,
    // Loops must end up in their callers to be vectorised for them.
    clippy::inline_always,
    // Matrices and formulas are written with their papers' letters.
    clippy::many_single_char_names,
    clippy::similar_names
)]

/// Compiles a function, which is no method, once for each vector width; a call picks the widest that the machine has.
///
/// No width has fused multiply-adds, which Rust never forms by itself: all give the same bits.
#[macro_export]
macro_rules! each_width {
    ($($function:tt)*) => {
        #[cfg_attr(
            not(target_arch = "wasm32"),
            multiversion::multiversion(targets("x86_64+avx2+avx512f", "x86_64+avx2"))
        )]
        // Inlined into code that is compiled to be small, it would be small too, and slow.
        #[cfg_attr(target_arch = "wasm32", inline(never))]
        $($function)*
    };
}

mod chain;
mod conv;
mod dense;
mod descent;
pub mod linalg;
mod loss;
mod pool;
mod vector;

pub use chain::{Chain, Layer, Packed, Placed, Weighted, Workspace};
pub use conv::Conv;
pub use dense::Dense;
pub use descent::Descent;
pub use loss::Loss;
pub use pool::MaxPool;
