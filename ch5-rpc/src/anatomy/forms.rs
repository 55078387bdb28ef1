//! One value in its forms: in the memory of this program, and in the three ways to send it. The conversion of steps 1, 4, 7 and 10.

use common::protocol::frame;
use dxr::{Error, TryToValue};
use serde::Serialize;

use super::by_hand::Marshal;
use super::fields::hex;
use super::over_xmlrpc::is_carried;

/// One value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forms {
    /// As a reader writes it.
    pub value: String,
    /// As it is in memory here.
    pub native: String,
    /// As bincode writes it, in a frame.
    pub bincode: String,
    /// As the stub written by hand does.
    pub network: String,
    /// As XML-RPC does.
    pub xml: String,
}

/// A number, a list and a text.
///
/// # Errors
/// The text is longer than a frame.
pub fn forms(text: &str) -> anyhow::Result<Vec<Forms>> {
    let text: String = text.chars().take(16).collect();
    let mut all = Vec::new();
    for number in [7_u64, 1000] {
        all.push(Forms {
            value: format!("{number}: a u64"),
            native: hex(&number.to_ne_bytes()),
            bincode: framed(&number)?,
            network: packed(|message| message.number(number)),
            xml: xml(&i32::try_from(number)?)?,
        });
    }
    let list = vec![1_u64, 2];
    let halves = [list.capacity(), list.as_ptr() as usize, list.len()];
    all.push(Forms {
        value: "[1, 2]: a list".into(),
        native: pointer(halves),
        bincode: framed(&list)?,
        network: packed(|message| message.numbers(&list)),
        xml: xml(&vec![1, 2])?,
    });
    all.push(Forms {
        value: format!("{}: a text", super::fields::quoted(&text)),
        native: pointer([text.capacity(), text.as_ptr() as usize, text.len()]),
        bincode: framed(&text)?,
        network: packed(|message| message.text(&text)),
        // Any bytes can travel as base64, a third longer.
        xml: if is_carried(&text) { xml(&text)? } else { xml(&text.as_bytes())? },
    });
    Ok(all)
}

/// A list or a text in memory is an address. What stands there is in the memory of this process, and of no other.
fn pointer([capacity, address, length]: [usize; 3]) -> String {
    format!("address {address:x}, length {length}, room {capacity}")
}

fn framed(value: &impl Serialize) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    frame::encode(value, u32::MAX, &mut bytes)?;
    let (length, value) = bytes.split_at(frame::HEADER);
    Ok(format!("{} | {}", hex(length), all_hex(value)))
}

fn packed(pack: impl FnOnce(&mut Marshal)) -> String {
    let mut message = Marshal::default();
    pack(&mut message);
    all_hex(&message.into_bytes())
}

fn xml(value: &impl TryToValue) -> Result<String, Error> {
    value.try_to_value()?.to_xml()
}

fn all_hex(bytes: &[u8]) -> String {
    bytes.chunks(8).map(hex).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_is_these_bytes() {
        let all = forms("hello").unwrap();
        let thousand = &all[1];
        if cfg!(target_endian = "little") {
            assert_eq!(thousand.native, "e8 03 00 00 00 00 00 00");
        }
        assert_eq!(thousand.bincode, "00 00 00 03 | fb e8 03");
        assert_eq!(thousand.network, "00 00 00 00 00 00 03 e8");
        assert_eq!(thousand.xml, "<value><i4>1000</i4></value>");
        let text = &all[3];
        assert_eq!(text.bincode, "00 00 00 06 | 05 68 65 6c 6c 6f");
        assert_eq!(text.network, "00 00 00 05 68 65 6c 6c 6f");
        assert_eq!(text.xml, "<value><string>hello</string></value>");
    }

    #[test]
    fn a_text_that_xml_cannot_carry_is_base64() {
        assert_eq!(forms("\u{1}").unwrap()[3].xml, "<value><base64>AQ==</base64></value>");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let all = forms(&"ä".repeat(100_000)).unwrap();
        assert!(all[3].xml.len() < 80, "{}", all[3].xml);
    }
}
