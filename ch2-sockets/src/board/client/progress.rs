//! How far an exchange is: its request, and then its response.

use common::support::progress::Progress;

use crate::session;

/// One for the request and, once that is there, one for the response.
#[derive(Default)]
pub struct Bars {
    request: Option<Progress>,
    response: Option<Progress>,
}

impl Bars {
    /// How far both are.
    pub fn show(&mut self, progress: &session::Progress) {
        let bytes = |bytes: usize| bytes as u64;
        if let Some(to_receive) = progress.to_receive {
            self.request = None;
            let bar = self.response.get_or_insert_with(|| Progress::of_bytes("receiving", bytes(to_receive)));
            bar.at(bytes(progress.received));
        } else {
            let bar =
                self.request.get_or_insert_with(|| Progress::of_bytes("sending", bytes(progress.to_send)));
            bar.at(bytes(progress.sent));
        }
    }
}
