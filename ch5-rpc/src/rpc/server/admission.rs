//! How many connections an address may have: one client with a bug does not take the places of all others.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use crate::origin::Origin;
use crate::rpc::refusal::NotBegun;

/// The connections of each address that has any.
#[derive(Debug, Clone)]
pub struct Admission {
    limit: usize,
    open: Arc<Mutex<BTreeMap<Origin, usize>>>,
}

/// A connection that is counted until this is dropped.
#[derive(Debug)]
pub struct Admitted {
    admission: Admission,
    origin: Origin,
    is_over: bool,
}

impl Admission {
    /// So many connections for each address.
    pub fn new(limit: usize) -> Admission {
        Admission { limit, open: Arc::default() }
    }

    /// Counts a connection. One over the limit is counted too, as long as it takes to tell it so.
    pub fn admit(&self, address: IpAddr) -> Admitted {
        let origin = Origin::from(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(origin).or_default();
        *count += 1;
        Admitted { admission: self.clone(), origin, is_over: *count > self.limit }
    }

    /// How many addresses have a connection.
    #[cfg(test)]
    pub fn addresses(&self) -> usize {
        self.open.lock().unwrap().len()
    }
}

impl Admitted {
    /// Why nothing is served on it.
    pub fn refused(&self) -> Option<NotBegun> {
        self.is_over.then_some(NotBegun::TooManyConnections(self.admission.limit as u64))
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        let mut open = self.admission.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.origin);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_no_count_is_left_behind() {
        let admission = Admission::new(2);
        let [one, other]: [IpAddr; 2] = ["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()];
        let first = admission.admit(one);
        let mapped = admission.admit("::ffff:127.0.0.1".parse().unwrap());
        let third = admission.admit(one);
        assert_eq!([&first, &mapped].map(Admitted::refused), [None, None]);
        assert_eq!(third.refused(), Some(NotBegun::TooManyConnections(2)));
        assert_eq!(admission.admit(other).refused(), None);
        drop((first, third));
        assert_eq!(admission.admit(one).refused(), None);
        drop(mapped);
        assert_eq!(admission.addresses(), 0);
    }
}
