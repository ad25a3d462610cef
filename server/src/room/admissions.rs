//! Whose token is whose, and who may post now.
//!
//! Every post asks before its body is read, so this is asked without a detour through the room's task.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use constellation_core::ids::DeviceId;
use tokio::time::Instant;

use crate::config::limits;
use crate::error::ApiError;
use crate::rate::Rate;
use crate::token::TokenHash;

/// The tokens of a room's devices.
#[derive(Debug, Default)]
pub(super) struct Admissions(Mutex<BTreeMap<TokenHash, Admission>>);

#[derive(Debug)]
struct Admission {
    device: DeviceId,
    /// Posts that may come to nothing.
    futile: Rate,
}

impl Admissions {
    pub(super) fn add(&self, device: DeviceId, token: TokenHash, now: Instant) {
        let futile = Rate::new(now, limits::FUTILE_POSTS, limits::FUTILE_POSTS_PER_SECOND);
        self.all().insert(token, Admission { device, futile });
    }

    pub(super) fn remove(&self, token: TokenHash) {
        self.all().remove(&token);
    }

    /// Whose token this is, if its owner may post now. The post is taken for futile until
    /// [`Admissions::was_useful`].
    pub(super) fn admit(&self, token: TokenHash, now: Instant) -> Result<DeviceId, ApiError> {
        let mut admissions = self.all();
        let admission = admissions.get_mut(&token).ok_or(ApiError::WrongToken)?;
        if admission.futile.take(now) {
            Ok(admission.device)
        } else {
            Err(ApiError::TooManyRequests)
        }
    }

    /// Takes note that a post was accepted.
    pub(super) fn was_useful(&self, token: TokenHash) {
        if let Some(admission) = self.all().get_mut(&token) {
            admission.futile.give_back();
        }
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<TokenHash, Admission>> {
        // Nothing that holds the lock can leave it half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEVICE: DeviceId = DeviceId(3);

    #[test]
    fn futile_posts_have_a_limit_and_useful_ones_have_none() {
        let admissions = Admissions::default();
        let (token, now) = (TokenHash::of("secret"), Instant::now());
        admissions.add(DEVICE, token, now);
        for _ in 0..10 * limits::FUTILE_POSTS {
            assert_eq!(admissions.admit(token, now), Ok(DEVICE));
            admissions.was_useful(token);
        }
        for _ in 0..limits::FUTILE_POSTS {
            assert_eq!(admissions.admit(token, now), Ok(DEVICE));
        }
        assert_eq!(admissions.admit(token, now), Err(ApiError::TooManyRequests));
    }

    #[test]
    fn only_who_is_in_may_post() {
        let admissions = Admissions::default();
        let (token, now) = (TokenHash::of("secret"), Instant::now());
        admissions.add(DEVICE, token, now);
        let wrong = TokenHash::of("guess");
        assert_eq!(admissions.admit(wrong, now), Err(ApiError::WrongToken));
        admissions.remove(token);
        assert_eq!(admissions.admit(token, now), Err(ApiError::WrongToken));
    }
}
