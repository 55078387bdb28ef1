//! A broker as text: a screen, or one line. Names are what strangers chose: a terminal gets them through `support::terminal`.
//!
//! ```text
//!   published 54/s   delivered 43/s   acknowledged 43/s
//!   40 ready   7 unacknowledged   19 connections   19 channels   6 consumers   4.9 KiB of messages
//!
//!   queue      type    ready  unacked  consumers  in/s  out/s  ack/s
//!   orders.eu  quorum     40        7          3    12     12     12
//! ```

use common::support::count::count;
use common::support::size::human;
use common::support::terminal;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::observed::{Connection, Counters, Observed, rate};

/// The narrowest that names are cut to.
const NARROWEST: usize = 12;

/// A heading, and what stands below it in each row: the name, and figures to the right of it.
struct Table {
    heads: Vec<&'static str>,
    /// How many of the columns behind the name are texts, which stand to the left.
    texts: usize,
    rows: Vec<(String, Vec<String>)>,
}

/// All in so many columns and rows. Of a list that is longer than its room, the first are shown: the busiest.
#[must_use]
pub fn table(now: &Observed, before: Option<&Observed>, columns: usize, rows: usize) -> String {
    let columns = columns.max(20);
    let mut text =
        format!("  {}\n  {}\n", cut(&flow(now, before), columns - 2), cut(&sums(now), columns - 2));
    if let Some(alarm) = &now.alarm {
        text += &cut(&format!("  ! publishers are held back: {}", terminal::line(alarm)), columns);
        text += "\n";
    }
    let tables = [queues(now, before), exchanges(now, before), connections(now, before)];
    let mut left = rows.saturating_sub(text.lines().count());
    for (index, table) in tables.iter().enumerate() {
        // Each table behind this one needs an empty line, its heading and a row.
        let behind = tables[index + 1..].iter().map(|table| 2 + table.rows.len().min(3)).sum::<usize>();
        let room = left.saturating_sub(behind).max(3);
        let shown = table.text(columns, room.saturating_sub(2));
        left = left.saturating_sub(shown.lines().count());
        text += &shown;
    }
    text
}

/// All in one line.
#[must_use]
pub fn line(now: &Observed, before: Option<&Observed>) -> String {
    format!("{}   {}", flow(now, before), sums(now))
}

/// What moves: rates, and at the first look counts.
fn flow(now: &Observed, before: Option<&Observed>) -> String {
    let since = before.and_then(|before| Some((before, now.seconds_since(before)?)));
    let total = |counters: Counters<'_>| {
        counters
            .values()
            .fold([0; 3], |sum: [u64; 3], one| std::array::from_fn(|index| sum[index] + one[index]))
    };
    let ([published, ..], [_, delivered, acknowledged]) =
        (total(now.exchange_counters()), total(now.queue_counters()));
    since.map_or_else(
        || format!("published {published}   delivered {delivered}   acknowledged {acknowledged}"),
        |(before, seconds)| {
            let ([p, ..], [_, d, a]) = (total(before.exchange_counters()), total(before.queue_counters()));
            let figure = |now, before| per_second(rate(now, Some(before), seconds));
            format!(
                "published {}/s   delivered {}/s   acknowledged {}/s",
                figure(published, p),
                figure(delivered, d),
                figure(acknowledged, a)
            )
        },
    )
}

/// What is there.
fn sums(now: &Observed) -> String {
    let ready: u64 = now.queues.iter().map(|queue| queue.ready).sum();
    let unacknowledged: u64 = now.queues.iter().map(|queue| queue.unacknowledged).sum();
    format!(
        "{ready} ready   {unacknowledged} unacknowledged   {}   {}   {}   {} of messages",
        count(now.connections.len() as u64, "connection"),
        count(now.channels.len() as u64, "channel"),
        count(now.consumers.len() as u64, "consumer"),
        human(now.memory.0)
    )
}

/// A rate with as many digits as one reads.
fn per_second(rate: f64) -> String {
    if rate == 0.0 {
        "0".into()
    } else if rate < 10.0 {
        format!("{rate:.1}")
    } else {
        format!("{rate:.0}")
    }
}

fn rates(now: Option<&[u64; 3]>, before: Option<(Option<&[u64; 3]>, f64)>) -> [String; 3] {
    let (Some(now), Some((before, seconds))) = (now, before) else {
        return std::array::from_fn(|_| "–".into());
    };
    std::array::from_fn(|index| per_second(rate(now[index], before.map(|before| before[index]), seconds)))
}

fn queues(now: &Observed, before: Option<&Observed>) -> Table {
    let (counters, old) = (now.queue_counters(), before.map(Observed::queue_counters));
    let seconds = before.and_then(|before| now.seconds_since(before));
    let mut all: Vec<_> = now.queues.iter().collect();
    let moved = |key: &(&str, &str)| {
        let old = old.as_ref().and_then(|old| old.get(key)).copied().unwrap_or_default();
        let now = counters[key];
        now[0].saturating_sub(old[0]) + now[1].saturating_sub(old[1])
    };
    all.sort_by_cached_key(|queue| {
        let key = (&queue.vhost[..], &queue.name[..]);
        let busy = if old.is_some() { moved(&key) } else { 0 };
        (std::cmp::Reverse((busy, queue.ready + queue.unacknowledged)), key)
    });
    let rows = all.iter().map(|queue| {
        let key = (&queue.vhost[..], &queue.name[..]);
        let since = seconds.map(|seconds| (old.as_ref().and_then(|old| old.get(&key)), seconds));
        let [incoming, outgoing, acknowledged] = rates(counters.get(&key), since);
        let figures = [queue.ready, queue.unacknowledged, queue.consumers].map(|figure| figure.to_string());
        let cells = [
            vec![terminal::line(&queue.kind).into_owned()],
            figures.to_vec(),
            vec![incoming, outgoing, acknowledged],
        ];
        (named(&queue.vhost, &queue.name), cells.concat())
    });
    Table {
        heads: vec!["queue", "type", "ready", "unacked", "consumers", "in/s", "out/s", "ack/s"],
        texts: 1,
        rows: rows.collect(),
    }
}

