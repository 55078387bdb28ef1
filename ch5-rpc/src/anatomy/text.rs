//! A call as text, for a terminal of 120 columns.

use std::io::{self, Write};

use common::report::svg::fit;
use common::support::terminal::line;

use super::describe::{Anatomy, CALLS, Dissected, Messages};
use super::forms::Forms;
use super::steps::Step;

/// Parts of a message that are listed; of more, the first ones.
const PARTS: usize = 8;

/// The whole call.
///
/// # Errors
/// The output cannot be written.
pub fn print(out: &mut impl Write, call: &Anatomy) -> io::Result<()> {
    let name = call.transport.name();
    let whole = micros(call.whole());
    writeln!(
        out,
        "publish of a text of {} bytes over {name}: {whole:.1} us, the middle one of {CALLS} calls\n",
        call.text
    )?;
    writeln!(out, "step      from us    took us")?;
    for step in &call.steps {
        let Step { number, title, handed, span, .. } = step;
        writeln!(out, "{number:>4} {:>12.1} {:>10.1}   {title}", micros(span.from), micros(span.took()))?;
        writeln!(out, "{:30}{}", "", line(handed))?;
    }
    writeln!(
        out,
        "\nSteps 1 and 3 to 10 are the whole call. Step 2 lies beside them: see cargo ch5 anatomy --help."
    )?;
    messages(out, &call.messages)?;
    for other in &call.others {
        writeln!(out, "\nAnother call {}. Its caller: {}", other.ending, line(&other.said))?;
        messages(out, other)?;
    }
    Ok(())
}

fn messages(out: &mut impl Write, messages: &Messages) -> io::Result<()> {
    for (name, message) in [("Request", &messages.request), ("Response", &messages.response)] {
        if message.length == 0 {
            writeln!(out, "\nNo {}", name.to_lowercase())?;
            continue;
        }
        writeln!(out, "\n{name}: {} bytes, {}\n", message.length, parts(message))?;
        writeln!(out, "{:>6}  {:<26} {:<20} meaning", "at", "bytes", "field")?;
        for field in &message.fields {
            let hex = if field.hex.contains('…') {
                format!("{} {} bytes", field.hex.get(..12).unwrap_or_default().trim_end(), field.length)
            } else {
                field.hex.clone()
            };
            writeln!(out, "{:>6}  {hex:<26} {:<20} {}", field.at, fit(&field.name, 30), field.meaning)?;
        }
    }
    Ok(())
}

/// In how many parts the message came.
fn parts(message: &Dissected) -> String {
    match message.parts.as_slice() {
        [_] => "all of it returned by one recv".into(),
        several => {
            let mut sizes: Vec<String> = several.iter().take(PARTS).map(ToString::to_string).collect();
            if several.len() > PARTS {
                sizes.push("…".into());
            }
            format!("in {} parts, as recv has returned them: {}", several.len(), sizes.join(" + "))
        }
    }
}

/// Values in their forms.
///
/// # Errors
/// The output cannot be written.
pub fn forms(out: &mut impl Write, forms: &[Forms]) -> io::Result<()> {
    writeln!(out, "\nThe conversion of steps 1, 4, 7 and 10: one value in its forms\n")?;
    for Forms { value, native, bincode, network, xml } in forms {
        writeln!(out, "  {value}")?;
        for (name, form) in [
            ("in this memory", native),
            ("length | bincode", bincode),
            ("network order", network),
            ("XML-RPC", xml),
        ] {
            writeln!(out, "    {name:<18} {form}")?;
        }
    }
    Ok(())
}

/// The steps of several calls side by side.
///
/// # Errors
/// The output cannot be written.
pub fn compare(out: &mut impl Write, calls: &[Anatomy]) -> io::Result<()> {
    writeln!(out, "\nSide by side, microseconds\n")?;
    let row = |out: &mut dyn Write, name: &str, cell: &dyn Fn(&Anatomy) -> String| {
        let cells: String = calls.iter().map(|call| format!("{:>12}", cell(call))).collect();
        writeln!(out, "{name:<78}{cells}")
    };
    row(out, "", &|call| call.transport.name().into())?;
    for index in 0..11 {
        let name = format!("{:>4}  {}", index + 1, calls[0].steps[index].title);
        row(out, &name, &|call| format!("{:.1}", micros(call.steps[index].span.took())))?;
    }
    row(out, "      the whole call", &|call| format!("{:.1}", micros(call.whole())))?;
    row(out, "      bytes of the request", &|call| call.messages.request.length.to_string())?;
    row(out, "      bytes of the response", &|call| call.messages.response.length.to_string())
}

/// Nanoseconds in microseconds.
pub fn micros(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e3
}
