use std::collections::{BTreeMap, BTreeSet};

/// A map that remembers which entries were touched, so that a store writes only those.
#[derive(Debug, Clone)]
pub(crate) struct Tracked<K, V> {
    map: BTreeMap<K, V>,
    touched: BTreeSet<K>,
}

impl<K, V> Default for Tracked<K, V> {
    fn default() -> Self {
        Self {
            map: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }
}

/// What was touched says nothing about what is there.
impl<K: PartialEq, V: PartialEq> PartialEq for Tracked<K, V> {
    fn eq(&self, other: &Self) -> bool {
        self.map == other.map
    }
}

impl<K: Eq, V: Eq> Eq for Tracked<K, V> {}

impl<K: Ord + Clone, V> Tracked<K, V> {
    /// As it was stored.
    pub(crate) fn stored(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self {
            map: entries.into_iter().collect(),
            touched: BTreeSet::new(),
        }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    pub(crate) fn contains_key(&self, key: &K) -> bool {
        self.map.contains_key(key)
    }

    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let found = self.map.get_mut(key);
        if found.is_some() {
            self.touched.insert(key.clone());
        }
        found
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.touched.insert(key.clone());
        self.map.insert(key, value)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let removed = self.map.remove(key);
        if removed.is_some() {
            self.touched.insert(key.clone());
        }
        removed
    }

    pub(crate) fn retain(&mut self, keep: impl Fn(&K, &V) -> bool) {
        let gone: Vec<K> = self.keys_where(|key, value| !keep(key, value));
        for key in gone {
            self.remove(&key);
        }
    }

    pub(crate) fn keys_where(&self, which: impl Fn(&K, &V) -> bool) -> Vec<K> {
        let found = self.map.iter().filter(|(key, value)| which(key, value));
        found.map(|(key, _)| key.clone()).collect()
    }

    pub(crate) fn clear(&mut self) {
        self.retain(|_, _| false);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.map.iter()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &V> {
        self.map.values()
    }

    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// What was touched since this was asked last.
    pub(crate) fn take_touched(&mut self) -> BTreeSet<K> {
        std::mem::take(&mut self.touched)
    }
}
