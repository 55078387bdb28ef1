//! Rows as text, in the columns of netstat and `ss`.

use std::net::SocketAddr;

use super::{Protocol, SocketRow};

/// A small table, a line per socket: what it is to the reader, and its row or why there is none.
#[must_use]
pub fn text(lines: &[(&str, Option<&SocketRow>)]) -> String {
    let header = ["", "Proto", "Recv-Q", "Send-Q", "Local address", "Remote address", "State", "Inode"];
    let mut cells = vec![header.map(String::from)];
    for (name, row) in lines {
        cells.push(match row {
            Some(row) => row.cells(name),
            None => {
                let mut absent = [const { String::new() }; 8];
                absent[0] = (*name).to_owned();
                absent[1] = "(not in the table)".to_owned();
                absent
            }
        });
    }
    let mut widths = [0; 8];
    for line in cells.iter().filter(|line| !line[2].is_empty()) {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.len());
        }
    }
    widths[0] = cells.iter().map(|line| line[0].len()).max().unwrap_or(0);
    let mut text = String::new();
    // A header over nothing would say nothing.
    let headless = usize::from(lines.iter().all(|(_, row)| row.is_none()));
    for line in &cells[headless..] {
        let line: String = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}  ")).collect();
        text.push_str("   ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

impl SocketRow {
    fn cells(&self, name: &str) -> [String; 8] {
        let protocol = match (self.protocol, self.local) {
            (Protocol::Udp, SocketAddr::V4(_)) => "udp",
            (Protocol::Udp, SocketAddr::V6(_)) => "udp6",
            (Protocol::Tcp, SocketAddr::V4(_)) => "tcp",
            (Protocol::Tcp, SocketAddr::V6(_)) => "tcp6",
        };
        [
            name.to_owned(),
            protocol.to_owned(),
            self.receive_queue.to_string(),
            self.send_queue.to_string(),
            address(self.local),
            address(self.remote),
            self.state.to_owned(),
            self.inode.to_string(),
        ]
    }
}

/// An address as netstat writes it: `*` for no port.
fn address(address: SocketAddr) -> String {
    match (address, address.port()) {
        (SocketAddr::V4(_), 0) => format!("{}:*", address.ip()),
        (SocketAddr::V6(_), 0) => format!("[{}]:*", address.ip()),
        _ => address.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up_and_says_what_is_not_there() {
        let row = SocketRow {
            protocol: Protocol::Tcp,
            local: "127.0.0.1:7777".parse().unwrap(),
            remote: "0.0.0.0:0".parse().unwrap(),
            state: "LISTEN",
            receive_queue: 1,
            send_queue: 0,
            inode: 42,
        };
        let text = text(&[("listener", Some(&row)), ("client", None)]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[0].find("State"), lines[1].find("LISTEN"));
        assert!(lines[1].contains("127.0.0.1:7777  0.0.0.0:*"), "{text}");
        assert_eq!(lines[2], "   client    (not in the table)");
    }
}