fn exchanges(now: &Observed, before: Option<&Observed>) -> Table {
    let (counters, old) = (now.exchange_counters(), before.map(Observed::exchange_counters));
    let seconds = before.and_then(|before| now.seconds_since(before));
    // Those that every virtual host has, and nobody uses, say nothing.
    let is_used = |exchange: &&super::observed::Exchange| {
        exchange.published > 0 || !(exchange.name.is_empty() || exchange.name.starts_with("amq."))
    };
    let rows = now.exchanges.iter().filter(is_used).map(|exchange| {
        let key = (&exchange.vhost[..], &exchange.name[..]);
        let since = seconds.map(|seconds| (old.as_ref().and_then(|old| old.get(&key)), seconds));
        let [incoming, routed, _] = rates(counters.get(&key), since);
        let name = if exchange.name.is_empty() { "(default)" } else { &exchange.name };
        let cells = vec![
            terminal::line(&exchange.kind).into_owned(),
            exchange.published.to_string(),
            exchange.routed.to_string(),
            incoming,
            routed,
        ];
        (named(&exchange.vhost, name), cells)
    });
    Table {
        heads: vec!["exchange", "type", "published", "routed", "in/s", "routed/s"],
        texts: 1,
        rows: rows.collect(),
    }
}

fn connections(now: &Observed, before: Option<&Observed>) -> Table {
    let seconds = before.and_then(|before| now.seconds_since(before));
    let row = |one: &Connection| {
        let old = before.and_then(|before| before.connections.iter().find(|old| old.id == one.id));
        let bytes = |now: u64, old: Option<u64>| {
            seconds.map_or_else(|| "–".to_owned(), |seconds| human(rate(now, old, seconds) as u64))
        };
        let program = one.client.get("product").and_then(serde_json::Value::as_str).unwrap_or_default();
        let state = if one.blocked.is_some() { "held back" } else { "open" };
        let cells = vec![
            terminal::line(&one.user).into_owned(),
            cut(&terminal::line(program), 20),
            one.channels.to_string(),
            bytes(one.bytes_in, old.map(|old| old.bytes_in)),
            bytes(one.bytes_out, old.map(|old| old.bytes_out)),
            state.into(),
        ];
        (named(&one.vhost, &one.address), cells)
    };
    let rows = now.connections.iter().map(row).collect();
    Table {
        heads: vec!["connection", "user", "program", "channels", "in/s", "out/s", "state"],
        texts: 2,
        rows,
    }
}

/// A name, behind its virtual host where that is not the usual one.
fn named(vhost: &str, name: &str) -> String {
    let name = if vhost == "/" { name.to_owned() } else { format!("{vhost}: {name}") };
    terminal::line(&name).into_owned()
}

impl Table {
    fn text(&self, columns: usize, rows: usize) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let (rows, more) = if self.rows.len() > rows {
            (rows.saturating_sub(1), self.rows.len() - rows.saturating_sub(1))
        } else {
            (self.rows.len(), 0)
        };
        let shown = &self.rows[..rows];
        let widths: Vec<usize> = (1..self.heads.len())
            .map(|index| {
                let cells = shown.iter().map(|(_, cells)| cells[index - 1].width());
                cells.max().unwrap_or(0).max(self.heads[index].width())
            })
            .collect();
        let figures: usize = widths.iter().map(|width| width + 2).sum();
        let longest =
            shown.iter().map(|(name, _)| name.width()).max().unwrap_or(0).max(self.heads[0].width());
        let room = longest.min(columns.saturating_sub(figures + 2).max(NARROWEST));
        let row = |name: &str, cells: &mut dyn Iterator<Item = &str>| {
            let name = cut(name, room);
            let mut row = format!("  {name}{}", " ".repeat(room.saturating_sub(name.width())));
            for (index, (cell, width)) in cells.zip(&widths).enumerate() {
                let gap = " ".repeat(width.saturating_sub(cell.width()));
                row += &if index < self.texts { format!("  {cell}{gap}") } else { format!("  {gap}{cell}") };
            }
            cut(row.trim_end(), columns) + "\n"
        };
        let mut text = format!("\n{}", row(self.heads[0], &mut self.heads[1..].iter().copied()));
        for (name, cells) in shown {
            text += &row(name, &mut cells.iter().map(String::as_str));
        }
        if more > 0 {
            text += &format!("  … and {more} more\n");
        }
        text
    }
}

/// A text in so many columns of a terminal.
fn cut(text: &str, columns: usize) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let (mut shown, mut used) = (String::new(), 0);
    for character in text.chars() {
        let width = character.width().unwrap_or(0);
        if used + width + 1 > columns {
            break;
        }
        shown.push(character);
        used += width;
    }
    shown + "…"
}

#[cfg(test)]
mod tests;
