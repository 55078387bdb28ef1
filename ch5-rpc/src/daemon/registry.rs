//! The objects of a server, by their ids.
//!
//! An id is 128 random bits: one knows it only when one was given it, so holding a reference is the right to use it. That is why
//! nobody can ask for a list of them, as Pyro's own daemon would give.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::objects::callbacks::Callbacks;
use crate::objects::collector::Collector;
use crate::pyro::call::Exception;
use crate::pyro::object::Object;
use crate::pyro::uri::Uri;

/// Most objects in one server.
pub const LIMIT: usize = 10_000;

/// All clones are one.
#[derive(Clone, Default)]
pub struct Objects {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    objects: Mutex<BTreeMap<String, Arc<dyn Object>>>,
    /// Host and port of every reference, once the server listens.
    place: OnceLock<(String, u16)>,
    callbacks: Callbacks,
    collector: Collector,
}

impl Objects {
    /// No objects yet. Those that are [leased](Objects::add_leased) have leases of this length.
    #[must_use]
    pub fn with_lease(lease: Duration) -> Objects {
        Objects { shared: Arc::new(Shared { collector: Collector::new(lease), ..Shared::default() }) }
    }

    /// Says where the server is. Only the first call counts.
    pub fn place(&self, host: String, port: u16) {
        let _ = self.shared.place.set((host, port));
    }

    /// Adds an object, and makes an id for it that nobody can guess.
    ///
    /// # Errors
    /// There are too many.
    pub fn add(&self, object: Arc<dyn Object>) -> Result<String, Exception> {
        let id = format!("{:032x}", rand::random::<u128>());
        self.add_as(&id, object)?;
        Ok(id)
    }

    /// Adds an object that is taken out when no client refers to it any more. Only clients in our own wire have leases: it is for those.
    ///
    /// # Errors
    /// There are too many.
    pub fn add_leased(&self, object: Arc<dyn Object>) -> Result<String, Exception> {
        let id = self.add(object)?;
        self.shared.collector.add(&id);
        Ok(id)
    }

    /// Adds an object under an id that everybody knows, or replaces the one that has it.
    ///
    /// # Errors
    /// There are too many.
    pub fn add_as(&self, id: &str, object: Arc<dyn Object>) -> Result<(), Exception> {
        let mut objects = self.objects();
        if objects.len() >= LIMIT {
            return Err(Exception::builtin("RuntimeError", "the server has too many objects"));
        }
        objects.insert(id.to_owned(), object);
        Ok(())
    }

    /// Takes an object out: from now on its references are good for nothing. Whether it was there.
    pub fn revoke(&self, id: &str) -> bool {
        self.shared.collector.remove(id);
        self.objects().remove(id).is_some()
    }

    /// The object with this id.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Arc<dyn Object>> {
        self.objects().get(id).cloned()
    }

    /// How many there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.objects().len()
    }

    /// The reference to an id here. Waits until the server knows its port, which it does before it serves.
    #[must_use]
    pub fn uri(&self, id: &str) -> Uri {
        let (host, port) = self.shared.place.wait();
        Uri { object: id.to_owned(), host: host.clone(), port: *port }
    }

    /// The clients that can be called back.
    #[must_use]
    pub fn callbacks(&self) -> &Callbacks {
        &self.shared.callbacks
    }

    /// The leases of its clients.
    #[must_use]
    pub fn collector(&self) -> &Collector {
        &self.shared.collector
    }

    fn objects(&self) -> MutexGuard<'_, BTreeMap<String, Arc<dyn Object>>> {
        self.shared.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
