//! A progress bar on stderr for what takes a while, and only for one who watches.

use crate::session;
use indicatif::{ProgressBar, ProgressStyle};

/// What is shorter is over before anyone has read the bar.
const WORTH_A_BAR: u64 = 1 << 20;

/// A bar, or none. It goes when it is dropped.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// For so many bytes. Where stderr is no terminal it is not drawn.
    pub fn new(what: &'static str, bytes: u64) -> Bar {
        Bar((bytes >= WORTH_A_BAR).then(|| {
            let style = ProgressStyle::with_template(
                "{msg} [{bar:40}] {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec}, {eta} left",
            )
            .expect("the template is right")
            .progress_chars("=> ");
            ProgressBar::new(bytes).with_style(style).with_message(what)
        }))
    }

    /// So many of them are done.
    pub fn at(&self, bytes: u64) {
        if let Some(bar) = &self.0 {
            bar.set_position(bytes);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A bar for the request and, once that is there, one for the response.
#[derive(Default)]
pub struct Bars {
    request: Option<Bar>,
    response: Option<Bar>,
}

impl Bars {
    /// How far both are.
    pub fn show(&mut self, progress: &session::Progress) {
        let bytes = |bytes: usize| bytes as u64;
        if let Some(to_receive) = progress.to_receive {
            self.request = None;
            let bar = self.response.get_or_insert_with(|| Bar::new("receiving", bytes(to_receive)));
            bar.at(bytes(progress.received));
        } else {
            let bar = self.request.get_or_insert_with(|| Bar::new("sending", bytes(progress.to_send)));
            bar.at(bytes(progress.sent));
        }
    }
}
