//! A small map by name: of arms and of the models that travel.
//!
//! A [`BTreeMap`] of another type of value is four kilobytes more for a phone to download, whatever little it holds, and
//! these hold a few dozen at most: they are sorted lists.

use std::collections::BTreeMap;
use std::iter::Map;
use std::slice;
use std::vec;

use serde::{Deserialize, Serialize};

/// Values by name, in the order of the names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    from = "BTreeMap<String, T>",
    into = "BTreeMap<String, T>",
    bound(
        serialize = "T: Clone + Serialize",
        deserialize = "T: Deserialize<'de>"
    )
)]
pub struct ByName<T>(Vec<(String, T)>);

impl<T> ByName<T> {
    /// Nothing by any name.
    #[must_use]
    pub fn new() -> Self {
        Self(Vec::new())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where a name is, or should be.
    fn place(&self, name: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(other, _)| other.as_str().cmp(name))
    }

    /// What has a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&T> {
        Some(&self.0[self.place(name).ok()?].1)
    }

    /// What has a name, to be changed.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut T> {
        let at = self.place(name).ok()?;
        Some(&mut self.0[at].1)
    }

    /// Whether something has a name.
    #[must_use]
    pub fn contains_key(&self, name: &str) -> bool {
        self.place(name).is_ok()
    }

    /// Gives a value a name, which another one loses if it has it.
    pub fn insert(&mut self, name: String, value: T) {
        match self.place(&name) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (name, value)),
        }
    }

    /// Takes out what has a name.
    pub fn remove(&mut self, name: &str) -> Option<T> {
        let at = self.place(name).ok()?;
        Some(self.0.remove(at).1)
    }

    /// Takes out all that is not to be kept.
    pub fn retain(&mut self, mut keeps: impl FnMut(&String, &mut T) -> bool) {
        self.0.retain_mut(|(name, value)| keeps(name, value));
    }

    /// Takes out everything.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Names and values.
    #[must_use]
    pub fn iter(&self) -> <&Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// Names and values, to be changed.
    pub fn iter_mut(&mut self) -> <&mut Self as IntoIterator>::IntoIter {
        self.into_iter()
    }

    /// The names.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.0.iter().map(|(name, _)| name)
    }

    /// The values.
    pub fn values(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|(_, value)| value)
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.iter_mut().map(|(_, value)| value)
    }
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Extend<(String, T)> for ByName<T> {
    fn extend<I: IntoIterator<Item = (String, T)>>(&mut self, named: I) {
        for (name, value) in named {
            self.insert(name, value);
        }
    }
}

impl<T> FromIterator<(String, T)> for ByName<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(named: I) -> Self {
        let mut map = Self::new();
        map.extend(named);
        map
    }
}

impl<T, const N: usize> From<[(String, T); N]> for ByName<T> {
    fn from(named: [(String, T); N]) -> Self {
        named.into_iter().collect()
    }
}

impl<T> From<BTreeMap<String, T>> for ByName<T> {
    fn from(map: BTreeMap<String, T>) -> Self {
        Self(map.into_iter().collect())
    }
}

impl<T> From<ByName<T>> for BTreeMap<String, T> {
    fn from(map: ByName<T>) -> Self {
        map.0.into_iter().collect()
    }
}

impl<T> IntoIterator for ByName<T> {
    type Item = (String, T);
    type IntoIter = vec::IntoIter<(String, T)>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a ByName<T> {
    type Item = (&'a String, &'a T);
    type IntoIter = Map<slice::Iter<'a, (String, T)>, fn(&'a (String, T)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter().map(|(name, value)| (name, value))
    }
}

impl<'a, T> IntoIterator for &'a mut ByName<T> {
    type Item = (&'a String, &'a mut T);
    type IntoIter = Map<slice::IterMut<'a, (String, T)>, fn(&'a mut (String, T)) -> Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter_mut().map(|(name, value)| (&*name, value))
    }
}

impl<T> std::ops::Index<&str> for ByName<T> {
    type Output = T;

    /// # Panics
    /// Nothing has that name.
    fn index(&self, name: &str) -> &T {
        match self.get(name) {
            Some(value) => value,
            None => panic!("nothing is named {name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec(("[a-e]{0,2}", prop::option::of(0_u32..9)), 0..40)) {
            let (mut ours, mut theirs) = (ByName::new(), BTreeMap::new());
            for (name, value) in steps {
                if let Some(value) = value {
                    ours.insert(name.clone(), value);
                    theirs.insert(name.clone(), value);
                } else {
                    prop_assert_eq!(ours.remove(&name), theirs.remove(&name));
                }
                prop_assert_eq!(ours.get(&name), theirs.get(&name));
                prop_assert_eq!(ours.len(), theirs.len());
                prop_assert!(ours.iter().eq(theirs.iter()));
                let text = serde_json::to_string(&ours).unwrap();
                prop_assert_eq!(&text, &serde_json::to_string(&theirs).unwrap());
                prop_assert_eq!(&serde_json::from_str::<ByName<u32>>(&text).unwrap(), &ours);
            }
        }
    }
}
