//! The same work on every core, where a build has threads (feature `parallel`), and one after the other where not.
//!
//! Work is cut into chunks whose size does not depend on the number of threads, and every chunk is written by one call:
//! so no result depends on it either.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Calls `work` with each chunk of `size` values, the last of which may be shorter, and its number.
pub(crate) fn each_chunk<T: Send>(
    values: &mut [T],
    size: usize,
    work: impl Fn(usize, &mut [T]) + Send + Sync,
) {
    #[cfg(feature = "parallel")]
    let chunks = values.par_chunks_mut(size).enumerate();
    #[cfg(not(feature = "parallel"))]
    let chunks = values.chunks_mut(size).enumerate();
    chunks.for_each(|(number, chunk)| work(number, chunk));
}
