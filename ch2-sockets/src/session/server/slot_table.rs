//! Sessions in numbered slots, found by their key: the number is what queues and alarms hold.

use std::collections::HashMap;
use std::hash::Hash;

/// Slots and their index.
#[derive(Debug)]
pub struct SlotTable<K, V> {
    index: HashMap<K, u32>,
    slots: Vec<Option<(K, V)>>,
    free: Vec<u32>,
}

impl<K, V> Default for SlotTable<K, V> {
    fn default() -> SlotTable<K, V> {
        SlotTable { index: HashMap::new(), slots: Vec::new(), free: Vec::new() }
    }
}

impl<K: Copy + Eq + Hash, V> SlotTable<K, V> {
    /// Where the key's value is.
    pub fn find(&self, key: &K) -> Option<u32> {
        self.index.get(key).copied()
    }

    /// What is in a slot, to be read.
    pub fn get(&self, slot: u32) -> Option<&V> {
        self.slots.get(slot as usize)?.as_ref().map(|(_, value)| value)
    }

    /// What is in a slot.
    #[inline]
    pub fn at(&mut self, slot: u32) -> Option<&mut V> {
        self.slots.get_mut(slot as usize)?.as_mut().map(|(_, value)| value)
    }

    /// All values.
    pub fn values(&self) -> impl Iterator<Item = &V> {
        self.slots.iter().flatten().map(|(_, value)| value)
    }

    /// Puts a value into a free slot. The key must be new.
    pub fn insert(&mut self, key: K, value: V) -> u32 {
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            u32::try_from(self.slots.len() - 1).expect("the limits of sessions are below 2^32")
        });
        self.slots[slot as usize] = Some((key, value));
        self.index.insert(key, slot);
        slot
    }

    /// Frees a slot.
    pub fn remove(&mut self, slot: u32) -> Option<V> {
        let (key, value) = self.slots.get_mut(slot as usize)?.take()?;
        self.index.remove(&key);
        self.free.push(slot);
        Some(value)
    }
}
