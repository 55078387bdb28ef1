//! Where exchanges, queues and consumers live: a vector with places that are used again, and keys that are not.
//!
//! What was removed leaves its key invalid for ever, even when its place has a new tenant: an acknowledgement of a message from a
//! deleted queue finds nothing. A look-up is one index and one comparison.

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

/// Names one thing in an [`Arena`]; `M` marks of which kind.
pub struct Key<M> {
    index: u32,
    generation: u32,
    of: PhantomData<fn() -> M>,
}

/// Things with keys.
#[derive(Debug)]
pub struct Arena<T, M> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
    of: PhantomData<fn() -> M>,
}

impl<T, M> Default for Arena<T, M> {
    fn default() -> Arena<T, M> {
        Arena { places: Vec::new(), free: Vec::new(), of: PhantomData }
    }
}

impl<T, M> Arena<T, M> {
    pub fn insert(&mut self, value: T) -> Key<M> {
        let index = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            u32::try_from(self.places.len() - 1).expect("fewer than 2^32 things fit in memory")
        });
        let place = &mut self.places[index as usize];
        place.1 = Some(value);
        Key { index, generation: place.0, of: PhantomData }
    }

    pub fn remove(&mut self, key: Key<M>) -> Option<T> {
        let place = self.places.get_mut(key.index as usize).filter(|place| place.0 == key.generation)?;
        let value = place.1.take()?;
        place.0 = place.0.wrapping_add(1);
        self.free.push(key.index);
        Some(value)
    }

    pub fn get(&self, key: Key<M>) -> Option<&T> {
        self.places.get(key.index as usize).filter(|place| place.0 == key.generation)?.1.as_ref()
    }

    pub fn get_mut(&mut self, key: Key<M>) -> Option<&mut T> {
        self.places.get_mut(key.index as usize).filter(|place| place.0 == key.generation)?.1.as_mut()
    }

    pub fn iter(&self) -> impl Iterator<Item = (Key<M>, &T)> {
        (0..).zip(&self.places).filter_map(|(index, (generation, value))| {
            Some((Key { index, generation: *generation, of: PhantomData }, value.as_ref()?))
        })
    }
}

/// A key that names nothing.
impl<T> Default for Key<T> {
    fn default() -> Key<T> {
        Key { index: u32::MAX, generation: 0, of: PhantomData }
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Key<T> {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Key<T>) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Key<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Key<T>) -> Ordering {
        (self.index, self.generation).cmp(&(other.index, other.generation))
    }
}

impl<T> Hash for Key<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.index, self.generation).hash(state);
    }
}

impl<T> std::fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_what_was_removed_names_nothing_even_when_its_place_is_used_again() {
        let mut arena: Arena<&str, ()> = Arena::default();
        let old = arena.insert("old");
        assert_eq!(arena.remove(old), Some("old"));
        let new = arena.insert("new");
        assert_eq!((new.index, arena.remove(old)), (old.index, None));
        assert_eq!(arena.get(old), None);
        assert_eq!(arena.get(new), Some(&"new"));
    }
}
