//! The service: a piece of a file is asked for, and comes when its time has come.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use common::core::service::{Answer, Peer, Protocol, Request, RequestCost, Service};

use super::catalogue::Catalogue;
use super::protocol::{BINARY, Http, LIST, Piece, TEXT, head};

/// The longest piece, bytes: half of what the kernel takes at once from a sender, as a rule.
const CHUNK: u32 = 64 * 1024;

/// How often a connection with a rate gets a piece, per second: often enough that a progress bar moves smoothly.
const PIECES_PER_SECOND: u64 = 50;

/// Files over HTTP, with a rate for each connection and a latency for each answer.
#[derive(Debug)]
pub struct Files {
    catalogue: Arc<Catalogue>,
    rate: Option<u64>,
    latency: Duration,
}

impl Files {
    /// `rate` is the most bytes per second of one connection; `latency` passes before the first byte of each answer.
    #[must_use]
    pub fn new(catalogue: Catalogue, rate: Option<u64>, latency: Duration) -> Files {
        Files { catalogue: Arc::new(catalogue), rate, latency }
    }

    /// Sleeps, and with it the thread or process that handles this connection. That the sending takes time too is not
    /// made up for: the rate is a limit, and what arrives is a few per cent less.
    fn pause(&self, piece: &Piece) {
        let mut pause = if piece.head.is_some() { self.latency } else { Duration::ZERO };
        if let Some(rate) = self.rate {
            pause += Duration::from_secs_f64(f64::from(piece.count) / rate as f64);
        }
        if !pause.is_zero() {
            thread::sleep(pause);
        }
    }
}

impl Service for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn request_cost(&self) -> RequestCost {
        if self.rate.is_none() && self.latency.is_zero() { RequestCost::Quick } else { RequestCost::Slow }
    }

    fn protocol(&self) -> Box<dyn Protocol> {
        let chunk = self.rate.map_or(CHUNK, |rate| (rate / PIECES_PER_SECOND).clamp(1, CHUNK.into()) as u32);
        Box::new(Http::new(Arc::clone(&self.catalogue), chunk))
    }

    fn begins(&self, request: &Request) -> bool {
        Piece::from_request(request).is_some_and(|piece| piece.head.is_some())
    }

    fn handle(&self, client: &Peer, request: Request) -> Answer {
        let Some(piece) = Piece::from_request(&request) else { return Answer::last(Vec::new()) };
        self.pause(&piece);
        let kind = if piece.file == LIST { TEXT } else { BINARY };
        let mut bytes = match piece.head {
            Some(length) => head(piece.status, length, piece.close, kind).into_bytes(),
            None => Vec::new(),
        };
        let count = piece.count as usize;
        if piece.file == LIST {
            let from = usize::try_from(piece.from).unwrap_or(usize::MAX);
            bytes.extend(self.catalogue.list().bytes().skip(from).take(count));
        } else if count > 0
            && let Err(error) = self.catalogue.read(piece.file, piece.from, count, &mut bytes)
        {
            // The length has been announced. All that is left is an end before it, which the client notices.
            tracing::warn!("client {client}: its file cannot be read on: {error}");
            return Answer::last(Vec::new());
        }
        if piece.close && piece.last { Answer::last(bytes) } else { Answer::new(bytes) }
    }
}
