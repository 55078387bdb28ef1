//! The front end: a page in the browser. It provides no interface; it calls those of others, for somebody who looks at it.

use common::report::svg::escape;

use super::no_such;
use crate::container::message::{Fault, Outcome, PageRequest, Value};
use crate::container::program::{Others, Program};

/// How many lines of each are shown.
const SHOWN: u64 = 20;

/// The program.
#[derive(Debug)]
pub struct Page;

impl Program for Page {
    fn call(&mut self, method: &str, _: &[Value], _: &mut dyn Others) -> Outcome {
        no_such("a page", method)
    }

    fn page(&mut self, request: &PageRequest, others: &mut dyn Others) -> Result<String, Fault> {
        let field = |name: &str| {
            let found = request.form.iter().find(|(field, _)| field == name);
            Value::Text(found.map_or(String::new(), |(_, value)| value.clone()))
        };
        let said = match (request.is_post, request.path.as_str()) {
            (false, "/") => None,
            (true, "/publish") => Some(others.call("Board", "publish", vec![field("text")])),
            (true, "/say") => Some(others.call("Chat", "say", vec![field("name"), field("text")])),
            _ => return Err(Fault::Refused("there is no such page".into())),
        };
        let mut note = String::new();
        if let Some(Err(fault)) = said {
            note = format!("<p role=\"alert\">{}</p>", escape(&fault.to_string()));
        }
        let [board, chat] = ["Board", "Chat"].map(|interface| lines(interface, others));
        Ok(format!(
            concat!(
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n",
                "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Board and chat</title>\n<link rel=\"icon\" href=\"data:,\">\n",
                "<style>:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }} body {{ max-width: 60rem; ",
                "margin: 2rem auto; padding: 0 1rem; }} main {{ display: grid; gap: 2rem; ",
                "grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); }} ",
                "li {{ overflow-wrap: anywhere; }} [role=alert] {{ border: 2px solid; padding: .5rem; }}</style></head>\n",
                "<body><h1>Board and chat</h1>{}<main>\n",
                "<section><h2>Board</h2>{}<form method=\"post\" action=\"/publish\" enctype=\"text/plain\">",
                "<label>Text <input name=\"text\" required></label> <button>Publish</button></form></section>\n",
                "<section><h2>Chat</h2>{}<form method=\"post\" action=\"/say\" enctype=\"text/plain\">",
                "<label>Name <input name=\"name\" required></label> <label>Text <input name=\"text\" required></label> ",
                "<button>Say</button></form></section>\n</main></body></html>\n"
            ),
            note, board, chat
        ))
    }
}

/// The last lines, or why there are none: one component that fails is no reason to show nothing.
fn lines(interface: &str, others: &mut dyn Others) -> String {
    match others.call(interface, "last", vec![Value::Number(SHOWN)]) {
        Ok(Value::Texts(texts)) => {
            let items: String = texts.iter().map(|text| format!("<li>{}</li>", escape(text))).collect();
            format!("<ul>{items}</ul>")
        }
        Ok(_) => "<p role=\"alert\">it answered with something else</p>".into(),
        Err(fault) => format!("<p role=\"alert\">{}</p>", escape(&fault.to_string())),
    }
}
