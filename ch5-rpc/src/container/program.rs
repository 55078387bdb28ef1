//! What a component is to its container, and what the container is to a component.

use super::message::{Fault, Outcome, PageRequest, Value};

/// What a component does. It knows interfaces, and nothing of nodes, deadlines or rights.
pub trait Program: Send {
    /// A method of an interface that it provides.
    ///
    /// # Errors
    /// What it says no to.
    fn call(&mut self, method: &str, arguments: &[Value], others: &mut dyn Others) -> Outcome;

    /// An event that it consumes.
    ///
    /// # Errors
    /// It could not take it.
    fn event(&mut self, event: &str, _value: &Value, _others: &mut dyn Others) -> Outcome {
        Err(Fault::Failed(format!("it does not take {event}")))
    }

    /// A page for a browser, if it is a front end.
    ///
    /// # Errors
    /// There is no such page.
    fn page(&mut self, _request: &PageRequest, _others: &mut dyn Others) -> Result<String, Fault> {
        Err(Fault::Refused("no page here".into()))
    }
}

/// What a component sees of the others: interfaces and events by name, and not where they are.
pub trait Others {
    /// Calls a method of an interface that the component requires.
    ///
    /// # Errors
    /// The component does not require it, the deadline has come, or what the other component says.
    fn call(&mut self, interface: &str, method: &str, arguments: Vec<Value>) -> Outcome;

    /// Publishes an event, if the call succeeds.
    ///
    /// # Errors
    /// The component does not publish it.
    fn publish(&mut self, event: &str, value: Value) -> Result<(), Fault>;
}
