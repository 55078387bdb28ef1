//! The calls as one HTML file: no network, no script; light, dark, on a phone and on paper.

use std::fmt::Write;

use common::report::STYLE;
use common::report::svg::escape;

use super::describe::{Anatomy, CALLS, Dissected, Messages};
use super::forms::Forms;
use super::picture;
use super::text::micros;

const OWN_STYLE: &str = include_str!("page.css");

/// The whole page. Everything that comes from outside is escaped: a text may be anything.
pub(super) fn html(calls: &[Anatomy], forms: &[Forms], command: &str) -> String {
    let mut page = format!(
        concat!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n",
            "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
            "<title>Anatomy of a call</title>\n<style>\n{}{}</style>\n</head>\n<body>\n",
            "<header>\n<h1>Anatomy of a call</h1>\n",
            "<p class=\"lead\">One remote call for real: its eleven steps, and every byte of its messages.</p>\n",
            "<p class=\"note\">Repeat it: <code>{}</code></p>\n</header>\n<main>\n"
        ),
        STYLE,
        OWN_STYLE,
        escape(command)
    );
    for call in calls {
        page += &section(call);
    }
    page += "<section>\n<h2>One value in its forms</h2>\n<p>The conversion of steps 1, 4, 7 and 10.</p>\n";
    page += &forms_table(forms);
    page + "</section>\n</main>\n</body>\n</html>\n"
}

fn section(call: &Anatomy) -> String {
    let name = call.transport.name();
    let mut text =
        format!("<section class=\"scenario\">\n<h2>Over {name}: {:.1} us</h2>\n", micros(call.whole()));
    let _ = writeln!(
        text,
        "<p class=\"note\">A text of {} bytes is published. Of {CALLS} calls this one took neither long nor short.</p>",
        call.text
    );
    let _ = writeln!(
        text,
        concat!(
            "<div class=\"calls\">\n<figure class=\"card\"><h3>Who does which step</h3>\n{}",
            "<figcaption>Figure 5.2 of the notes: every step has the same width. The caller waits all the time.</figcaption></figure>\n",
            "<figure class=\"card\"><h3>How long each step takes</h3>\n{}",
            "<figcaption>To scale. A thin line is the end of a send or of a recv: a long message has several.</figcaption></figure>\n</div>"
        ),
        picture::order(call),
        picture::time(call)
    );
    text += &steps_table(call);
    text += &messages(&call.messages);
    for other in &call.others {
        let _ = writeln!(
            text,
            "<details>\n<summary>Another call {}</summary>\n<p>Its caller: {}</p>\n{}</details>",
            escape(other.ending),
            escape(&other.said),
            messages(other)
        );
    }
    text + "</section>\n"
}

fn steps_table(call: &Anatomy) -> String {
    let mut rows = String::new();
    for step in &call.steps {
        let _ = writeln!(
            rows,
            "<tr><td class=\"amount\">{}</td><td>{} <span class=\"handed\">{}</span></td><td class=\"amount\">{:.1}</td><td class=\"amount\">{:.1}</td></tr>",
            step.number,
            escape(step.title),
            escape(&step.handed),
            micros(step.span.from),
            micros(step.span.took())
        );
    }
    let head = "<th></th><th>step, and what is handed over</th><th class=\"amount\">from, us</th><th class=\"amount\">took, us</th>";
    let note = "<p class=\"note\">Steps 1 and 3 to 10 are the whole call. Step 2 lies beside them: while the kernel still copies, the first bytes are on their way, and the server may read them already.</p>\n";
    table("The eleven steps", head, &rows) + note
}

fn messages(messages: &Messages) -> String {
    message("Request", &messages.request) + &message("Response", &messages.response)
}

fn message(name: &str, message: &Dissected) -> String {
    if message.length == 0 {
        return format!("<p>No {}.</p>\n", name.to_lowercase());
    }
    let mut rows = String::new();
    for field in &message.fields {
        let _ = writeln!(
            rows,
            "<tr><td class=\"amount\">{}</td><td class=\"amount\">{}</td><td class=\"bytes\">{}</td><td class=\"name\">{}</td><td>{}</td></tr>",
            field.at,
            field.length,
            escape(&field.hex),
            escape(&field.name),
            escape(&field.meaning)
        );
    }
    let recv = if message.parts.len() == 1 { "recv" } else { "recvs" };
    let caption = format!("{name}: {} bytes in {} {recv}", message.length, message.parts.len());
    let head = "<th class=\"amount\">at</th><th class=\"amount\">length</th><th>bytes</th><th>field</th><th>meaning</th>";
    table(&caption, head, &rows)
}

fn forms_table(forms: &[Forms]) -> String {
    let mut rows = String::new();
    for Forms { value, native, bincode, network, xml } in forms {
        let cells =
            [native, bincode, network, xml].map(|form| format!("<td class=\"bytes\">{}</td>", escape(form)));
        let _ = writeln!(rows, "<tr><th>{}</th>{}</tr>", escape(value), cells.concat());
    }
    let head =
        "<th></th><th>in this memory</th><th>length | bincode</th><th>network order</th><th>XML-RPC</th>";
    table("", head, &rows)
}

fn table(caption: &str, head: &str, rows: &str) -> String {
    format!(
        "<div class=\"scroll\"><table class=\"read\"><caption>{}</caption><thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table></div>\n",
        escape(caption)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anatomy::forms::forms;
    use crate::anatomy::plan::Transport;

    #[test]
    fn the_picture_has_all_lanes_and_all_steps_and_no_markup_from_outside() {
        let text = "<script>alert(1)</script>";
        let call = Anatomy::of(Transport::Hand, text).unwrap();
        let page = html(&[call], &forms(text).unwrap(), "--text <script>");
        assert!(!page.contains("<script>"));
        for lane in ["caller", "stub", "network", "skeleton", "procedure"] {
            assert_eq!(page.matches(&format!(">{lane}</text>")).count(), 2, "{lane}");
        }
        assert_eq!(page.matches(">kernel</text>").count(), 4);
        let order = page.split("class=\"steps\"").nth(1).unwrap().split("</svg>").next().unwrap();
        // One block for each piece of work, of which steps 4 and 8 have two.
        assert_eq!(order.matches("class=\"worked").count(), 13);
        for number in 1..=11 {
            assert_eq!(order.matches(&format!(">{number}</text>")).count(), 2, "{number}");
        }
    }
}
