//! An object that can be called from elsewhere, in whatever wire.

use super::call::{Call, Exception};
use super::serpent::Value;

/// What can be called from elsewhere.
pub trait Object: Send + Sync + 'static {
    /// The name of its remote interface. Objects with the same name have the same methods.
    fn interface(&self) -> &'static str;

    /// The names of its methods.
    fn methods(&self) -> &'static [&'static str];

    /// Of these, those that callers do not wait for.
    fn one_way(&self) -> &'static [&'static str] {
        &[]
    }

    /// Nobody refers to it any more: it was taken out of the server.
    fn unreferenced(&self) {}

    /// Calls one of its methods.
    ///
    /// # Errors
    /// What the method raises.
    fn call(&self, call: &Call<'_>) -> Result<Value, Exception>;
}
