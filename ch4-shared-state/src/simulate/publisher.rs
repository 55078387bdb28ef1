//! A client that publishes, reads its acknowledgements, and fetches nothing.

use anyhow::bail;

use super::plan::Plan;

/// One of them.
#[derive(Debug)]
pub struct Publisher {
    number: usize,
    next: u64,
    text: Vec<u8>,
    /// Texts that the server says it has.
    pub acknowledged: u64,
}

impl Publisher {
    /// The publisher with this number.
    pub fn new(number: usize, plan: &Plan) -> Publisher {
        Publisher { number, next: 0, text: vec![b'x'; plan.bytes], acknowledged: 0 }
    }

    /// Appends the request for its next text.
    pub fn publish(&mut self, plan: &Plan, out: &mut Vec<u8>) {
        let header = format!("{:04x}{:012x}", self.number, self.next);
        self.text[..header.len()].copy_from_slice(header.as_bytes());
        plan.dialect.publish(&self.text, out);
        self.next += 1;
    }

    /// Acknowledgements.
    pub fn handle_received(&mut self, bytes: &[u8], plan: &Plan) -> anyhow::Result<()> {
        if plan.dialect.refuses(bytes) {
            bail!("the server refuses a text: its board is full");
        }
        let mark = plan.dialect.acknowledges();
        self.acknowledged += bytes.iter().filter(|&&byte| byte == mark).count() as u64;
        Ok(())
    }
}
