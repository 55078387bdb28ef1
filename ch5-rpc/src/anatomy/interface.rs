//! From the IDL to the stub and the skeleton (figure 5.3), as they stand in the sources; and what happens when the IDL changes.

use std::io::Write;

use common::protocol::frame;
use common::support::terminal::line;
use tarpc::{ClientMessage, Request, context};

use super::by_hand::MESSAGE_LIMIT;
use super::fields::hex;
use super::idl::{
    ServeSmallBoard, SmallBoardClient, SmallBoardRequest, SmallBoardResponse, TidiedBoardRequest,
};

const IDL: &str = include_str!("idl.rs");
const STUB: &str = include_str!("by_hand/stub.rs");
const SKELETON: &str = include_str!("by_hand/skeleton.rs");
const MARSHALLING: &str = include_str!("by_hand/values.rs");

/// A part of our own sources.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// What it is.
    pub title: &'static str,
    /// Its file.
    pub file: &'static str,
    /// The lines between the marks.
    pub source: &'static str,
}

/// What is printed of our own sources.
pub fn excerpts() -> [Excerpt; 4] {
    let excerpt = |title, file, source, mark| Excerpt { title, file, source: between(source, mark) };
    [
        excerpt("The interface definition (IDL)", "anatomy/idl.rs", IDL, "interface"),
        excerpt("A stub, by hand", "anatomy/by_hand/stub.rs", STUB, "stub"),
        excerpt(
            "A skeleton with its dispatch table, by hand",
            "anatomy/by_hand/skeleton.rs",
            SKELETON,
            "skeleton",
        ),
        excerpt("Marshalling, by hand", "anatomy/by_hand/values.rs", MARSHALLING, "marshalling"),
    ]
}

/// The lines between the two marks of this name; nothing where they are not.
fn between(source: &'static str, mark: &str) -> &'static str {
    let end = format!("// END {mark}\n");
    source
        .split_once(&format!("// BEGIN {mark}\n"))
        .and_then(|(_, rest)| rest.split_once(&end))
        .map_or("", |(part, _)| part.trim_end())
}

/// The types that the macro makes of the trait: their names, and what each is.
pub fn generated() -> [(&'static str, &'static str); 4] {
    [
        (short::<SmallBoardClient>(), "the stub: one method each, which sends a request and waits"),
        (
            short::<SmallBoardRequest>(),
            "the message to the server: one variant for each method, with its arguments",
        ),
        (short::<SmallBoardResponse>(), "the message back: one variant for each method, with its result"),
        (short::<ServeSmallBoard<()>>(), "the skeleton: takes a request and calls the method"),
    ]
}

/// The name of a type, without the modules it is in.
fn short<T>() -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split_once('<').map_or(name, |(name, _)| name);
    name.rsplit("::").next().unwrap_or(name)
}

/// A request of the old interface, read by a server of the reordered one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misread {
    /// What was called.
    pub called: &'static str,
    /// What went over the wire, from the method on.
    pub bytes: String,
    /// What the server understands.
    pub understood: String,
}

/// Each method called with 5 or with "hello", and what a server with the reordered trait makes of the bytes.
///
/// # Errors
/// The call cannot be written.
pub fn evolution() -> anyhow::Result<Vec<Misread>> {
    let context = context::current();
    let requests = [
        SmallBoardRequest::Publish { text: "hello".into() },
        SmallBoardRequest::Remove { id: 5 },
        SmallBoardRequest::Last { count: 5 },
        SmallBoardRequest::Get { id: 5 },
    ];
    let called = ["publish(\"hello\")", "remove(5)", "last(5)", "get(5)"];
    let mut all = Vec::new();
    for (called, message) in called.into_iter().zip(requests) {
        let request = ClientMessage::Request(Request { context, id: 0, message: &message });
        let (mut bytes, mut body) = (Vec::new(), Vec::new());
        frame::encode(&request, MESSAGE_LIMIT, &mut bytes)?;
        frame::encode(&message, MESSAGE_LIMIT, &mut body)?;
        all.push(Misread { called, bytes: hex(&body[frame::HEADER..]), understood: reordered(&bytes) });
    }
    Ok(all)
}

/// Prints all of it.
///
/// # Errors
/// The output cannot be written.
pub fn print(out: &mut impl Write) -> anyhow::Result<()> {
    let [idl, by_hand @ ..] = excerpts();
    print_excerpt(out, &idl)?;
    writeln!(out, "\nWhat the RPC compiler, the macro #[tarpc::service], makes of it\n")?;
    for (name, what) in generated() {
        writeln!(out, "  {name:<20} {what}")?;
    }
    for excerpt in &by_hand {
        writeln!(out)?;
        print_excerpt(out, excerpt)?;
    }
    writeln!(
        out,
        "\nThe interface changes: its methods are sorted by name, and a server runs the new order\n"
    )?;
    writeln!(out, "{}", indented(between(IDL, "reordered")))?;
    writeln!(out, "\n  {:<18} {:<22} the server understands", "the client calls", "method, argument")?;
    for Misread { called, bytes, understood } in evolution()? {
        writeln!(out, "  {called:<18} {bytes:<22} {}", line(&understood))?;
    }
    writeln!(
        out,
        "\nA method is its place in the trait. Nothing on the wire says its name or the types of its arguments, so nobody \
         notices.\nA new method goes to the end; an old one keeps its place."
    )?;
    Ok(())
}

fn print_excerpt(out: &mut impl Write, excerpt: &Excerpt) -> std::io::Result<()> {
    writeln!(out, "{} ({})\n\n{}", excerpt.title, excerpt.file, indented(excerpt.source))
}

fn indented(source: &str) -> String {
    let lines = source.lines().map(|line| if line.is_empty() { String::new() } else { format!("  {line}") });
    lines.collect::<Vec<_>>().join("\n")
}

/// What a server of the reordered trait understands of a request.
fn reordered(bytes: &[u8]) -> String {
    match frame::decode::<ClientMessage<TidiedBoardRequest>>(bytes, MESSAGE_LIMIT) {
        Ok(Some((ClientMessage::Request(request), _))) => match request.message {
            TidiedBoardRequest::Get { id } => format!("get({id})"),
            TidiedBoardRequest::Last { count } => format!("last({count})"),
            TidiedBoardRequest::Publish { text } => format!("publish({text:?})"),
            TidiedBoardRequest::Remove { id } => format!("remove({id})"),
        },
        Ok(_) => "no request".into(),
        Err(error) => format!("{error}: the connection ends"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_excerpts_are_there_and_end_where_they_should() {
        for Excerpt { title, source, .. } in excerpts() {
            assert!(source.lines().count() > 10, "{title}: {source}");
            assert!(!source.contains("// BEGIN") && !source.contains("// END"), "{title}");
        }
    }

    #[test]
    fn the_macro_makes_these_types() {
        let names = generated().map(|(name, _)| name);
        assert_eq!(names, ["SmallBoardClient", "SmallBoardRequest", "SmallBoardResponse", "ServeSmallBoard"]);
    }

    #[test]
    fn after_a_reordering_a_get_removes() {
        let understood: Vec<String> = evolution().unwrap().into_iter().map(|call| call.understood).collect();
        assert_eq!(understood[3], "remove(5)");
        assert_eq!(understood[1], "last(5)");
        assert!(understood[0].contains("the connection ends"), "{}", understood[0]);
    }
}
