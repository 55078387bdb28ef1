//! The events of one direction of a flow, kept only where somebody wants them.

use std::time::Duration;

use super::profile::Direction;
use super::recording::{Arrival, Carrier, LabelDecoder, LinkEvent, Outcome, no_label};

/// The events since they were last taken.
#[derive(Debug)]
pub(super) struct Events {
    carrier: Carrier,
    flow: u64,
    direction: Direction,
    label: LabelDecoder,
    kept: Option<Vec<LinkEvent>>,
}

impl Events {
    /// None are kept, and their labels would be their first bytes.
    pub fn new(carrier: Carrier, flow: u64, direction: Direction) -> Events {
        Events { carrier, flow, direction, label: no_label, kept: None }
    }

    /// They are kept from now on.
    pub fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// Their labels are what `decoder` reads from their bytes.
    pub fn label_by(&mut self, decoder: LabelDecoder) {
        self.label = decoder;
    }

    /// A datagram or chunk enters the link. `None`: no events are kept.
    pub fn begin(&self, at: Duration, index: u64, bytes: &[u8]) -> Option<LinkEvent> {
        self.kept.is_some().then(|| {
            let event = LinkEvent::new(at, self.flow, self.direction, index, bytes, Outcome::Passed);
            LinkEvent { carrier: self.carrier, ..event.labelled(bytes, self.label) }
        })
    }

    /// What became of one that [entered](Events::begin).
    pub fn end(
        &mut self,
        event: Option<LinkEvent>,
        outcome: Outcome,
        arrivals: impl IntoIterator<Item = Arrival>,
    ) {
        if let (Some(kept), Some(event)) = (&mut self.kept, event) {
            kept.push(LinkEvent { outcome, arrivals: arrivals.into_iter().collect(), ..event });
        }
    }

    /// Those since the last call, in the order of sending.
    pub fn take(&mut self) -> Vec<LinkEvent> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }
}
